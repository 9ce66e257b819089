import { type Draft, type Resource, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { isAlreadyExists } from "../../machinery/index.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
const PRIORITY_CLASSES = [
  {
    name: "system-node-critical",
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    name: "system-cluster-critical",
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

/** Where the API server can be reached, for the Service `kubernetes`. */
export interface AdvertisedAddress {
  readonly address: string;
  readonly port: number;
  /** The first address of the service network: every pod is told that the API is there. */
  readonly serviceIP: string;
}

/** Makes the namespaces that every cluster has. */
export async function ensureNamespaces(client: Client): Promise<void> {
  await Promise.all(NAMESPACES.map((name) => ensure(client, resources.namespaces, { metadata: { name } })));
}

/** Makes the priority classes that system pods refer to. */
export async function ensurePriorityClasses(client: Client): Promise<void> {
  for (const { name, value, description } of PRIORITY_CLASSES) {
    await ensure(client, resources.priorityclasses, { metadata: { name }, value, description });
  }
}

/** Makes the Service `kubernetes` and keeps its endpoints at the advertised address. */
export async function ensureKubernetesService(client: Client, at: AdvertisedAddress): Promise<void> {
  const labels = { component: "apiserver", provider: "kubernetes" };
  const key = { name: "kubernetes", namespace: "default" };
  await ensure(client, resources.services, {
    metadata: { ...key, labels },
    spec: {
      type: "ClusterIP",
      clusterIP: at.serviceIP,
      sessionAffinity: "None",
      ports: [{ name: "https", port: 443, targetPort: at.port, protocol: "TCP" }],
    },
  });
  const ports = [{ name: "https", port: at.port, protocol: "TCP" as const }];
  await ensureLatest(client, resources.endpoints, {
    metadata: { ...key, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: at.address }], ports }],
  });
  await ensureLatest(client, resources.endpointslices, {
    metadata: { ...key, labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: at.address.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [at.address], conditions: { ready: true } }],
    ports,
  });
}

async function ensure<T>(client: Client, resource: Resource<T>, draft: Draft<T>): Promise<boolean> {
  try {
    await client.resource(resource).create(draft);
    return true;
  } catch (error) {
    if (isAlreadyExists(error)) return false;
    throw error;
  }
}

/** Creates the object, or makes an existing one what it should be. */
async function ensureLatest<T>(
  client: Client,
  resource: Resource<T>,
  draft: Draft<T> & { metadata: { name: string; namespace: string } },
): Promise<void> {
  if (await ensure(client, resource, draft)) return;
  await client.resource(resource).patch(draft.metadata, { type: "merge", body: draft });
}
