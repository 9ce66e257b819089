import type { corev1, discoveryv1, Draft } from "../../api/index.ts";
import { deepEqual, isDns1123Subdomain, newControllerRef } from "../../machinery/index.ts";
import type { Family } from "../common/ip.ts";
import { endpointOf, familiesOf, isEndpoint, isHeadless, portsKey, portsOf } from "./endpoint.ts";
import { autoHints, closeHints, hintModeOf, withoutHints, type ZoneShares } from "./hints.ts";
import { packEndpoints } from "./pack.ts";

type Service = corev1.Service;
type Slice = discoveryv1.EndpointSlice;
type Endpoint = discoveryv1.Endpoint;

export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const SERVICE_NAME = "kubernetes.io/service-name";
export const HEADLESS = "service.kubernetes.io/headless";
/** Who writes slices for Services with a selector. */
export const CONTROLLER = "endpointslice-controller.k8s.io";
const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

/** All that the slices of one Service depend on. */
export interface SliceInput {
  readonly service: Service;
  readonly pods: Iterable<corev1.Pod>;
  /** The Service's slices that this controller manages and that are not being deleted. */
  readonly existing: readonly Slice[];
  readonly nodeOf: (name: string) => corev1.Node | undefined;
  readonly maxPerSlice: number;
  readonly shares: ZoneShares;
  /** When the change happened that led here, for latency measurements. */
  readonly triggerTime?: string;
}

/** A slice to be: without the metadata that the server gives. */
export type NewSlice = Draft<Slice>;

/** What to write. */
export interface SlicePlan {
  readonly create: readonly NewSlice[];
  readonly update: readonly Slice[];
  readonly remove: readonly Slice[];
  /** Pods left out because their node is unknown: the Service must be looked at again. */
  readonly skipped: readonly string[];
  readonly events: readonly SliceEvent[];
}

/** Something to tell about hints. */
export interface SliceEvent {
  readonly type: "normal" | "warning";
  readonly reason: string;
  readonly message: string;
}

/** Decides the slices of a Service with a selector. */
export function planSlices(input: SliceInput): SlicePlan {
  const families = familiesOf(input.service);
  const skipped = new Set<string>();
  const events: SliceEvent[] = [];
  const plan = { create: [] as NewSlice[], update: [] as Slice[], remove: [] as Slice[] };
  plan.remove.push(...input.existing.filter(({ addressType }) => !families.includes(addressType as Family)));
  for (const family of families) {
    const existing = input.existing.filter(({ addressType }) => addressType === family);
    const draft = planFamily(input, family, existing, skipped);
    applyHints(input, family, draft, events);
    const { create, update, remove } = reuseRemoved(draft, input.service);
    plan.create.push(...create);
    plan.update.push(...update);
    plan.remove.push(...remove);
  }
  // Creating for a Service that is going would only race with the collection of its slices.
  const create = input.service.metadata.deletionTimestamp === undefined ? plan.create : [];
  return {
    create: create.map((slice) => withTriggerTime(slice, input.triggerTime)),
    update: plan.update.map((slice) => withTriggerTime(slice, input.triggerTime)),
    remove: plan.remove,
    skipped: [...skipped],
    events,
  };
}

/** The slices of one family on their way to a plan. */
interface Draft1 {
  create: NewSlice[];
  update: Slice[];
  remove: Slice[];
  unchanged: Slice[];
}

function planFamily(input: SliceInput, family: Family, existing: readonly Slice[], skipped: Set<string>): Draft1 {
  const { service } = input;
  const labels = labelsOf(service);
  const own = existing.filter((slice) => isOwnedBy(slice, service));
  const draft: Draft1 = {
    create: [],
    update: [],
    remove: existing.filter((slice) => !isOwnedBy(slice, service)),
    unchanged: [],
  };
  const groups = groupByPorts(input, family, skipped);
  const byPorts = Map.groupBy(own, (slice) => portsKey(slice.ports));
  for (const [key, { ports, endpoints }] of groups) {
    const packing = packEndpoints(byPorts.get(key) ?? [], endpoints, input.maxPerSlice, (slice) =>
      hasForeignLabels(slice, labels),
    );
    draft.create.push(...packing.create.map((group) => newSlice(service, labels, family, ports, [...group])));
    for (const { slice, endpoints: next } of packing.update) {
      draft.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints: [...next] });
    }
    draft.remove.push(...packing.remove);
  }
  for (const [key, slices] of byPorts) if (!groups.has(key)) draft.remove.push(...slices);
  placeholder(draft, existing, newSlice(service, labels, family, [], []));
  const changed = new Set([...draft.update, ...draft.remove].map((slice) => slice.metadata.name));
  draft.unchanged = own.filter((slice) => !changed.has(slice.metadata.name));
  return draft;
}

/** A Service always has a slice, if an empty one: consumers tell "no endpoints" from "not looked at yet". */
function placeholder(draft: Draft1, existing: readonly Slice[], empty: NewSlice): void {
  if (existing.length !== draft.remove.length || draft.create.length > 0) return;
  const [only] = draft.remove;
  const isPlaceholder =
    draft.remove.length === 1 &&
    only !== undefined &&
    (only.endpoints ?? []).length === 0 &&
    (only.ports ?? []).length === 0 &&
    deepEqual(only.metadata.labels, empty.metadata?.labels) &&
    deepEqual(only.metadata.ownerReferences, empty.metadata?.ownerReferences);
  if (isPlaceholder) draft.remove = [];
  else draft.create.push(empty);
}

