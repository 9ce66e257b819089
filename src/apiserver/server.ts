import type { Resource } from "../api/index.ts";
import type { Transport } from "../client/index.ts";
import { type Component, type Env, Latch, onceAborted } from "../kit/index.ts";
import type { Store } from "../store/index.ts";
import { Feed, ParseHints } from "./cache/index.ts";
import { builtinResources } from "./catalog/builtin.ts";
import { Catalog } from "./catalog/catalog.ts";
import { builtinModel } from "./catalog/model.ts";
import { AdmissionChain } from "./chain/admission.ts";
import { Gate } from "./chain/authorize.ts";
import { Chain } from "./chain/chain.ts";
import type { Core } from "./endpoints/call.ts";
import { type InFlight, inProcessTransport } from "./inprocess/transport.ts";
import { ObjectStorage } from "./registry/storage.ts";
import type { Admission, Authenticator, Authorizer, Strategy, UserInfo } from "./seams/index.ts";

/** What an API server is made of. Everything but the store and the environment has a default. */
export interface ApiServerOptions {
  readonly store: Store;
  readonly env: Env;
  /** Asked in order. Default: all requests are allowed. */
  readonly authorizers?: readonly Authorizer[];
  readonly authenticators?: readonly Authenticator[];
  /** In order. Default: none. */
  readonly admission?: readonly Admission[];
  readonly strategyFor?: (resource: Resource) => Strategy | undefined;
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
  /** Resolves once the server can answer. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Requests under way in process, watches aside. */
  readonly inFlight: number;
  /** Requests that came in process so far, watches included. */
  readonly handled: number;
  /** The revision up to which watchers have been told everything. */
  readonly revision: number;
  /** Ends watches and releases what the server holds; the store stays open. */
  close(): Promise<void>;
}

const ALLOW_ALL: Authorizer = { name: "AlwaysAllow", authorize: () => ({ decision: "allow" }) };

/** Puts an API server together. It starts nothing before the first request or {@link ApiServer.run}. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  return new Server(options);
}

class Server implements ApiServer {
  readonly name = "apiserver";
  readonly #feed: Feed;
  readonly #catalog = new Catalog();
  readonly #chain: Chain;
  readonly #ready = new Latch();
  readonly #flight = new Flight();

  constructor(options: ApiServerOptions) {
    const { store, env } = options;
    const hints = new ParseHints();
    this.#feed = new Feed(store, env);
    this.#catalog.add(
      ...builtinResources({
        store,
        feed: this.#feed,
        hints,
        env,
        strategyFor: (resource) => options.strategyFor?.(resource),
        modelFor: builtinModel,
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
    };
    this.#chain = new Chain({ core, authenticators: options.authenticators ?? [], paths: [] });
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

  ready(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#feed.start();
    this.#ready.open();
    await onceAborted(signal);
    await this.close();
  }

  async close(): Promise<void> {
    const kinds = new Set([...this.#catalog].flatMap((served) => served.kind ?? []));
    for (const kind of kinds) kind.cache.close();
    await this.#feed.close();
  }
}

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
