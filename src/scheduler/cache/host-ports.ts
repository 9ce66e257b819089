import type { corev1 } from "../../api/index.ts";

/** A port of the node that a pod takes: `TCP:80` on one address or, with `0.0.0.0`, on all. */
export interface HostPort {
  readonly ip: string;
  readonly port: string;
}

const ANY = "0.0.0.0";
const NONE: readonly HostPort[] = Object.freeze([]);

/** Ports that a pod takes on its node: of its containers and sidecars. */
export function hostPortsOf({ spec }: corev1.Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const collect = (container: corev1.Container): void => {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort === undefined || hostPort <= 0) continue;
      (ports ??= []).push({ ip: hostIP || ANY, port: `${protocol ?? "TCP"}:${hostPort}` });
    }
  };
  for (const container of spec.containers) collect(container);
  for (const container of spec.initContainers ?? []) if (container.restartPolicy === "Always") collect(container);
  return ports ?? NONE;
}

/** Whether both cannot be on one node. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && (a.ip === b.ip || a.ip === ANY || b.ip === ANY);
}

/** The ports taken on one node. */
export class UsedPorts {
  /** Port → address → how many pods have it. */
  readonly #taken = new Map<string, Map<string, number>>();

  get size(): number {
    return this.#taken.size;
  }

  change({ ip, port }: HostPort, by: 1 | -1): void {
    let addresses = this.#taken.get(port);
    if (!addresses) this.#taken.set(port, (addresses = new Map()));
    const count = (addresses.get(ip) ?? 0) + by;
    if (count > 0) addresses.set(ip, count);
    else addresses.delete(ip);
    if (addresses.size === 0) this.#taken.delete(port);
  }

  conflicts({ ip, port }: HostPort): boolean {
    const addresses = this.#taken.get(port);
    return addresses !== undefined && (ip === ANY || addresses.has(ANY) || addresses.has(ip));
  }
}
