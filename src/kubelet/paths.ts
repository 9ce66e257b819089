import { join } from "node:path";
import type { Pod } from "./pod/containers.ts";

/** Where the kubelet keeps things; upstream's layout below its root. */
export interface KubeletPaths {
  readonly root: string;
  readonly podLogs: string;
  readonly containerLogs: string;
}

export function podDir(paths: KubeletPaths, uid: string): string {
  return join(paths.root, "pods", uid);
}

/** Everything of a pod that must never reach a disk, on one tmpfs of the kubelet's. */
export function podMemoryDir(paths: KubeletPaths, uid: string): string {
  return join(paths.root, "memory", uid);
}

/** `pods/UID/volumes/kubernetes.io~KIND/NAME`. */
export function volumeDir(paths: KubeletPaths, uid: string, kind: string, name: string): string {
  return join(podDir(paths, uid), "volumes", `kubernetes.io~${kind}`, name);
}

export function memoryVolumeDir(paths: KubeletPaths, uid: string, kind: string, name: string): string {
  return join(podMemoryDir(paths, uid), "volumes", `kubernetes.io~${kind}`, name);
}

/** `NAMESPACE_NAME_UID`. */
export function podLogDir(paths: KubeletPaths, pod: Pick<Pod, "metadata">): string {
  const { namespace, name, uid } = pod.metadata;
  return join(paths.podLogs, `${namespace}_${name}_${uid}`);
}
