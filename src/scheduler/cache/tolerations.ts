import type { corev1 } from "../../api/index.ts";

type Tolerations = readonly corev1.Toleration[] | undefined;

/** Whether one of `tolerations` tolerates the taint. `Gt` and `Lt` tolerate nothing: their feature gate is off by default. */
export function tolerates(tolerations: Tolerations, taint: Pick<corev1.Taint, "key" | "value" | "effect">): boolean {
  for (const t of tolerations ?? []) if (toleratesOne(t, taint)) return true;
  return false;
}

function toleratesOne(t: corev1.Toleration, taint: Pick<corev1.Taint, "key" | "value" | "effect">): boolean {
  if (t.effect && t.effect !== taint.effect) return false;
  if (t.key && t.key !== taint.key) return false;
  if (t.operator === "Exists") return true;
  return (!t.operator || t.operator === "Equal") && (t.value ?? "") === (taint.value ?? "");
}

/** The first taint that keeps a pod with these tolerations off a node. */
export function untoleratedTaint(
  taints: readonly corev1.Taint[] | undefined,
  tolerations: Tolerations,
): corev1.Taint | undefined {
  return taints?.find((taint) => taint.effect !== "PreferNoSchedule" && !tolerates(tolerations, taint));
}

/** How many `PreferNoSchedule` taints a pod does not tolerate. `tolerations` are those that speak of that effect. */
export function countUntoleratedSoft(taints: readonly corev1.Taint[], tolerations: Tolerations): number {
  return taints.filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(tolerations, taint)).length;
}

/** The taint that a cordoned node counts as having. */
export const UNSCHEDULABLE_TAINT = {
  key: "node.kubernetes.io/unschedulable",
  value: "",
  effect: "NoSchedule",
} as const;
