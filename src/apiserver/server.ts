import type { Resource } from "../api/index.ts";
import { createClient, type Transport } from "../client/index.ts";
import { type Component, type Env, Latch, onceAborted } from "../kit/index.ts";
import type { Store } from "../store/index.ts";
import { Feed, ParseHints } from "./cache/index.ts";
import { builtinResources } from "./catalog/builtin.ts";
import { Catalog } from "./catalog/catalog.ts";
import type { Grants } from "./authz/index.ts";
import { compactRegularly } from "./compaction.ts";
import { CustomResources } from "./crd/index.ts";
import { Aggregator, type ProxyPapers } from "./aggregation/index.ts";
import { AdmissionChain } from "./chain/admission.ts";
import { Gate } from "./chain/authorize.ts";
import { Chain, type PathHandler } from "./chain/chain.ts";
import { discoveryHandler } from "./discovery/handler.ts";
import type { Core } from "./endpoints/call.ts";
import { Backends, type KubeletClientOptions } from "./endpoints/connect/backend.ts";
import type { Listener, ListenOptions } from "./http/listener.ts";
import { type InFlight, inProcessTransport } from "./inprocess/transport.ts";
import { openapiHandler } from "./openapi/handler.ts";
import { type HealthCheck, healthHandler } from "./paths/health.ts";
import { indexHandler } from "./paths/index-page.ts";
import { metricsHandler } from "./paths/metrics.ts";
import { GIT_VERSION, versionHandler } from "./paths/version.ts";
import { cacheLookup } from "./registry/lookup.ts";
import { ObjectStorage } from "./registry/storage.ts";
import type { ServiceAccountTokens } from "./tokens/index.ts";
import { createStrategies, type Strategies } from "./resources/index.ts";
import type { Admission, Authenticator, Authorizer, Lookup, UserInfo } from "./seams/index.ts";

/** What an API server is made of. Everything but the store and the environment has a default. */
export interface ApiServerOptions {
  readonly store: Store;
  readonly env: Env;
  /** Asked in order. Default: all requests are allowed. */
  readonly authorizers?: readonly Authorizer[];
  readonly authenticators?: readonly Authenticator[];
  /** In order. Default: none. */
  readonly admission?: readonly Admission[];
  /** Rules of the built-in kinds. Default: upstream's. */
  readonly strategies?: Strategies;
  /** Issues service account tokens. Default: none are. */
  readonly tokens?: ServiceAccountTokens;
  /** Whom tokens are for that do not say. */
  readonly audiences?: readonly string[];
  /** What users may do, by rules: for SelfSubjectRulesReview. */
  readonly grants?: Grants;
  /**
   * Keep owners of fields from each object's creation on, as upstream does. Default: from the first server-side apply on,
   * which costs half the memory and a third of the time of a write; conflicts then name "before-first-apply".
   */
  readonly trackAllFields?: boolean;
  /**
   * Keep APIServices, and pass requests on to the servers that they name, with these papers (a certificate that those servers
   * take for a front proxy's). Default: no APIServices are kept.
   */
  readonly aggregation?: ProxyPapers;
  /** How kubelets are reached for logs, exec and the like. */
  readonly kubelet?: KubeletClientOptions;
  /** Groups and versions to serve beside those on by default, such as `resource.k8s.io/v1beta1`; `api/all` for all. */
  readonly runtimeConfig?: readonly string[];
  /** How long Events live, seconds; default one hour. */
  readonly eventTtlSeconds?: number;
}

/**
 * An API server over a store. `run` serves until aborted; in-process transports work as soon as the object exists.
 */
export interface ApiServer extends Component {
  /** A way in for components of the same process, as `user`: through the same chain as everybody, without a socket. */
  transportFor(user: UserInfo): Transport;
  /** Serves the network as well, until closed or until {@link Component.run} ends. Rejects when the address is taken. */
  listen(options: ListenOptions): Promise<Listener>;
  /** Resolves once the server can answer. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Consistent reads of the server's own objects, for authentication, authorization and admission. */
  readonly lookup: Lookup;
  /** Requests under way in process, watches aside. */
  readonly inFlight: number;
  /** Requests that came in process so far, watches included. */
  readonly handled: number;
  /** The revision up to which watchers have been told everything. */
  readonly revision: number;
  /** Ends watches and releases what the server holds; the store stays open. */
  close(): Promise<void>;
}

/** The server towards itself. */
const SELF: UserInfo = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

const ALLOW_ALL: Authorizer = { name: "AlwaysAllow", authorize: () => ({ decision: "allow" }) };

