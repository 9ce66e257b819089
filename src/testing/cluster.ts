import { type ApiServer, type ApiServerOptions, createApiServer, type UserInfo } from "../apiserver/index.ts";
import { resources } from "../api/index.ts";
import { type Client, createClient } from "../client/index.ts";
import { type Component, Group, type TestEnv, testEnv } from "../kit/index.ts";
import type { Store } from "../store/index.ts";
import { createMemoryStore } from "../store/memory/index.ts";
import type { NetworkAccess } from "./network-access.ts";

/** What a test wants of its cluster. */
export interface ClusterOptions {
  /** Chance follows from it: the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Where virtual time starts, ms since the epoch. */
  readonly now?: number;
  /** Simulated nodes, whose pods run at once and do nothing. Default 1. */
  readonly nodes?: number;
  /** Whether all controllers run; or which, in the syntax of `--controllers`. Default true. */
  readonly controllers?: boolean | readonly string[];
  /** Whether pods get nodes. Default true. */
  readonly scheduler?: boolean;
  /** Further namespaces to begin with, beside the four that every cluster has. */
  readonly namespaces?: readonly string[];
  /**
   * Exactly these components beside a bare API server, which allows everything and admits everything: for tests of the
   * components themselves. Started in order; they get a client of their own identity. Excludes the options above.
   */
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
  /** Serves the API over HTTPS on 127.0.0.1 as well, for kubectl and clients in other languages; returns a kubeconfig. */
  listen(): Promise<NetworkAccess>;
  /** Moves time forward by `ms`, firing what falls due, and lets everything come to rest. */
  advance(ms: number): Promise<void>;
}

const ADMIN: UserInfo = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
/** So many turns of the event loop without any news mean rest. */
const QUIET_TURNS = 3;
const MAX_TURNS = 100_000;

/**
 * Starts a cluster in this process: memory store, API server with RBAC and admission, controllers, scheduler and simulated
 * nodes, as the options say. No socket is opened. Resolves once it is at rest.
 */
export async function createCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const env = testEnv({
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.now !== undefined && { now: options.now }),
  });
  const store = createMemoryStore(env);
  const plane = options.components ? bare(options, store, env) : await whole(options, store, env);
  const cluster = new Cluster(env, store, plane.server);
  await cluster.start(plane.parts(cluster), [...(options.components ? NAMESPACES : []), ...(options.namespaces ?? [])]);
  return cluster;
}

/** An API server, and the components around it, itself the first. */
interface Plane {
  readonly server: ApiServer;
  parts(cluster: ClusterParts): readonly Component[];
}

function bare(options: ClusterOptions, store: Store, env: TestEnv): Plane {
  const server = createApiServer({ ...options.apiServer, store, env });
  return { server, parts: (cluster) => [server, ...(options.components ?? []).map((make) => make(cluster))] };
}

async function whole(options: ClusterOptions, store: Store, env: TestEnv): Promise<Plane> {
  const { wholePlane } = await import("./whole.ts");
  return wholePlane(options, store, env);
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

  async listen(): Promise<NetworkAccess> {
    const { listenOnLoopback } = await import("./network-access.ts");
    return listenOnLoopback(this.server);
  }

  async start(components: readonly Component[], names: readonly string[]): Promise<void> {
    const group = new Group(components, { clock: this.clock, name: "cluster", log: this.env.log });
    this.#running = group.run(this.#abort.signal);
    this.#running.catch(() => undefined);
    await Promise.race([group.ready(), this.#running]);
    const namespaces = this.client.resource(resources.namespaces);
    for (const name of names) await namespaces.create({ metadata: { name } });
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
