import { type corev1, resources, type schedulingv1 } from "../../api/index.ts";
import { forbidden } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";

/** Priority classes that exist before anybody made them. */
const SYSTEM: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
const MIRROR = "kubernetes.io/config.mirror";

/** Resolves a pod's priority class to its number, and lets only one class be the default. */
export function priorityAdmission(lookup: Lookup): Admission {
  const isPod = (r: AdmissionRequest["resource"]): boolean => r.group === "" && r.resource === "pods";
  return {
    name: "Priority",
    handles: (operation, resource, subresource) =>
      subresource === "" &&
      ((operation === "CREATE" && isPod(resource)) ||
        (operation !== "DELETE" && resource.group === "scheduling.k8s.io" && resource.resource === "priorityclasses")),
    async admit(request) {
      if (isPod(request.resource)) await setPriority(request, lookup);
    },
    async validate(request) {
      const wanted = request.object as unknown as schedulingv1.PriorityClass;
      if (isPod(request.resource) || wanted.globalDefault !== true) return;
      const other = (await lookup.list(resources.priorityclasses)).find(
        (c) => c.globalDefault === true && c.metadata.name !== request.name,
      );
      if (other) {
        const message = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
        throw forbidden(request.resource, request.name, message);
      }
    },
  };
}

interface Resolved {
  readonly value: number;
  readonly policy: NonNullable<corev1.PodSpec["preemptionPolicy"]>;
}

async function setPriority(request: AdmissionRequest, lookup: Lookup): Promise<void> {
  const pod = request.object as unknown as corev1.Pod;
  const { spec } = pod;
  const refuse = (message: string): Error => forbidden(request.resource, request.name, message);
  if (pod.metadata.annotations?.[MIRROR] !== undefined && spec.priority !== undefined && !spec.priorityClassName) {
    spec.priorityClassName = Object.keys(SYSTEM).find((name) => SYSTEM[name] === spec.priority) ?? "";
    if (spec.priorityClassName === "") delete spec.priorityClassName;
  }
  const { value, policy } = spec.priorityClassName
    ? await byName(spec.priorityClassName, lookup, refuse)
    : await byDefault(spec, lookup);
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refuse(
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refuse(
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  spec.preemptionPolicy = policy;
}

async function byName(name: string, lookup: Lookup, refuse: (message: string) => Error): Promise<Resolved> {
  const found = await lookup.get(resources.priorityclasses, name);
  if (found) return { value: found.value, policy: found.preemptionPolicy ?? "PreemptLowerPriority" };
  const system = SYSTEM[name];
  if (system === undefined) throw refuse(`no PriorityClass with name ${name} was found`);
  return { value: system, policy: "PreemptLowerPriority" };
}

/** The default class of lowest value, as upstream resolves a tie that should not exist. */
async function byDefault(spec: corev1.PodSpec, lookup: Lookup): Promise<Resolved> {
  const defaults = (await lookup.list(resources.priorityclasses)).filter((c) => c.globalDefault === true);
  const [chosen] = defaults.toSorted((a, b) => a.value - b.value);
  if (chosen) spec.priorityClassName = chosen.metadata.name;
  return { value: chosen?.value ?? 0, policy: chosen?.preemptionPolicy ?? "PreemptLowerPriority" };
}
