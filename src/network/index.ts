import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type corev1, resources } from "../api/index.ts";
import { type Client, createInformerFactory } from "../client/index.ts";
import type { Nftables } from "../host/nftables/index.ts";
import { abortable, type Component, deferred, type Env } from "../kit/index.ts";
import { cniConfig, type HostPort, type NetworkNames, nodeTable } from "./cni.ts";

export type { NetworkNames } from "./cni.ts";

export interface NetworkOptions {
  readonly client: Client;
  readonly env: Env;
  readonly nftables: Nftables;
  readonly nodeName: string;
  readonly names: NetworkNames;
  /** All pods' addresses, of which the node's own range is a part. */
  readonly clusterCidr: string;
  /** Where the container runtime looks for the network's configuration. */
  readonly confDir: string;
  /** Where addresses in use are noted. */
  readonly dataDir: string;
}

/** Kernel switches without which pods cannot reach one another or Services. */
const SYSCTLS: readonly (readonly [file: string, why: string])[] = [
  ["net/ipv4/ip_forward", "pods' packets are routed through the node"],
  ["net/ipv4/conf/all/route_localnet", "node ports answer on 127.0.0.1"],
  ["net/bridge/bridge-nf-call-iptables", "answers between pods on one bridge pass the Service rules"],
];
const RETRY_MS = 1_000;

/**
 * The node's part of the pod network: waits for the node's address range, writes the CNI configuration, switches the kernel
 * to forwarding, and keeps masquerading and host ports in nftables. When it stops, everything stays, so that pods go on.
 */
export function createNetworkAgent(options: NetworkOptions): Component & { ready(): Promise<void> } {
  const { env } = options;
  const log = env.log.with({ component: "network" });
  const informers = createInformerFactory(options.client, env);
  const nodes = informers.informer(resources.nodes, { fieldSelector: `metadata.name=${options.nodeName}` });
  const pods = informers.informer(resources.pods, { fieldSelector: `spec.nodeName=${options.nodeName}` });
  const configured = deferred<void>();
  let wake = deferred<void>();
  const touch = (): void => wake.resolve();
  nodes.handle({ added: touch, updated: touch });
  const hasHostPorts = (pod: corev1.Pod): boolean => hostPortsOf(pod).length > 0;
  pods.handle({
    added: (pod) => hasHostPorts(pod) && touch(),
    updated: (pod, before) => (hasHostPorts(pod) || hasHostPorts(before)) && touch(),
    deleted: (pod) => hasHostPorts(pod) && touch(),
  });

  let written = "";
  async function reconcile(signal: AbortSignal): Promise<void> {
    const hostPorts = [...pods.lister.list()].flatMap(hostPortsOf);
    const script = nodeTable(options.names, options.clusterCidr, hostPorts);
    if (script !== written) await options.nftables.apply(script, signal);
    written = script;
    const node = nodes.lister.get(options.nodeName);
    const cidrs = node?.spec.podCIDRs ?? (node?.spec.podCIDR ? [node.spec.podCIDR] : []);
    if (cidrs.length === 0) return;
    await writeConfig(join(options.confDir, "10-k8ts.conflist"), cniConfig(options.names, cidrs, options.dataDir));
    configured.resolve();
  }

  return {
    name: "network",
    ready: () => configured.promise,
    async run(signal) {
      const watching = informers.run(signal);
      for (const [file, why] of SYSCTLS)
        await switchOn(file).catch((error: Error) =>
          log.warn("cannot set a kernel switch", { file, why, error: error.message }),
        );
      await informers.whenSynced(signal);
      while (!signal.aborted) {
        wake = deferred<void>();
        try {
          await reconcile(signal);
          await abortable(wake.promise, signal);
        } catch (error) {
          if (signal.aborted) break;
          log.error("cannot set up the pod network", { error: error instanceof Error ? error.message : String(error) });
          await env.clock.sleep(RETRY_MS, signal).catch(() => undefined);
        }
      }
      await watching;
    },
  };
}

function hostPortsOf(pod: corev1.Pod): HostPort[] {
  const podIP = pod.status.podIP;
  const ended = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  if (!podIP || ended || pod.spec.hostNetwork) return [];
  const containers = [
    ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always"),
    ...pod.spec.containers,
  ];
  return containers.flatMap((c) =>
    (c.ports ?? [])
      .filter((p) => p.hostPort)
      .map((p) => ({
        protocol: (p.protocol ?? "TCP").toLowerCase() as HostPort["protocol"],
        hostPort: p.hostPort ?? 0,
        ...(p.hostIP && p.hostIP !== "0.0.0.0" && { hostIP: p.hostIP }),
        podIP,
        containerPort: p.containerPort,
      })),
  );
}

async function switchOn(file: string): Promise<void> {
  const path = join("/proc/sys", file);
  if ((await readFile(path, "utf8")).trim() !== "1") await writeFile(path, "1");
}

/** Writes only what changed, whole: the runtime watches the folder. */
async function writeConfig(file: string, config: object): Promise<void> {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const before = await readFile(file, "utf8").catch(() => "");
  if (before === text) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.tmp`, text, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}
