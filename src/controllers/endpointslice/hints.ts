import { type corev1, type discoveryv1 } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";

type Endpoint = discoveryv1.Endpoint;

const ZONE = "topology.kubernetes.io/zone";
/** A zone may have this share of endpoints less than its share of CPU. */
const OVERLOAD = 0.2;
const EXCLUDED_NODES = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** Each zone's share of the cluster's CPU; `undefined` when the nodes do not say enough, or there is one zone only. */
export type ZoneShares = ReadonlyMap<string, number> | undefined;

/** How hints of a Service are made, from its annotations and `trafficDistribution`. */
export type HintMode = "none" | "auto" | "sameZone" | "sameNode";

/** Which hints a Service asks for. The annotation wins over the field. */
export function hintModeOf(service: corev1.Service): HintMode {
  const { annotations = {} } = service.metadata;
  const mode =
    annotations["service.kubernetes.io/topology-aware-hints"] ?? annotations["service.kubernetes.io/topology-mode"];
  if (mode === "Auto" || mode === "auto") return "auto";
  switch (service.spec.trafficDistribution) {
    case "PreferClose":
    case "PreferSameZone":
      return "sameZone";
    case "PreferSameNode":
      return "sameNode";
    default:
      return "none";
  }
}

/** Reads the shares of CPU off the nodes; only ready ones that run ordinary pods count. */
export function zoneShares(nodes: Iterable<corev1.Node>): ZoneShares {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of nodes) {
    const { labels = {} } = metadata;
    if (EXCLUDED_NODES.some((label) => label in labels)) continue;
    if (status.conditions?.find((condition) => condition.type === "Ready")?.status !== "True") continue;
    const zone = labels[ZONE] ?? "";
    const cpu = Quantity.parse(status.allocatable?.["cpu"] ?? "0").milliValue();
    if (zone === "" || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  return new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total]));
}

/** The endpoint with the hints that its own place gives: of its zone, and with `node` of its node. */
export function closeHints(endpoint: Endpoint, node: boolean): Endpoint {
  if (endpoint.conditions.ready !== true) return endpoint;
  const forZones = endpoint.zone === undefined ? undefined : [{ name: endpoint.zone }];
  const forNodes = !node || endpoint.nodeName === undefined ? undefined : [{ name: endpoint.nodeName }];
  if (forZones === undefined && forNodes === undefined) return withoutHints(endpoint);
  return {
    ...endpoint,
    hints: { ...(forZones === undefined ? {} : { forZones }), ...(forNodes === undefined ? {} : { forNodes }) },
  };
}

/** The endpoint without hints. */
export function withoutHints(endpoint: Endpoint): Endpoint {
  if (endpoint.hints === undefined) return endpoint;
  const { hints: _, ...rest } = endpoint;
  return rest;
}

/** Zones for all ready endpoints (by position), or why there are none. */
export type AutoHints = { readonly zones: readonly (string | undefined)[] } | { readonly disabled: string };

/**
 * Gives every zone as many endpoints as its share of CPU asks for: those of the zone itself first, then some of zones that
 * have too many. Refuses when some zone could not get its least.
 */
export function autoHints(endpoints: readonly Endpoint[], shares: ZoneShares): AutoHints {
  const ready = endpoints.filter((endpoint) => endpoint.conditions.ready === true).length;
  if (shares === undefined) {
    return { disabled: "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes" };
  }
  const count = `(${ready} endpoints, ${shares.size} zones)`;
  if (shares.size > ready) return { disabled: `Insufficient number of endpoints ${count}` };
  const desired = allocations(shares, ready);
  if (desired === undefined) {
    const why = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold";
    return { disabled: `${why} ${count}` };
  }
  const zones = endpoints.map(({ conditions, zone = "" }) => (conditions.ready === true ? zone : undefined));
  if (zones.includes("")) return { disabled: "One or more endpoints do not have a zone specified" };
  return { zones: redistribute(zones, desired) };
}

function allocations(shares: ReadonlyMap<string, number>, ready: number): Map<string, number> | undefined {
  let left = ready;
  const desired = new Map<string, number>();
  for (const [zone, share] of shares) {
    const least = Math.ceil((share * ready) / (1 + OVERLOAD));
    desired.set(zone, Math.max(share * ready, least));
    left -= least;
  }
  return left < 0 ? undefined : desired;
}

function redistribute(
  zones: readonly (string | undefined)[],
  desired: ReadonlyMap<string, number>,
): (string | undefined)[] {
  const { give, receive } = transfers(zones, desired);
  return zones.map((zone) => {
    const surplus = zone === undefined ? 0 : (give.get(zone) ?? 0);
    if (zone === undefined || surplus === 0) return zone;
    const [receiver] = [...receive].find(([, missing]) => missing > 0) ?? [];
    if (receiver === undefined) return zone;
    give.set(zone, surplus - 1);
    receive.set(receiver, (receive.get(receiver) ?? 0) - 1);
    return receiver;
  });
}

/** Whole endpoints that zones give away and get, the largest differences first, fractions of half an endpoint left alone. */
function transfers(
  zones: readonly (string | undefined)[],
  desired: ReadonlyMap<string, number>,
): { give: Map<string, number>; receive: Map<string, number> } {
  const surplus = new Map<string, number>();
  const missing = new Map<string, number>();
  for (const [zone, target] of desired) {
    const has = zones.filter((candidate) => candidate === zone).length;
    if (has > target) surplus.set(zone, has - target);
    else if (has < target) missing.set(zone, target - has);
  }
  const [give, receive] = [new Map<string, number>(), new Map<string, number>()];
  for (;;) {
    const [giver, toGive] = most(surplus);
    const [receiver, toReceive] = most(missing);
    if (giver === undefined || receiver === undefined) break;
    if ((toGive < 1 && toReceive < 1) || toGive < 0.5 || toReceive < 0.5) break;
    give.set(giver, (give.get(giver) ?? 0) + 1);
    surplus.set(giver, toGive - 1);
    receive.set(receiver, (receive.get(receiver) ?? 0) + 1);
    missing.set(receiver, toReceive - 1);
  }
  return { give, receive };
}

function most(amounts: ReadonlyMap<string, number>): readonly [zone: string | undefined, amount: number] {
  let best: readonly [string | undefined, number] = [undefined, 0];
  for (const [zone, amount] of amounts) if (amount > best[1]) best = [zone, amount];
  return best;
}
