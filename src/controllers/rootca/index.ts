import { type corev1, resources } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { ensureExists } from "../common/ensure.ts";
import { Loop } from "../common/loop.ts";

const NAME = "kube-root-ca.crt";
const DESCRIPTION_KEY = "kubernetes.io/description";
/** What users read on the object; the same words as everywhere, since tools compare objects. */
const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the " +
  "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** What the ConfigMap should be, or `undefined` when it is so already. */
export function rootCaChange(existing: corev1.ConfigMap, rootCa: string): corev1.ConfigMap | undefined {
  const data = { "ca.crt": rootCa };
  const described = (existing.metadata.annotations?.[DESCRIPTION_KEY] ?? "") !== "";
  if (described && deepEqual(existing.data, data)) return undefined;
  const annotations = { ...existing.metadata.annotations, [DESCRIPTION_KEY]: DESCRIPTION };
  return { ...existing, metadata: { ...existing.metadata, annotations }, data };
}

/** Every active namespace has a ConfigMap with the CA by which pods know the API server. */
export const rootCaPublisher: ControllerDefinition = {
  name: "root-ca-certificate-publisher-controller",
  account: "root-ca-cert-publisher",
  create: (context) => {
    const { rootCa } = context;
    if (rootCa === undefined) return undefined;
    const namespaces = context.caches.informer(resources.namespaces);
    const maps = context.caches.informer(resources.configmaps);
    const client = context.client.resource(resources.configmaps);
    const loop = new Loop({
      context,
      informers: [namespaces, maps],
      reconcile: async (namespace, signal) => {
        if (namespaces.lister.get(namespace)?.status.phase !== "Active") return;
        const existing = maps.lister.get(`${namespace}/${NAME}`);
        if (existing === undefined) {
          const metadata = { name: NAME, namespace, annotations: { [DESCRIPTION_KEY]: DESCRIPTION } };
          await ensureExists(client, { metadata, data: { "ca.crt": rootCa } }, signal);
          return;
        }
        const change = rootCaChange(existing, rootCa);
        if (change !== undefined) await client.update(change, { signal });
      },
    });
    loop.follow(namespaces);
    const wake = (map: corev1.ConfigMap): void => {
      if (map.metadata.name === NAME) loop.add(map.metadata.namespace);
    };
    maps.handle({ updated: wake, deleted: wake });
    return loop;
  },
};
