import type { corev1 } from "../../api/index.ts";

type Address = corev1.EndpointAddress;
type Port = corev1.EndpointPort;
type Subset = corev1.EndpointSubset;

/** Stands for "no port" while subsets are taken apart. */
const NO_PORT = "";

interface PortGroup {
  readonly port: Port | undefined;
  readonly addresses: Map<string, { readonly address: Address; ready: boolean }>;
}

/**
 * The canonical form of subsets: addresses with the same ports stand together, each once, everything sorted. An address that
 * is ready in one place and not in another is not ready.
 */
export function repackSubsets(subsets: readonly Subset[]): Subset[] {
  const byPort = new Map<string, PortGroup>();
  for (const subset of subsets) {
    const ports: readonly (Port | undefined)[] = subset.ports?.length ? subset.ports : [undefined];
    for (const port of ports) addAll(groupOf(byPort, port), subset);
  }
  const byAddresses = new Map<string, { group: PortGroup; ports: Port[] }>();
  for (const group of byPort.values()) {
    const key = [...group.addresses.entries()]
      .map(([address, { ready }]) => `${address} ${ready}`)
      .toSorted()
      .join(",");
    const known = byAddresses.get(key) ?? { group, ports: [] };
    byAddresses.set(key, known);
    if (group.port !== undefined) known.ports.push(group.port);
  }
  return [...byAddresses.values()]
    .map(({ group, ports }) => subsetOf(group, ports))
    .toSorted((a, b) => compare(JSON.stringify(a), JSON.stringify(b)));
}

function groupOf(byPort: Map<string, PortGroup>, port: Port | undefined): PortGroup {
  const key = port === undefined ? NO_PORT : portKey(port);
  const group = byPort.get(key) ?? { port, addresses: new Map() };
  byPort.set(key, group);
  return group;
}

function addAll(group: PortGroup, subset: Subset): void {
  const add = (address: Address, ready: boolean): void => {
    const key = `${address.ip} ${address.targetRef?.uid ?? ""}`;
    const known = group.addresses.get(key);
    if (known === undefined) group.addresses.set(key, { address, ready });
    else if (!ready) known.ready = false;
  };
  for (const address of subset.addresses ?? []) add(address, true);
  for (const address of subset.notReadyAddresses ?? []) add(address, false);
}

function subsetOf(group: PortGroup, ports: readonly Port[]): Subset {
  const all = [...group.addresses].toSorted(([a], [b]) => compare(a, b)).map(([, entry]) => entry);
  const addresses = all.filter(({ ready }) => ready).map(({ address }) => address);
  const notReadyAddresses = all.filter(({ ready }) => !ready).map(({ address }) => address);
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports: ports.toSorted((a, b) => compare(portKey(a), portKey(b))) }),
  };
}

function portKey({ name = "", port, protocol = "TCP", appProtocol = "" }: Port): string {
  return JSON.stringify([name, port, protocol, appProtocol]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How many addresses there are, ready and not. */
export function countAddresses(subsets: readonly Subset[]): { readonly ready: number; readonly notReady: number } {
  let [ready, notReady] = [0, 0];
  for (const subset of subsets) {
    ready += subset.addresses?.length ?? 0;
    notReady += subset.notReadyAddresses?.length ?? 0;
  }
  return { ready, notReady };
}

/**
 * At most `max` addresses, ready ones first, each subset losing in proportion to its size. The same list when there are no
 * more than that.
 */
export function truncateSubsets(subsets: readonly Subset[], max: number): readonly Subset[] {
  const { ready, notReady } = countAddresses(subsets);
  if (ready + notReady <= max) return subsets;
  const cutReady = ready > max;
  const field = cutReady ? "addresses" : "notReadyAddresses";
  const room = cutReady ? max : max - ready;
  const total = cutReady ? ready : notReady;
  let left = room;
  return subsets.map((subset) => {
    const has = subset[field] ?? [];
    const kept = has.slice(0, Math.min(left, Math.ceil((has.length / total) * room)));
    left -= kept.length;
    const { addresses, notReadyAddresses, ...rest } = { ...subset, [field]: kept };
    return {
      ...rest,
      ...(addresses?.length ? { addresses } : {}),
      ...(!cutReady && notReadyAddresses?.length ? { notReadyAddresses } : {}),
    };
  });
}
