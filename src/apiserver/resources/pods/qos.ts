import type { corev1 } from "../../../api/index.ts";
import { Quantity } from "../../../machinery/index.ts";

/** How a pod's resources are guaranteed; decides whom the kubelet evicts first. */
export type QosClass = NonNullable<corev1.PodStatus["qosClass"]>;

type List = Readonly<Record<string, string>> | undefined;

/** The class that a spec's requests and limits of CPU and memory give. */
export function qosClassOf(spec: corev1.PodSpec): QosClass {
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let guaranteed = true;
  const own = spec.resources;
  const parts =
    own && Object.keys({ ...own.requests, ...own.limits }).length > 0
      ? [own]
      : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources);
  for (const part of parts) {
    add(requests, part?.requests);
    if (add(limits, part?.limits) < 2) guaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const equal = [...requests].every(([name, amount]) => limits.get(name)?.cmp(amount) === 0);
  return guaranteed && equal && limits.size === requests.size ? "Guaranteed" : "Burstable";
}

/** Adds the amounts of CPU and memory that are above zero; answers how many of the two there were. */
function add(sums: Map<string, Quantity>, list: List): number {
  let count = 0;
  for (const name of ["cpu", "memory"]) {
    const text = list?.[name];
    const amount = text === undefined ? undefined : Quantity.parse(text);
    if (!amount || amount.sign() <= 0) continue;
    count++;
    const sum = sums.get(name);
    sums.set(name, sum ? sum.add(amount) : amount);
  }
  return count;
}
