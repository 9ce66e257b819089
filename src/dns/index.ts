import type { Client } from "../client/index.ts";
import { createInformerFactory } from "../client/index.ts";
import { type Component, deferred, type Env, onceAborted } from "../kit/index.ts";
import { Forwarder, type Upstream } from "./forward.ts";
import { Responder } from "./responder.ts";
import { DnsServer } from "./server.ts";
import { liveView } from "./view.ts";

export { type Upstream, upstreamsFrom } from "./forward.ts";

export interface DnsOptions {
  readonly client: Client;
  readonly env: Env;
  /** Where to listen, UDP and TCP. Port 0 picks one: see {@link Dns.port}. */
  readonly address: string;
  readonly port: number;
  /** Such as `cluster.local`, without dots at either end. */
  readonly zone: string;
  /** Resolvers for all other names, in order. None: they get SERVFAIL. */
  readonly upstreams: readonly Upstream[];
}

/** Cluster DNS by the Kubernetes DNS specification 1.1.0. */
export interface Dns extends Component {
  /** The bound port, once ready. */
  readonly port: number;
  ready(signal?: AbortSignal): Promise<void>;
}

/** Makes the cluster's name server. It answers only after its first look at the API, so that it never denies what exists. */
export function createDns(options: DnsOptions): Dns {
  const { env } = options;
  const log = env.log.with({ component: "dns" });
  const informers = createInformerFactory(options.client, env);
  const view = liveView(informers);
  const forwarder = new Forwarder(options.upstreams, env.clock, env.random);
  const server = new DnsServer(
    new Responder({ view, zone: options.zone, forwarder, random: env.random }),
    env.clock,
    log,
  );
  const started = deferred<void>();
  let port = options.port;
  return {
    name: "dns",
    get port() {
      return port;
    },
    ready: () => started.promise,
    async run(signal) {
      const watching = informers.run(signal);
      await informers.whenSynced(signal);
      port = await server.listen(options.address, options.port);
      log.info("serving DNS", { address: options.address, port, zone: options.zone });
      started.resolve();
      await onceAborted(signal);
      await Promise.all([server.close(), watching]);
    },
  };
}
