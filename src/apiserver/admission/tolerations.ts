import type { corev1 } from "../../api/index.ts";
import { semanticEqual } from "../../machinery/index.ts";

type Toleration = corev1.Toleration;

/** Both lists together, without what another one of them covers. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [i, toleration] of all.entries()) {
    const covered =
      merged.some((other) => covers(other, toleration)) ||
      all.slice(i + 1).some((other) => !semanticEqual(toleration, other) && covers(other, toleration));
    if (!covered) merged.push(toleration);
  }
  return merged;
}

/** Whether `wide` tolerates whatever `narrow` does. */
export function covers(wide: Toleration, narrow: Toleration): boolean {
  if (semanticEqual(wide, narrow)) return true;
  const everyKey = !wide.key && wide.operator === "Exists";
  if ((narrow.key ?? "") !== (wide.key ?? "") && !everyKey) return false;
  if (wide.effect && narrow.effect !== wide.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === "Exists") return true;
  return narrow.operator === "Equal" && (narrow.value ?? "") === (wide.value ?? "");
}
