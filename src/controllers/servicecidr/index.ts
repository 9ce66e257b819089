import { type metav1, type networkingv1, resources } from "../../api/index.ts";
import { errorText } from "../../kit/index.ts";
import { isNotFound, parseTime, setCondition } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { type Cidr, contains, type Ip, overlaps, parseCidr, parseIp } from "../common/ip.ts";
import { Loop } from "../common/loop.ts";

type ServiceCidr = networkingv1.ServiceCIDR;
type Address = networkingv1.IPAddress;

const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const MANAGED_BY = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR = "ipallocator.k8s.io";
/** API servers may still hand out addresses of a range that they do not know to be going. */
const GRACE_MS = 10_000;

/** The networks of a range that can be read. */
function networksOf({ spec }: ServiceCidr): Cidr[] {
  return (spec.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);
}

/** Whether some range other than `own` covers what `matches`. */
function isCovered(own: ServiceCidr, all: Iterable<ServiceCidr>, matches: (network: Cidr) => boolean): boolean {
  for (const range of all) {
    const isOther = range.metadata.name !== own.metadata.name && range.metadata.deletionTimestamp === undefined;
    if (isOther && networksOf(range).some(matches)) return true;
  }
  return false;
}

/** Whether no address would be without a range if this one went. */
export function isDispensable(own: ServiceCidr, all: readonly ServiceCidr[], addresses: Iterable<Address>): boolean {
  const networks = networksOf(own);
  const within = (network: Cidr, outer: Cidr): boolean => outer.prefix <= network.prefix && contains(outer, network);
  if (networks.every((network) => isCovered(own, all, (outer) => within(network, outer)))) return true;
  for (const address of addresses) {
    const ip = allocated(address);
    if (ip === undefined || !networks.some((network) => contains(network, ip))) continue;
    if (!isCovered(own, all, (outer) => contains(outer, ip))) return false;
  }
  return true;
}

/** The address, when the API server handed it out. */
function allocated({ metadata }: Address): Ip | undefined {
  return metadata.labels?.[MANAGED_BY] === ALLOCATOR ? parseIp(metadata.name) : undefined;
}

const READY = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const TERMINATING = {
  type: "Ready",
  status: "False",
  reason: "Terminating",
  message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

/** Ranges of service addresses are ready once they are protected, and go only when no service has an address of theirs. */
export const serviceCidrController: ControllerDefinition = {
  name: "service-cidr-controller",
  account: "service-cidrs-controller",
  create: (context) => {
    const { caches, env, events } = context;
    const ranges = caches.informer(resources.servicecidrs);
    const addresses = caches.informer(resources.ipaddresses);
    const client = context.client.resource(resources.servicecidrs);
    const tell = async (range: ServiceCidr, condition: typeof READY, signal: AbortSignal): Promise<void> => {
      const before = range.status.conditions;
      const after = setCondition<metav1.Condition>(before, condition as metav1.Condition, env.clock.now());
      if (after === before) return;
      const changed = { ...range, status: { ...range.status, conditions: [...after] } };
      try {
        await client.update(changed, { subresource: "status", signal });
      } catch (error) {
        if (isNotFound(error)) return;
        const message = "The ServiceCIDR Status can not be set to Ready=True";
        if (condition === READY && !signal.aborted) {
          events.warning(resources.servicecidrs, range, "KubernetesServiceCIDRError", message);
          env.log.warn(message, { serviceCIDR: range.metadata.name, error: errorText(error) });
        }
        throw error;
      }
    };
    const patchFinalizers = async (name: string, metadata: object, signal: AbortSignal): Promise<void> => {
      try {
        await client.patch({ name }, { type: "strategic", body: { metadata } }, { signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    };
    const loop = new Loop({
      context,
      informers: [ranges, addresses],
      reconcile: async (name, signal) => {
        const range = ranges.lister.get(name);
        if (range === undefined) return undefined;
        const { deletionTimestamp, finalizers = [] } = range.metadata;
        if (deletionTimestamp === undefined) {
          if (!finalizers.includes(FINALIZER)) await patchFinalizers(name, { finalizers: [FINALIZER] }, signal);
          else await tell(range, READY, signal);
          return undefined;
        }
        if (!finalizers.includes(FINALIZER)) return undefined;
        if (!isDispensable(range, [...ranges.lister.list()], addresses.lister.list())) {
          await tell(range, TERMINATING, signal);
          return undefined;
        }
        const wait = parseTime(deletionTimestamp) + GRACE_MS - env.clock.now();
        if (wait > 0) return wait;
        await patchFinalizers(name, { "$deleteFromPrimitiveList/finalizers": [FINALIZER] }, signal);
        return undefined;
      },
    });
    const wakeOverlapping = (changed: ServiceCidr): void => {
      const networks = networksOf(changed);
      for (const range of ranges.lister.list()) {
        if (networksOf(range).some((own) => networks.some((network) => overlaps(own, network)))) {
          loop.add(range.metadata.name);
        }
      }
    };
    ranges.handle({
      added: wakeOverlapping,
      updated: ({ metadata }) => loop.add(metadata.name),
      deleted: wakeOverlapping,
    });
    addresses.handle({
      deleted: (address) => {
        const ip = allocated(address);
        if (ip === undefined) return;
        for (const range of ranges.lister.list()) {
          if (networksOf(range).some((network) => contains(network, ip))) loop.add(range.metadata.name);
        }
      },
    });
    return loop;
  },
};
