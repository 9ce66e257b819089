import { resources, type corev1, type schedulingv1 } from "../../api/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { isResource, podOf, refusal } from "./common.ts";

/** Resolves a pod's priority class to its number, and lets only one class be the default. */
export function priorityAdmission(lookup: Lookup): Admission {
  return {
    name: "Priority",
    handles: (operation, resource, subresource) =>
      subresource === "" &&
      (operation === "CREATE" || operation === "UPDATE") &&
      (isResource(resource, "pods") || isResource(resource, "priorityclasses", "scheduling.k8s.io")),
    async admit(request) {
      if (!isResource(request.resource, "pods")) return;
      if (request.operation === "UPDATE") keepPriority(podOf(request), request.oldObject as unknown as corev1.Pod);
      else await setPriority(request, lookup);
    },
    async validate(request) {
      const wanted = request.object as unknown as schedulingv1.PriorityClass;
      if (isResource(request.resource, "pods") || wanted.globalDefault !== true) return;
      const other = await defaultClass(lookup);
      if (other && (request.operation === "CREATE" || other.metadata.name !== wanted.metadata.name)) {
        const words = "is already marked as default. Only one default can exist";
        throw refusal(request, `PriorityClass ${other.metadata.name} ${words}`);
      }
    },
  };
}

/** Old clients leave out fields that they do not know of. */
function keepPriority({ spec }: corev1.Pod, { spec: old }: corev1.Pod): void {
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = old.preemptionPolicy;
  }
}

async function setPriority(request: AdmissionRequest, lookup: Lookup): Promise<void> {
  const { spec } = podOf(request);
  const found = await classOf(request, spec, lookup);
  const [value, policy] = found ? [found.value, found.preemptionPolicy] : [0, "PreemptLowerPriority" as const];
  const why = "must not be provided in pod spec; priority admission controller computed";
  if (spec.priority !== undefined && spec.priority !== value) {
    const given = `the integer value of priority (${spec.priority})`;
    throw refusal(request, `${given} ${why} ${value} from the given PriorityClass name`);
  }
  spec.priority = value;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    const given = `the string value of PreemptionPolicy (${spec.preemptionPolicy})`;
    throw refusal(request, `${given} ${why} ${policy} from the given PriorityClass name`);
  }
  spec.preemptionPolicy = policy;
}

async function classOf(
  request: AdmissionRequest,
  spec: corev1.PodSpec,
  lookup: Lookup,
): Promise<schedulingv1.PriorityClass | undefined> {
  if (!spec.priorityClassName) {
    const found = await defaultClass(lookup);
    if (found) spec.priorityClassName = found.metadata.name;
    return found;
  }
  const found = await lookup.get(resources.priorityclasses, spec.priorityClassName);
  if (!found) throw refusal(request, `no PriorityClass with name ${spec.priorityClassName} was found`);
  return found;
}

/** The default class; the one of lowest value should there be several. */
async function defaultClass(lookup: Lookup): Promise<schedulingv1.PriorityClass | undefined> {
  const defaults = (await lookup.list(resources.priorityclasses)).filter((c) => c.globalDefault === true);
  return defaults.toSorted((a, b) => a.value - b.value)[0];
}
