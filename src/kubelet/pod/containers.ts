import type { corev1 } from "../../api/index.ts";

export type Pod = corev1.Pod;
export type Container = corev1.Container;
export type ContainerKind = "init" | "main" | "ephemeral";

/** A container of a pod's spec, and which of the three lists it stands in. */
export interface SpecContainer {
  readonly kind: ContainerKind;
  readonly index: number;
  readonly container: Container;
  /** Ephemeral containers: the container whose processes it sees. */
  readonly target?: string;
}

/** Init containers, then main ones, then ephemeral ones. */
export function specContainers(pod: Pod): SpecContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [
    ...initContainers.map((container, index) => ({ kind: "init" as const, index, container })),
    ...containers.map((container, index) => ({ kind: "main" as const, index, container })),
    ...ephemeralContainers.map((container, index) => ({
      kind: "ephemeral" as const,
      index,
      container: container as Container,
      ...(container.targetContainerName && { target: container.targetContainerName }),
    })),
  ];
}

export function findSpecContainer(pod: Pod, name: string): SpecContainer | undefined {
  return specContainers(pod).find((c) => c.container.name === name);
}

/** An init container that keeps running beside the main ones. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec.hostNetwork === true;
}

/** `NAME_NAMESPACE(UID)`, as upstream's messages name a pod. */
export function podText(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}

const FIELD: Readonly<Record<ContainerKind, string>> = {
  init: "spec.initContainers",
  main: "spec.containers",
  ephemeral: "spec.ephemeralContainers",
};

/** What an event about a container, or about the pod, refers to. */
export function podReference(pod: Pod, container?: SpecContainer): corev1.ObjectReference {
  return {
    kind: "Pod",
    apiVersion: "v1",
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    resourceVersion: pod.metadata.resourceVersion,
    ...(container && { fieldPath: `${FIELD[container.kind]}{${container.container.name}}` }),
  };
}

/** Whether the pod came from a file of the node rather than the API. */
export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata.annotations?.["kubernetes.io/config.source"];
  return source !== undefined && source !== "api";
}

/** A short hash of what may not change without a restart: name and image (FNV-1a, 32 bits, hex). */
export function containerHash(container: Pick<Container, "name" | "image">): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${container.name}\0${container.image ?? ""}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}
