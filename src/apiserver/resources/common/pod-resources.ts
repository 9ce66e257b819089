import type { corev1 } from "../../../api/index.ts";
import { Quantity } from "../../../machinery/index.ts";

/** Amounts by resource name. */
export type Amounts = Map<string, Quantity>;

/** Amounts as an object has them. */
export type AmountTexts = Readonly<Record<string, string>> | undefined;

/** Parses what an object has. */
export function amountsOf(list: AmountTexts): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}

/** Adds every amount of `more` to `to`. */
export function addAmounts(to: Amounts, more: Amounts): void {
  for (const [name, amount] of more) {
    const sum = to.get(name);
    to.set(name, sum ? sum.add(amount) : amount);
  }
}

/** Raises `to` to `other` where that is more. */
export function maxAmounts(to: Amounts, other: Amounts): void {
  for (const [name, amount] of other) {
    const current = to.get(name);
    if (!current || amount.cmp(current) > 0) to.set(name, amount);
  }
}

export type AmountKind = "requests" | "limits";

/** What one container needs: as it says, or as it was given. The result is the caller's. */
export type ContainerAmounts = (container: corev1.Container, kind: AmountKind) => Amounts;

const specified: ContainerAmounts = (container, kind) => amountsOf(container.resources?.[kind]);

/**
 * What a pod's containers need together: the sum over those that run at the same time, or what some init container needs
 * beside the sidecars started before it, whichever is more.
 */
export function sumOfContainers(
  spec: corev1.PodSpec,
  kind: AmountKind,
  amounts: ContainerAmounts = specified,
): Amounts {
  const total: Amounts = new Map();
  for (const container of spec.containers ?? []) addAmounts(total, amounts(container, kind));
  const sidecars: Amounts = new Map();
  const start: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = amounts(container, kind);
    if (container.restartPolicy === "Always") {
      addAmounts(total, own);
      addAmounts(sidecars, own);
      maxAmounts(start, sidecars);
    } else {
      addAmounts(own, sidecars);
      maxAmounts(start, own);
    }
  }
  maxAmounts(total, start);
  return total;
}

/** Whether a resource may be given to a pod as a whole. */
export function isPodLevel(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** What a pod asks for: its own requests where it makes some, its containers' otherwise, and the overhead. */
export function podRequests(spec: corev1.PodSpec, amounts?: ContainerAmounts): Amounts {
  const total = sumOfContainers(spec, "requests", amounts);
  overrideByPod(total, spec.resources?.requests);
  addAmounts(total, amountsOf(spec.overhead));
  return total;
}

/** What a pod is limited to, the overhead on top where there is a limit at all. */
export function podLimits(spec: corev1.PodSpec, amounts?: ContainerAmounts): Amounts {
  const total = sumOfContainers(spec, "limits", amounts);
  overrideByPod(total, spec.resources?.limits);
  for (const [name, amount] of amountsOf(spec.overhead)) {
    const limit = total.get(name);
    if (limit && limit.sign() !== 0) total.set(name, limit.add(amount));
  }
  return total;
}

function overrideByPod(total: Amounts, own: AmountTexts): void {
  for (const [name, amount] of amountsOf(own)) if (isPodLevel(name)) total.set(name, amount);
}
