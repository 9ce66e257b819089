import type { corev1, discoveryv1 } from "../../api/index.ts";
import { deepEqual, isDns1123Subdomain, newControllerRef } from "../../machinery/index.ts";
import { type Family, formatIp, parseIp } from "../common/ip.ts";
import { endpointKey, portsKey, sameEndpoint } from "../endpointslice/endpoint.ts";
import { MANAGED_BY, type NewSlice, SERVICE_NAME } from "../endpointslice/plan.ts";
import { repackSubsets } from "../endpoints/subsets.ts";

type Slice = discoveryv1.EndpointSlice;
type Endpoint = discoveryv1.Endpoint;

/** Who writes slices for Endpoints that people write. */
export const MIRROR = "endpointslicemirroring-controller.k8s.io";
const NOT_COPIED = [
  "endpoints.kubernetes.io/last-change-trigger-time",
  "kubectl.kubernetes.io/last-applied-configuration",
];

/** What to write, and what to tell about the Endpoints. */
export interface MirrorPlan {
  readonly create: readonly NewSlice[];
  readonly update: readonly Slice[];
  readonly remove: readonly Slice[];
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

interface Wanted {
  readonly family: Family;
  readonly ports: discoveryv1.EndpointPort[];
  readonly endpoints: Endpoint[];
}

/** One slice for each subset and address family, with at most `max` addresses a subset. */
export function planMirror(endpoints: corev1.Endpoints, existing: readonly Slice[], max: number): MirrorPlan {
  const { wanted, invalid, skipped } = wantedSlices(endpoints, max);
  const plan = { create: [] as NewSlice[], update: [] as Slice[], remove: [] as Slice[] };
  const byKey = Map.groupBy(existing, (slice) => `${slice.addressType} ${portsKey(slice.ports)}`);
  for (const [key, want] of wanted) {
    const slices = byKey.get(key) ?? [];
    byKey.delete(key);
    const [first, ...rest] = slices;
    if (want.endpoints.length === 0) {
      plan.remove.push(...slices);
      continue;
    }
    plan.remove.push(...rest);
    const slice = newSlice(endpoints, want);
    if (first === undefined) plan.create.push(slice);
    else if (!isSame(first, slice)) plan.update.push(overwrite(first, slice));
  }
  for (const slices of byKey.values()) plan.remove.push(...slices);
  recycle(plan);
  const create = endpoints.metadata.deletionTimestamp === undefined ? plan.create : [];
  return { ...plan, create, warnings: warningsOf(invalid, skipped, max) };
}

function wantedSlices(
  endpoints: corev1.Endpoints,
  max: number,
): { wanted: Map<string, Wanted>; invalid: number; skipped: number } {
  const wanted = new Map<string, Wanted>();
  let [invalid, skipped] = [0, 0];
  for (const subset of repackSubsets(endpoints.subsets ?? [])) {
    const ports = (subset.ports ?? []).map(({ name = "", port, protocol = "TCP", appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const groupOf = (family: Family): Wanted => {
      const key = `${family} ${portsKey(ports)}`;
      const group = wanted.get(key) ?? { family, ports, endpoints: [] };
      wanted.set(key, group);
      return group;
    };
    groupOf("IPv4");
    groupOf("IPv6");
    let added = 0;
    const all = [
      ...(subset.addresses ?? []).map((address) => [address, true] as const),
      ...(subset.notReadyAddresses ?? []).map((address) => [address, false] as const),
    ];
    for (const [address, ready] of all) {
      if (added >= max) break;
      const ip = parseIp(address.ip);
      if (ip === undefined) {
        invalid++;
        continue;
      }
      groupOf(ip.family).endpoints.push(endpointOf(address, formatIp(ip), ready));
      added++;
    }
    skipped += all.length - added;
  }
  return { wanted, invalid, skipped };
}

function endpointOf(address: corev1.EndpointAddress, ip: string, ready: boolean): Endpoint {
  const { hostname = "", nodeName, targetRef } = address;
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === "" ? {} : { hostname }),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function newSlice(endpoints: corev1.Endpoints, { family, ports, endpoints: list }: Wanted): NewSlice {
  const { name, namespace, labels = {}, annotations = {} } = endpoints.metadata;
  const copied = Object.fromEntries(Object.entries(annotations).filter(([key]) => !NOT_COPIED.includes(key)));
  const dashed = isDns1123Subdomain(`${name}x`).length === 0;
  return {
    metadata: {
      namespace,
      generateName: dashed ? `${name}-` : name,
      labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: MIRROR },
      annotations: copied,
      ownerReferences: [newControllerRef(endpoints, ["", "v1", "Endpoints"])],
    },
    addressType: family,
    ports,
    endpoints: list,
  };
}

function isSame(slice: Slice, wanted: NewSlice): boolean {
  const want = new Map(((wanted.endpoints ?? []) as Endpoint[]).map((endpoint) => [endpointKey(endpoint), endpoint]));
  const has = slice.endpoints ?? [];
  return (
    has.length === want.size &&
    has.every((endpoint) => {
      const other = want.get(endpointKey(endpoint));
      return other !== undefined && sameEndpoint(other, endpoint);
    }) &&
    deepEqual(slice.metadata.labels ?? {}, wanted.metadata?.labels) &&
    deepEqual(slice.metadata.annotations ?? {}, wanted.metadata?.annotations) &&
    deepEqual(slice.metadata.ownerReferences, wanted.metadata?.ownerReferences)
  );
}

function overwrite(slice: Slice, wanted: NewSlice): Slice {
  const { generateName: _, ...metadata } = (wanted as Slice).metadata;
  return { ...slice, ...(wanted as Slice), metadata: { ...slice.metadata, ...metadata } };
}

/** Makes updates of creations and removals in one address family. */
function recycle(plan: { create: NewSlice[]; update: Slice[]; remove: Slice[] }): void {
  plan.remove = plan.remove.filter((slice) => {
    const at = plan.create.findIndex(({ addressType }) => addressType === slice.addressType);
    const [next] = at < 0 ? [] : plan.create.splice(at, 1);
    if (next !== undefined) plan.update.push(overwrite(slice, next));
    return next === undefined;
  });
}

function warningsOf(invalid: number, skipped: number, max: number): MirrorPlan["warnings"] {
  const warnings: { reason: string; message: string }[] = [];
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
    warnings.push({ reason: "InvalidIPAddress", message });
  }
  if (skipped > invalid) {
    const limit = `A max of ${max} addresses can be mirrored to EndpointSlices per Endpoints subset.`;
    warnings.push({ reason: "TooManyAddressesToMirror", message: `${limit} ${skipped} addresses were skipped` });
  }
  return warnings;
}
