import { type Pod, specContainers } from "../pod/containers.ts";
import { environmentObjects } from "../pod/environment.ts";
import type { ObjectRef } from "./object-source.ts";

/** Every config map and secret that a pod's volumes, environments and pulls name. */
export function podReferences(pod: Pod): ObjectRef[] {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { container } of specContainers(pod)) {
    const names = environmentObjects(container);
    for (const name of names.configMaps) configMaps.add(name);
    for (const name of names.secrets) secrets.add(name);
  }
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.configMap?.name) configMaps.add(volume.configMap.name);
    if (volume.secret?.secretName) secrets.add(volume.secret.secretName);
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap?.name) configMaps.add(source.configMap.name);
      if (source.secret?.name) secrets.add(source.secret.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) if (name) secrets.add(name);
  const { namespace } = pod.metadata;
  return [
    ...[...configMaps].map((name) => ({ kind: "ConfigMap" as const, namespace, name })),
    ...[...secrets].map((name) => ({ kind: "Secret" as const, namespace, name })),
  ];
}
