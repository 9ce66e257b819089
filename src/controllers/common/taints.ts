import type { corev1 } from "../../api/index.ts";

type Taint = corev1.Taint;

/** Taints are the same by key and effect; the value does not matter. */
export function sameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/** Whether the taint of that key and effect is among `taints`. */
export function hasTaint(taints: readonly Taint[] | undefined, taint: Taint): boolean {
  return taints?.some((candidate) => sameTaint(candidate, taint)) ?? false;
}

/** `taints` with some added and some removed; `undefined` when that changes nothing. */
export function changeTaints(
  taints: readonly Taint[] | undefined,
  add: readonly Taint[],
  remove: readonly Taint[],
): Taint[] | undefined {
  const before = taints ?? [];
  const missing = add.filter((taint) => !hasTaint(before, taint));
  const kept = before.filter((taint) => !hasTaint(remove, taint));
  return missing.length === 0 && kept.length === before.length ? undefined : [...kept, ...missing];
}

/** Whether a toleration covers a taint. An empty key tolerates every key, an empty effect every effect. */
export function tolerates(toleration: corev1.Toleration, taint: Taint): boolean {
  const { effect = "", key = "", operator = "Equal", value = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  return operator === "Exists" || (operator === "Equal" && value === (taint.value ?? ""));
}