/** Puts an API server together. It starts nothing before the first request or {@link ApiServer.run}. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  return new Server(options);
}

class Server implements ApiServer {
  readonly name = "apiserver";
  readonly #feed: Feed;
  readonly #catalog = new Catalog();
  readonly lookup = cacheLookup(this.#catalog);
  readonly #chain: Chain;
  readonly #custom: CustomResources;
  readonly #aggregator: Aggregator | undefined;
  readonly #ready = new Latch();
  readonly #flight = new Flight();
  readonly #listeners = new Set<Listener>();
  readonly #env: Env;
  readonly #store: Store;
  #closing = false;

  constructor(options: ApiServerOptions) {
    const { store, env } = options;
    this.#env = env;
    this.#store = store;
    const hints = new ParseHints();
    const strategies = options.strategies ?? createStrategies({ random: env.random });
    this.#feed = new Feed(store, env);
    this.#catalog.add(
      ...builtinResources({
        store,
        feed: this.#feed,
        hints,
        env,
        strategyFor: (resource) => strategies.for(resource),
        services: strategies.services,
        enabled: (resource) => isEnabled(resource, options.runtimeConfig ?? []),
        eventTtlSeconds: options.eventTtlSeconds ?? 3600,
      }),
    );
    const core: Core = {
      env,
      store,
      storage: new ObjectStorage(store, hints),
      catalog: this.#catalog,
      admission: new AdmissionChain(options.admission ?? [], env.random),
      gate: new Gate(options.authorizers ?? [ALLOW_ALL]),
      backends: new Backends(options.kubelet ?? {}),
      authenticators: options.authenticators ?? [],
      tokens: options.tokens,
      audiences: options.audiences ?? [],
      grants: options.grants,
      trackAllFields: options.trackAllFields ?? false,
    };
    const paths: PathHandler[] = [
      discoveryHandler(this.#catalog, () => this.#address()),
      openapiHandler(this.#catalog, GIT_VERSION),
      versionHandler,
      healthHandler(this.#checks(store)),
      metricsHandler(env.metrics),
      indexHandler(this.#catalog),
    ];
    this.#chain = new Chain({
      core,
      authenticators: options.authenticators ?? [],
      paths,
      remote: (c) => this.#aggregator?.handle(c),
    });
    this.#custom = new CustomResources({
      catalog: this.#catalog,
      store,
      feed: this.#feed,
      hints,
      env,
      client: createClient(this.transportFor(SELF)),
    });
    if (options.aggregation) {
      this.#aggregator = new Aggregator({
        catalog: this.#catalog,
        client: createClient(this.transportFor(SELF)),
        lookup: this.lookup,
        backends: core.backends,
        env,
        papers: options.aggregation,
      });
    }
  }

  #checks(store: Store): HealthCheck[] {
    const everywhere = ["healthz", "livez", "readyz"] as const;
    return [
      { name: "ping", on: everywhere, check: () => undefined },
      { name: "etcd", on: everywhere, check: async () => void (await store.revision()) },
      { name: "informer-sync", on: ["readyz"], check: () => this.#mustBe(this.#ready.isOpen, "not started yet") },
      { name: "shutdown", on: ["readyz"], check: () => this.#mustBe(!this.#closing, "process is shutting down") },
    ];
  }

  #mustBe(holds: boolean, otherwise: string): void {
    if (!holds) throw new Error(otherwise);
  }

  #address(): string {
    const [listener] = this.#listeners;
    return listener ? `${listener.host}:${listener.port}` : "";
  }

  get inFlight(): number {
    return this.#flight.count;
  }

  get handled(): number {
    return this.#flight.handled;
  }

  get revision(): number {
    return this.#feed.revision;
  }

  transportFor(user: UserInfo): Transport {
    return inProcessTransport(this.#chain, user, this.#flight);
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { serveHttp } = await import("./http/server.ts");
    const listener = await serveHttp(this.#chain, this.#env, options);
    this.#listeners.add(listener);
    return listener;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#feed.start();
    const custom = this.#custom.run(signal);
    await Promise.race([this.#custom.ready(signal), custom, onceAborted(signal)]);
    this.#ready.open();
    const aggregator = this.#aggregator?.run(signal);
    await Promise.all([onceAborted(signal), custom, aggregator, compactRegularly(this.#store, this.#env, signal)]);
    await this.close();
  }

  async close(): Promise<void> {
    this.#closing = true;
    const closing = [...this.#listeners].map((listener) => listener.close(DRAIN_MS));
    const kinds = new Set([...this.#catalog].flatMap((served) => served.kind ?? []));
    for (const kind of kinds) kind.cache.close();
    await Promise.all(closing);
    await this.#feed.close();
  }
}

/** How long requests under way may take when the server stops, ms. */
const DRAIN_MS = 5000;

class Flight implements InFlight {
  count = 0;
  handled = 0;

  begin(): void {
    this.count++;
    this.handled++;
  }

  end(): void {
    this.count--;
  }
}

/** Whether a resource is served: on by default, or its version or group asked for. */
function isEnabled(resource: Resource, runtimeConfig: readonly string[]): boolean {
  if (resource.enabledByDefault || runtimeConfig.includes("api/all")) return true;
  return runtimeConfig.includes(`${resource.group}/${resource.version}`);
}
