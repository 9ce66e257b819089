import type { corev1 } from "../../../api/index.ts";
import {
  badRequest,
  conflict,
  deepClone,
  type FieldError,
  formatTime,
  invalid,
  notFound,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { itemKey } from "../../registry/call.ts";
import { checkPreconditions } from "../../registry/storage.ts";
import type { Answer } from "../../request/answer.ts";
import { readObject } from "../../request/decode.ts";
import type { ApiObject } from "../../seams/index.ts";
import { type EndpointCall, subjectOf, writeOptions } from "../call.ts";

const PODS = { group: "", resource: "pods" };

/** POST of a Binding: gives a pod its node, once. */
export async function bindEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, context } = call;
  const options = writeOptions(call, "CreateOptions");
  const object = await readObject(context.request.body, { kind: "Binding", apiVersion: "v1" });
  const name = call.name === "" ? (object.metadata.name ?? "") : call.name;
  if (object.metadata.name !== name) throw badRequest("name in URL does not match name in Binding object");
  object.metadata.namespace ??= call.namespace;
  const subject = { ...subjectOf(call, options), name };
  await core.admission.mutate(subject, "CREATE", object, undefined);
  const errors = problems(object as unknown as corev1.Binding);
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding" }, name, errors);
  await core.admission.validate(subject, "CREATE", object, undefined);
  await assign(call, object as unknown as corev1.Binding, options.dryRun);
  return { type: "object", status: 201, object: success() };
}

function problems({ target }: corev1.Binding): FieldError[] {
  const errors: FieldError[] = [];
  if (target?.kind && target.kind !== "Node")
    errors.push(notSupported("target.kind", target.kind, ["Node", "<empty>"]));
  if (!target?.name) errors.push(required("target.name"));
  return errors;
}

async function assign(call: EndpointCall, binding: corev1.Binding, dryRun: boolean): Promise<void> {
  const { core, kind, namespace, context } = call;
  const { name, uid, resourceVersion, annotations, labels } = binding.metadata;
  const wanted = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  await core.storage.update(
    kind,
    itemKey(namespace, name),
    (current) => {
      if (!current) throw notFound(PODS, name);
      checkPreconditions(PODS, current, wanted);
      const pod = deepClone(current.object) as unknown as corev1.Pod;
      const obstacle = whyNot(pod);
      if (obstacle !== undefined) throw conflict({ group: "", resource: "pods/binding" }, name, obstacle);
      pod.spec.nodeName = binding.target.name ?? "";
      delete pod.status.nominatedNodeName;
      merge(pod.metadata, "annotations", annotations);
      merge(pod.metadata, "labels", labels);
      setPodCondition(pod, { type: "PodScheduled", status: "True" }, context.now);
      return Promise.resolve({ to: pod as unknown as ApiObject });
    },
    dryRun,
  );
}

function whyNot({ metadata, spec }: corev1.Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) {
    return `pod ${metadata.name} is being deleted, cannot be assigned to a host`;
  }
  if (spec.nodeName) return `pod ${metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`;
  if (spec.schedulingGates?.length) return `pod ${metadata.name} has non-empty .spec.schedulingGates`;
  return undefined;
}

function merge(
  metadata: corev1.Pod["metadata"],
  field: "annotations" | "labels",
  more: Record<string, string> | undefined,
): void {
  if (more && Object.keys(more).length > 0) metadata[field] = { ...metadata[field], ...more };
}

/** Sets a condition of a pod that may be changed; its time moves only when its status does. */
export function setPodCondition(
  pod: corev1.Pod,
  next: Pick<corev1.PodCondition, "type" | "status" | "reason" | "message">,
  now: number,
): void {
  const conditions = pod.status.conditions ?? [];
  const old = conditions.find((c) => c.type === next.type);
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : formatTime(now);
  const generation = pod.metadata.generation;
  const made = {
    ...next,
    ...(generation !== undefined && { observedGeneration: generation }),
    lastTransitionTime,
  } as corev1.PodCondition;
  pod.status.conditions = old ? conditions.map((c) => (c === old ? made : c)) : [...conditions, made];
}

/** The Status of what went well. */
export function success(): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}