function groupByPorts(
  { service, pods, nodeOf }: SliceInput,
  family: Family,
  skipped: Set<string>,
): Map<string, { ports: discoveryv1.EndpointPort[]; endpoints: Endpoint[] }> {
  const groups = new Map<string, { ports: discoveryv1.EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (!isEndpoint(pod)) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const { nodeName = "" } = pod.spec;
    const node = nodeOf(nodeName);
    if (node === undefined && service.spec.publishNotReadyAddresses !== true) {
      const { namespace, name } = service.metadata;
      skipped.add(`skipping Pod ${pod.metadata.name} for Service ${namespace}/${name}: Node ${nodeName} Not Found`);
      continue;
    }
    const endpoint = endpointOf(pod, node, service, family);
    if (endpoint.addresses.length > 0) group.endpoints.push(endpoint);
  }
  return groups;
}

function applyHints(input: SliceInput, family: Family, draft: Draft1, events: SliceEvent[]): void {
  const mode = hintModeOf(input.service);
  if (mode !== "auto") {
    const change = mode === "none" ? withoutHints : (e: Endpoint): Endpoint => closeHints(e, mode === "sameNode");
    changeEndpoints(draft, (endpoints) => endpoints.map(change));
    return;
  }
  const all = [...draft.create, ...draft.update, ...draft.unchanged].flatMap((s) => (s.endpoints ?? []) as Endpoint[]);
  const had = input.existing.some((s) => s.addressType === family && (s.endpoints ?? []).some((e) => e.hints));
  const result = autoHints(all, input.shares);
  const say = (type: "normal" | "warning", reason: string, what: string): void =>
    void events.push({ type, reason, message: `${what}, addressType: ${family}` });
  if ("disabled" in result) {
    say("warning", "TopologyAwareHintsDisabled", result.disabled);
    changeEndpoints(draft, (endpoints) => endpoints.map(withoutHints));
    return;
  }
  if (!had) say("normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled");
  const zoneOf = new Map(all.map((endpoint, i) => [endpoint, result.zones[i]]));
  changeEndpoints(draft, (endpoints) =>
    endpoints.map((endpoint) => {
      const name = zoneOf.get(endpoint);
      return name === undefined ? withoutHints(endpoint) : { ...endpoint, hints: { forZones: [{ name }] } };
    }),
  );
}

/** Applies a change to all slices; one that was to stay as it is, and now does not, is updated. */
function changeEndpoints(draft: Draft1, change: (endpoints: Endpoint[]) => Endpoint[]): void {
  const of = (slice: NewSlice | Slice): Endpoint[] => change((slice.endpoints ?? []) as Endpoint[]);
  draft.create = draft.create.map((slice) => ({ ...slice, endpoints: of(slice) }));
  draft.update = draft.update.map((slice) => ({ ...slice, endpoints: of(slice) }));
  draft.unchanged = draft.unchanged.filter((slice) => {
    const endpoints = of(slice);
    if (deepEqual(endpoints, slice.endpoints ?? [])) return true;
    draft.update.push({ ...slice, endpoints });
    return false;
  });
}

/** Turns a creation and a removal into one update, which consumers see as one change without a gap. */
function reuseRemoved(draft: Draft1, service: Service): Draft1 {
  const create = [...draft.create];
  const update = [...draft.update];
  const remove: Slice[] = [];
  for (const slice of draft.remove) {
    const next = isOwnedBy(slice, service) ? create.pop() : undefined;
    if (next === undefined) remove.push(slice);
    else update.push({ ...slice, ...(next as Slice), metadata: { ...slice.metadata, labels: labelsOf(service) } });
  }
  return { create, update, remove, unchanged: draft.unchanged };
}

function newSlice(
  service: Service,
  labels: Record<string, string>,
  addressType: Family,
  ports: discoveryv1.EndpointPort[],
  endpoints: Endpoint[],
): NewSlice {
  const { name, namespace } = service.metadata;
  const dashed = isDns1123Subdomain(`${name}x`).length === 0;
  return {
    metadata: {
      namespace,
      generateName: dashed ? `${name}-` : name,
      labels,
      ownerReferences: [newControllerRef(service, ["", "v1", "Service"])],
    },
    addressType,
    ports,
    endpoints,
  };
}

function labelsOf(service: Service): Record<string, string> {
  const { [MANAGED_BY]: _m, [SERVICE_NAME]: _s, [HEADLESS]: _h, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS]: "" } : {}),
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: CONTROLLER,
  };
}

/** Whether the labels other than our own differ from the Service's. */
function hasForeignLabels(slice: Slice, wanted: Readonly<Record<string, string>>): boolean {
  const plain = (labels: Readonly<Record<string, string>>): unknown => {
    const { [MANAGED_BY]: _m, [SERVICE_NAME]: _s, [HEADLESS]: _h, ...rest } = labels;
    return rest;
  };
  return !deepEqual(plain(slice.metadata.labels ?? {}), plain(wanted));
}

function isOwnedBy(slice: Slice, service: Service): boolean {
  const owners = slice.metadata.ownerReferences ?? [];
  return owners.some((o) => o.uid === service.metadata.uid && o.kind === "Service" && o.apiVersion === "v1");
}

function withTriggerTime<S extends NewSlice | Slice>(slice: S, time: string | undefined): S {
  const { [TRIGGER_TIME]: _, ...annotations } = (slice.metadata?.annotations ?? {}) as Record<string, string>;
  if (time !== undefined) annotations[TRIGGER_TIME] = time;
  return { ...slice, metadata: { ...slice.metadata, annotations } };
}
