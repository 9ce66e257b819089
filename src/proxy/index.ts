import { type discoveryv1, resources } from "../api/index.ts";
import { type Client, createInformerFactory } from "../client/index.ts";
import type { Nftables } from "../host/nftables/index.ts";
import { abortable, type Component, deferred, type Env } from "../kit/index.ts";
import { type Family, type NodeContext, type PortRules, serviceRules } from "./model.ts";
import { Ruleset } from "./nftables/ruleset.ts";
import type { TableOptions } from "./nftables/table.ts";

export interface ProxyOptions {
  readonly client: Client;
  readonly env: Env;
  readonly nftables: Nftables;
  readonly node: NodeContext;
  /** The table's name, one a cluster: `k8ts-local`. */
  readonly table: string;
  /** One of each family that the cluster has. */
  readonly ranges: readonly { readonly family: Family; readonly podCidr: string; readonly serviceCidr: string }[];
  /** How a new connection's backend is chosen. Default random, as upstream's nftables mode. */
  readonly choice?: TableOptions["choice"];
  /** Called with the flows to forget when UDP backends went away: they would hold on to them for ever. */
  readonly forgetFlows?: (flows: readonly StaleFlow[]) => Promise<void>;
}

/** A UDP backend that is gone, and the frontend it was reached through. */
export interface StaleFlow {
  readonly frontend: { readonly address?: string; readonly port: number };
  readonly backend: string;
}

/** Changes that come within this time are written together. */
const GATHER_MS = 5;
const RETRY_MS = 1_000;

/**
 * kube-proxy: keeps the node's rules as Services and EndpointSlices say. At start the table is replaced in one transaction,
 * so that a restart is not felt; later only what changed is written. When it stops, the rules stay.
 */
export function createProxy(options: ProxyOptions): Component & { ready(): Promise<void> } {
  const { env } = options;
  const log = env.log.with({ component: "proxy" });
  const sync = env.metrics.histogram("kubeproxy_sync_proxy_rules_duration_seconds", {
    help: "Time to write one change of the rules.",
  });
  const informers = createInformerFactory(options.client, env);
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const rulesets = options.ranges.map(
    (range) => new Ruleset({ ...range, table: options.table, choice: options.choice ?? "random" }),
  );
  const dirty = new Set<string>();
  const current = new Map<string, PortRules[]>();
  const first = deferred<void>();
  let wake = deferred<void>();

  const touch = (key: string): void => {
    dirty.add(key);
    wake.resolve();
  };
  const ownerOf = (slice: discoveryv1.EndpointSlice): string =>
    `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`;
  slices.addIndex("service", (slice) => [ownerOf(slice)]);
  const onService = (s: { metadata: { namespace: string; name: string } }): void =>
    touch(`${s.metadata.namespace}/${s.metadata.name}`);
  services.handle({ added: onService, updated: onService, deleted: onService });
  const onSlice = (slice: discoveryv1.EndpointSlice): void => touch(ownerOf(slice));
  slices.handle({ added: onSlice, updated: onSlice, deleted: onSlice });

  /** Works out the rules of the services that changed; returns the UDP flows that lost their backend. */
  function plan(): StaleFlow[] {
    const stale: StaleFlow[] = [];
    for (const key of dirty) {
      const service = services.lister.get(key);
      const rules = service ? serviceRules(service, [...slices.lister.byIndex("service", key)], options.node) : [];
      stale.push(...staleFlows(current.get(key) ?? [], rules));
      if (rules.length > 0) current.set(key, rules);
      else current.delete(key);
      for (const ruleset of rulesets) ruleset.set(key, rules);
    }
    dirty.clear();
    return stale;
  }

  async function write(signal: AbortSignal): Promise<void> {
    const stale = plan();
    for (const ruleset of rulesets) {
      const script = ruleset.script();
      if (script === undefined) continue;
      const started = env.clock.monotonic();
      try {
        await options.nftables.apply(script, signal);
      } catch (error) {
        ruleset.forget();
        throw error;
      }
      sync.observe((env.clock.monotonic() - started) / 1000);
    }
    if (stale.length > 0) await options.forgetFlows?.(stale);
  }

  async function loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      wake = deferred<void>();
      try {
        await write(signal);
        first.resolve();
        if (dirty.size === 0) await abortable(wake.promise, signal);
        await env.clock.sleep(GATHER_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.error("cannot write the service rules", { error: error instanceof Error ? error.message : String(error) });
        await env.clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  return {
    name: "proxy",
    ready: () => first.promise,
    async run(signal) {
      const watching = informers.run(signal);
      await informers.whenSynced(signal);
      await loop(signal);
      await watching;
    },
  };
}

function staleFlows(before: readonly PortRules[], after: readonly PortRules[]): StaleFlow[] {
  const flows = (rules: readonly PortRules[]): Map<string, StaleFlow> => {
    const found = new Map<string, StaleFlow>();
    for (const rule of rules) {
      if (rule.protocol !== "udp") continue;
      for (const frontend of rule.frontends) {
        const { address, port } = frontend;
        for (const backend of frontend.backends) {
          const flow = { frontend: { port, ...(address !== undefined && { address }) }, backend: backend.address };
          found.set(JSON.stringify(flow), flow);
        }
      }
    }
    return found;
  };
  const now = flows(after);
  return [...flows(before)].filter(([key]) => !now.has(key)).map(([, flow]) => flow);
}
