import { type ApiServer, type ApiServerOptions, createApiServer, type UserInfo } from "../apiserver/index.ts";
import { type Client, createClient } from "../client/index.ts";
import { type Component, Group, type TestEnv, testEnv } from "../kit/index.ts";
import type { Store } from "../store/index.ts";
import { createMemoryStore } from "../store/memory/index.ts";

/** What a test wants of its cluster. */
export interface ClusterOptions {
  /** Chance follows from it: the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Where virtual time starts, ms since the epoch. */
  readonly now?: number;
  /** Namespaces to begin with. Default: default, kube-system, kube-public, kube-node-lease. */
  readonly namespaces?: readonly string[];
  /** Further components, started in order once the server is ready; they get a client of their own identity. */
  readonly components?: readonly ((parts: ClusterParts) => Component)[];
  /** Options of the API server. */
  readonly apiServer?: Partial<Omit<ApiServerOptions, "store" | "env">>;
}

/** What components are made with. */
export interface ClusterParts {
  readonly env: TestEnv;
  readonly client: Client;
  clientFor(user: string, groups?: readonly string[]): Client;
}

/** A whole cluster in the test's own process, on virtual time. Use it with `await using`. */
export interface TestCluster extends ClusterParts, AsyncDisposable {
  /** Speaks as a cluster administrator. */
  readonly client: Client;
  readonly clock: TestEnv["clock"];
  readonly server: ApiServer;
  readonly store: Store;
  /** Lets everything come to rest, without moving time. */
  settle(): Promise<void>;
  /** Moves time forward by `ms`, firing what falls due, and lets everything come to rest. */
  advance(ms: number): Promise<void>;
}

const ADMIN: UserInfo = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
/** So many turns of the event loop without any news mean rest. */
const QUIET_TURNS = 3;
const MAX_TURNS = 100_000;

/** Starts a cluster: memory store, API server, and whatever the options add. Resolves once it is at rest. */
export async function createCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const env = testEnv({
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.now !== undefined && { now: options.now }),
  });
  const store = createMemoryStore(env);
  const server = createApiServer({ ...options.apiServer, store, env });
  const cluster = new Cluster(env, store, server);
  await cluster.start(options);
  return cluster;
}

class Cluster implements TestCluster {
  readonly env: TestEnv;
  readonly clock: TestEnv["clock"];
  readonly store: Store;
  readonly server: ApiServer;
  readonly client: Client;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(env: TestEnv, store: Store, server: ApiServer) {
    this.env = env;
    this.clock = env.clock;
    this.store = store;
    this.server = server;
    this.client = createClient(server.transportFor(ADMIN));
  }

  clientFor(user: string, groups: readonly string[] = []): Client {
    return createClient(this.server.transportFor({ name: user, groups: [...groups, "system:authenticated"] }));
  }

  async start(options: ClusterOptions): Promise<void> {
    const components = [this.server, ...(options.components ?? []).map((make) => make(this))];
    const group = new Group(components, { clock: this.clock, name: "cluster", log: this.env.log });
    this.#running = group.run(this.#abort.signal);
    this.#running.catch(() => undefined);
    await Promise.race([group.ready(), this.#running]);
    const { resources } = await import("../api/index.ts");
    const namespaces = this.client.resource(resources.namespaces);
    for (const name of options.namespaces ?? NAMESPACES) await namespaces.create({ metadata: { name } });
    await this.settle();
  }

  async settle(): Promise<void> {
    let quiet = 0;
    let seen = "";
    for (let turn = 0; quiet < QUIET_TURNS; turn++) {
      if (turn > MAX_TURNS)
        throw new Error(`the cluster does not come to rest: revision ${this.server.revision} after ${turn} turns`);
      await this.clock.settle();
      const now = `${this.server.revision}:${this.server.handled}`;
      quiet = now === seen && this.server.inFlight === 0 ? quiet + 1 : 0;
      seen = now;
    }
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // Components may wait for timers on their way out; virtual time must not stand in their way.
    let stopped = false;
    const ended = this.#running.finally(() => (stopped = true));
    ended.catch(() => undefined);
    await this.clock.settle();
    while (!stopped) await this.clock.advance(1000);
    await ended;
    await this.store.close();
  }
}
