import { type Container, type Pod, type SpecContainer, containerHash } from "./containers.ts";

/** Labels and annotations by which what runs is known again after a restart; upstream's names. */
export const LABEL = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  containerName: "io.kubernetes.container.name",
} as const;

export const ANNOTATION = {
  hash: "io.kubernetes.container.hash",
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  preStop: "io.kubernetes.container.preStopHandler",
  ports: "io.kubernetes.container.ports",
  podDeletionGracePeriod: "io.kubernetes.pod.deletionGracePeriod",
  podTerminationGracePeriod: "io.kubernetes.pod.terminationGracePeriod",
} as const;

type Map_ = Record<string, string>;

export function podLabels(pod: Pod): Map_ {
  return {
    ...pod.metadata.labels,
    [LABEL.podName]: pod.metadata.name,
    [LABEL.podNamespace]: pod.metadata.namespace,
    [LABEL.podUid]: pod.metadata.uid,
  };
}

export function podAnnotations(pod: Pod): Map_ {
  return { ...pod.metadata.annotations };
}

export function containerLabels(pod: Pod, container: Container): Map_ {
  return {
    [LABEL.podName]: pod.metadata.name,
    [LABEL.podNamespace]: pod.metadata.namespace,
    [LABEL.podUid]: pod.metadata.uid,
    [LABEL.containerName]: container.name,
  };
}

export function containerAnnotations(pod: Pod, { container }: SpecContainer, restartCount: number): Map_ {
  const { deletionGracePeriodSeconds } = pod.metadata;
  const { terminationGracePeriodSeconds } = pod.spec;
  return {
    [ANNOTATION.hash]: containerHash(container),
    [ANNOTATION.restartCount]: String(restartCount),
    [ANNOTATION.terminationMessagePath]: container.terminationMessagePath ?? "",
    [ANNOTATION.terminationMessagePolicy]: container.terminationMessagePolicy ?? "File",
    ...(deletionGracePeriodSeconds !== undefined && {
      [ANNOTATION.podDeletionGracePeriod]: String(deletionGracePeriodSeconds),
    }),
    ...(terminationGracePeriodSeconds !== undefined && {
      [ANNOTATION.podTerminationGracePeriod]: String(terminationGracePeriodSeconds),
    }),
    ...(container.lifecycle?.preStop && { [ANNOTATION.preStop]: JSON.stringify(container.lifecycle.preStop) }),
    ...(container.ports?.length && { [ANNOTATION.ports]: JSON.stringify(container.ports) }),
  };
}
