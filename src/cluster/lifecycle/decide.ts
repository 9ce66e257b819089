import { hostname } from "node:os";
import { CliError, usageError } from "../cli/errors.ts";
import { connectedRanges, freePort, freeRange, isPortFree, overlaps, serviceRangesInUse } from "../machine/network.ts";
import { type ClusterPaths, clusterNames, clusterPaths } from "./paths.ts";
import { type ClusterOptions, type ClusterSpec, readSpec } from "./spec.ts";

const POD_RANGES = Array.from({ length: 10 }, (_, i) => `10.${244 + i}.0.0/16`);
const SERVICE_RANGES = Array.from({ length: 16 }, (_, i) => `10.${96 + i}.0.0/16`);
/** For more nodes than the others have room for at a /24 each. */
const LARGE_POD_RANGE = "100.64.0.0/10";
const NODE_PREFIX = 24;
const API_PORT = 6443;
const KUBELET_PORT = 10250;
const DNS_PORT = 10053;

/**
 * Decides everything that the user left open for a new cluster, so that it clashes neither with this machine nor with the
 * user's other clusters, running or not. Whoever calls it must keep others from deciding at the same time until the
 * outcome is written.
 */
export async function decide(
  paths: ClusterPaths,
  node: ClusterSpec["node"],
  options: ClusterOptions,
): Promise<ClusterSpec> {
  const others = clusterNames().flatMap((other) => specOf(other) ?? []);
  const ranges = [...connectedRanges(), ...serviceRangesInUse(), ...others.flatMap((o) => [o.podCidr, o.serviceCidr])];
  const ports = await choosePorts(options, new Set(others.flatMap((o) => [o.apiPort, o.kubeletPort, o.dnsPort])));
  const simulatedNodes = options.simulatedNodes ?? (node === "simulated" ? 1 : 0);
  const nodes = simulatedNodes + (node === "real" ? 1 : 0);
  const podRanges = nodes > roomIn(POD_RANGES[0] ?? "") ? [LARGE_POD_RANGE] : POD_RANGES;
  const podCidr = options.podCidr ?? pickRange("podCidr", podRanges, ranges);
  const serviceCidr = options.serviceCidr ?? pickRange("serviceCidr", SERVICE_RANGES, [...ranges, podCidr]);
  checkRanges(podCidr, serviceCidr, nodes);
  return {
    nodeName: machineName(),
    apiAddress: "0.0.0.0",
    clusterDomain: "cluster.local",
    ...options,
    ...ports,
    podCidr,
    serviceCidr,
    simulatedNodes,
    node,
    apiVersion: "k8ts.dev/v1",
    kind: "Cluster",
    name: paths.name,
  };
}

/** How many nodes find a /24 in a range. */
function roomIn(range: string): number {
  return 2 ** Math.max(0, NODE_PREFIX - Number(range.split("/")[1]));
}

function checkRanges(podCidr: string, serviceCidr: string, nodes: number): void {
  if (overlaps(podCidr, serviceCidr)) {
    throw usageError(
      `podCidr ${podCidr} and serviceCidr ${serviceCidr} overlap`,
      "give ranges without a common address",
    );
  }
  if (nodes > roomIn(podCidr)) {
    throw usageError(
      `podCidr ${podCidr} has room for ${roomIn(podCidr)} nodes (a /${NODE_PREFIX} each), not for ${nodes}`,
      "give a larger podCidr or fewer nodes",
    );
  }
}

/** The host's name as a node may be called: hosts are allowed characters that DNS is not. */
function machineName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-");
  const labels = name.split(".").map((label) => label.replaceAll(/^-+|-+$/g, ""));
  return labels.filter(Boolean).join(".") || "node";
}

/** Another cluster whose file is broken must not keep a new one from being made. */
function specOf(cluster: string): ClusterSpec | undefined {
  try {
    return readSpec(clusterPaths(cluster));
  } catch {
    return undefined;
  }
}

type Ports = Pick<ClusterSpec, "apiPort" | "kubeletPort" | "dnsPort">;

/** Ports asked for must be free; others are chosen. */
async function choosePorts(options: ClusterOptions, taken: Set<number>): Promise<Ports> {
  const choose = async (field: keyof Ports, preferred: number): Promise<number> => {
    const wanted = options[field];
    if (wanted !== undefined && !(await isPortFree(wanted))) {
      throw usageError(`port ${wanted} is taken by another process`, `leave ${FLAGS[field]} out to get a free one`);
    }
    const port = wanted ?? (await freePort(preferred, taken));
    taken.add(port);
    return port;
  };
  const apiPort = await choose("apiPort", API_PORT);
  const kubeletPort = await choose("kubeletPort", KUBELET_PORT);
  return { apiPort, kubeletPort, dnsPort: await choose("dnsPort", DNS_PORT) };
}

const FLAGS: Readonly<Record<keyof Ports, string>> = {
  apiPort: "--api-port (apiPort in the configuration file)",
  kubeletPort: "kubeletPort",
  dnsPort: "dnsPort",
};

function pickRange(field: string, candidates: readonly string[], taken: readonly string[]): string {
  const range = freeRange(candidates, taken);
  if (range) return range;
  throw new CliError(`every default ${field} is in use on this machine`, {
    hint: `give one in a --config file (${field}: ...)`,
  });
}
