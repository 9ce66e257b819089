import type { corev1 } from "../../../api/index.ts";

/** A container of any of a pod's three lists; what only some lists have is optional. */
export type AnyContainer = corev1.Container | corev1.EphemeralContainer;

/** All containers: init, main, ephemeral. */
export function containersOf(spec: corev1.PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** All containers with the path of each below the spec's. */
export function* containersWithPaths(spec: corev1.PodSpec, path: string): Generator<[AnyContainer, string]> {
  for (const list of ["initContainers", "containers", "ephemeralContainers"] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) yield [container, `${path}.${list}[${i}]`];
  }
}

/** A sidecar: an init container that keeps running. */
export function isSidecar(container: corev1.Container): boolean {
  return container.restartPolicy === "Always";
}
