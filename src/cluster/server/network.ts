import { resources } from "../../api/index.ts";
import type { StandardApiServer } from "../../apiserver/index.ts";
import type { Client } from "../../client/index.ts";
import { createDns, upstreamsFrom } from "../../dns/index.ts";
import { systemNftables } from "../../host/nftables/index.ts";
import { type Component, type Env, runProcess } from "../../kit/index.ts";
import { isAlreadyExists } from "../../machinery/index.ts";
import { createNetworkAgent } from "../../network/index.ts";
import { createProxy, type StaleFlow } from "../../proxy/index.ts";
import { readFileSync } from "node:fs";
import type { ClusterPaths } from "../lifecycle/paths.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";
import { networkNames, nodePaths, serviceTable } from "../machine/runtime.ts";
import { componentUser, SYSTEM } from "./identities.ts";

/** The pod network of this node. */
export function networkOf(api: StandardApiServer, paths: ClusterPaths, spec: ClusterSpec, env: Env) {
  const node = nodePaths(paths);
  return createNetworkAgent({
    client: api.clientFor(SYSTEM),
    env,
    nftables: systemNftables(),
    nodeName: spec.nodeName,
    names: networkNames(spec.name),
    clusterCidr: spec.podCidr,
    confDir: node.cniConf,
    dataDir: node.cniData,
  });
}

/** kube-proxy of this node. */
export function proxyOf(api: StandardApiServer, spec: ClusterSpec, env: Env): Component {
  return createProxy({
    client: api.clientFor(componentUser("kube-proxy")),
    env,
    nftables: systemNftables(),
    node: { nodeName: spec.nodeName },
    table: serviceTable(spec.name),
    ranges: [{ family: "ip", podCidr: spec.podCidr, serviceCidr: spec.serviceCidr }],
    forgetFlows,
  });
}

/** UDP flows to a backend that is gone would go on to nowhere: conntrack is told to forget them. */
async function forgetFlows(flows: readonly StaleFlow[]): Promise<void> {
  for (const { frontend, backend } of flows) {
    const towards = frontend.address === undefined ? [] : ["--orig-dst", frontend.address];
    const args = ["-D", "-p", "udp", ...towards, "--dport", String(frontend.port), "--dst-nat", backend];
    // Exit code 1: there was no such flow.
    await runProcess("conntrack", args, { okCodes: [0, 1] });
  }
}

/** Cluster DNS, and the Service under which pods find it. */
export function dnsOf(api: StandardApiServer, spec: ClusterSpec, nodeIP: string, env: Env): Component[] {
  const client = api.clientFor(SYSTEM);
  const dns = createDns({
    client,
    env,
    address: nodeIP,
    port: spec.dnsPort,
    zone: spec.clusterDomain,
    upstreams: upstreamsFrom(hostResolvConf(), [nodeIP, addressAt(spec.serviceCidr, 10)]),
  });
  return [dns, dnsService(client, spec, nodeIP)];
}

/** The machine's resolvers: systemd-resolved's real ones rather than its stub, which pods could not reach. */
function hostResolvConf(): string {
  for (const file of ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"]) {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // The next one.
    }
  }
  return "";
}

/** Makes the Service `kube-dns` at the tenth address, and keeps its endpoint at our name server. */
function dnsService(client: Client, spec: ClusterSpec, nodeIP: string): Component {
  const { promise, resolve } = Promise.withResolvers<void>();
  const key = { name: "kube-dns", namespace: "kube-system" };
  const ports = (["UDP", "TCP"] as const).map((protocol) => ({
    name: protocol === "UDP" ? "dns" : "dns-tcp",
    protocol,
  }));
  const service = {
    metadata: {
      ...key,
      labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
    },
    spec: {
      clusterIP: addressAt(spec.serviceCidr, 10),
      ports: ports.map((p) => ({ ...p, port: 53, targetPort: spec.dnsPort })),
    },
  };
  const slice = {
    metadata: { ...key, labels: { "kubernetes.io/service-name": key.name } },
    addressType: "IPv4" as const,
    endpoints: [{ addresses: [nodeIP], conditions: { ready: true }, nodeName: spec.nodeName }],
    ports: ports.map((p) => ({ ...p, port: spec.dnsPort })),
  };
  const exists = (error: unknown): void => {
    if (!isAlreadyExists(error)) throw error;
  };
  return {
    name: "dns-service",
    ready: () => promise,
    async run() {
      await client.resource(resources.services).create(service).catch(exists);
      const slices = client.resource(resources.endpointslices);
      await slices.create(slice).catch(exists);
      await slices.patch(key, { type: "merge", body: slice });
      resolve();
    },
  };
}
