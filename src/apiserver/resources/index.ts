import type { Resource } from "../../api/index.ts";
import { type Random, SystemRandom } from "../../kit/index.ts";
import type { Strategy } from "../seams/index.ts";
import { GATES, type Gates } from "./common/gates.ts";
import type { KindEnv } from "./kind.ts";
import { KINDS } from "./registry.ts";
import { ServiceAllocators } from "./services/allocators.ts";
import { strategyOf } from "./strategy-of.ts";

export { GATES, type Gates } from "./common/gates.ts";
export { podLimits, podRequests } from "./common/pod-resources.ts";
export { qosClassOf } from "./pods/qos.ts";
export { ServiceAllocators, type ServiceLike } from "./services/allocators.ts";

/** What strategies are made with; everything has upstream's default. */
export interface StrategyOptions {
  /** Gates that differ from v1.35's defaults. */
  readonly gates?: Partial<Gates>;
  /** Default true, as upstream's `--allow-privileged` is set by everybody. */
  readonly allowPrivileged?: boolean;
  /** The networks of cluster IPs, the default family first; default `10.96.0.0/16`. */
  readonly serviceCidrs?: readonly string[];
  /** Default `30000-32767`. */
  readonly nodePortRange?: string;
  readonly random?: Random;
}

/** The strategies of all built-in kinds of one server. */
export interface Strategies {
  /** The kind's strategy; for kinds without rules of their own, what holds for all. Always the same object for a resource. */
  for(resource: Resource): Strategy;
  /** Addresses and ports of services: the server reports every stored service to it. */
  readonly services: ServiceAllocators;
}

/** Makes the strategies of one server. */
export function createStrategies(options: StrategyOptions = {}): Strategies {
  const services = new ServiceAllocators({
    cidrs: options.serviceCidrs ?? ["10.96.0.0/16"],
    nodePorts: options.nodePortRange ?? "30000-32767",
    random: options.random ?? new SystemRandom(),
  });
  const env: KindEnv = {
    gates: { ...GATES, ...options.gates },
    allowPrivileged: options.allowPrivileged ?? true,
    services,
  };
  const made = new Map<string, Strategy>();
  const strategyFor = (resource: Resource): Strategy => {
    const key = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
    const known = made.get(key);
    if (known) return known;
    const strategy = strategyOf(resource, KINDS[key]?.(env) ?? {});
    made.set(key, strategy);
    return strategy;
  };
  return { for: strategyFor, services };
}

/** A kind's strategy with upstream's defaults throughout: for tests and for kinds that share nothing between requests. */
export function strategyFor(resource: Resource): Strategy {
  return createStrategies().for(resource);
}
