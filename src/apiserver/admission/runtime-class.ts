import { type corev1, type nodev1, resources } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { handlesOnly, podOf, refusal } from "./common.ts";
import { mergeTolerations } from "./tolerations.ts";

/** Pods of a runtime class get its overhead, and its node selector and tolerations on top of their own. */
export function runtimeClassAdmission(lookup: Lookup): Admission {
  const classOf = async (request: AdmissionRequest): Promise<nodev1.RuntimeClass | undefined> => {
    const { runtimeClassName: name } = podOf(request).spec;
    if (name === undefined) return undefined;
    const found = await lookup.get(resources.runtimeclasses, name);
    if (!found) throw refusal(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found;
  };
  return {
    name: "RuntimeClass",
    handles: handlesOnly("pods", "", "CREATE"),
    async admit(request) {
      const found = await classOf(request);
      if (found?.overhead) setOverhead(request, found.overhead.podFixed);
      if (found?.scheduling) setScheduling(request, found.scheduling);
    },
    async validate(request) {
      const found = await classOf(request);
      const { overhead } = podOf(request).spec;
      if (found?.overhead) {
        if (!sameAmounts(found.overhead.podFixed, overhead)) throw refusal(request, MISMATCH);
      } else if (overhead && Object.keys(overhead).length > 0) {
        const words = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        throw refusal(request, words);
      }
    },
  };
}

const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

function setOverhead(request: AdmissionRequest, fixed: corev1.PodSpec["overhead"]): void {
  const { spec } = podOf(request);
  const given = spec.overhead;
  if (given && Object.keys(given).length > 0 && !sameAmounts(fixed, given)) throw refusal(request, MISMATCH);
  if (fixed) spec.overhead = { ...fixed };
  else delete spec.overhead;
}

function setScheduling(request: AdmissionRequest, scheduling: nodev1.Scheduling): void {
  const { spec } = podOf(request);
  const selector = { ...spec.nodeSelector };
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = selector[key];
    if (own !== undefined && own !== value) {
      const both = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
      throw refusal(request, `conflict: ${both}`);
    }
    selector[key] = value;
  }
  if (Object.keys(selector).length > 0) spec.nodeSelector = selector;
  const tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (tolerations.length > 0) spec.tolerations = tolerations.map((toleration) => ({ ...toleration }));
}

function sameAmounts(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const [names, others] = [Object.keys(a), Object.keys(b)];
  return (
    names.length === others.length &&
    names.every((name) => {
      const [left, right] = [a[name], b[name]];
      return left !== undefined && right !== undefined && Quantity.parse(left).cmp(Quantity.parse(right)) === 0;
    })
  );
}
