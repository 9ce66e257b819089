import type { corev1, Resource } from "../../api/index.ts";
import { forbidden } from "../../machinery/index.ts";
import type { StatusError } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Operation } from "../seams/index.ts";

/** A refusal, with the object named as well as it can be named before it exists. */
export function refusal(request: AdmissionRequest, message: string): StatusError {
  const { name, generateName } = request.object?.metadata ?? {};
  const prefix = typeof generateName === "string" ? generateName : "";
  return forbidden(request.resource, request.name || name || prefix || "Unknown", message);
}

/** Whether a write is about a resource of this group and name, whatever the version. */
export function isResource(resource: Resource, name: string, group = ""): boolean {
  return resource.resource === name && resource.group === group;
}

/** Handles the given operations on the main endpoint of one resource. */
export function handlesOnly(name: string, group: string, ...operations: readonly Operation[]): Admission["handles"] {
  return (operation, resource, subresource) =>
    subresource === "" && operations.includes(operation) && isResource(resource, name, group);
}

/** Several complaints in one message, as Go joins errors: each once, in brackets when there are several. */
export function joinMessages(messages: readonly string[]): string {
  const [...distinct] = new Set(messages);
  return distinct.length === 1 ? distinct.join("") : `[${distinct.join(", ")}]`;
}

/** The annotation of pods that a kubelet shows here but got from elsewhere. */
export const MIRROR_POD = "kubernetes.io/config.mirror";

/** Whether a kubelet mirrors a pod of its own. */
export function isMirrorPod(pod: corev1.Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_POD] !== undefined;
}

/** The pod that a write brings. */
export function podOf(request: AdmissionRequest): corev1.Pod {
  return request.object as unknown as corev1.Pod;
}
