import type { corev1 } from "../../api/index.ts";
import { tolerates } from "../common/taints.ts";

/** How long a pod may stay under NoExecute taints. */
export type Stay =
  /** For ever. */
  | { readonly kind: "stay" }
  /** For so many milliseconds from when it began; 0 for not at all. */
  | { readonly kind: "leave"; readonly afterMs: number };

/** What of a node's taints drives pods away. */
export function noExecuteTaints(node: corev1.Node | undefined): corev1.Taint[] {
  return (node?.spec.taints ?? []).filter((taint) => taint.effect === "NoExecute");
}

/** Each taint must be tolerated; the shortest of the tolerations used counts. */
export function stayUnder(taints: readonly corev1.Taint[], tolerations: readonly corev1.Toleration[] = []): Stay {
  let seconds = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const used = tolerations.find((toleration) => tolerates(toleration, taint));
    if (used === undefined) return { kind: "leave", afterMs: 0 };
    if (used.tolerationSeconds !== undefined) seconds = Math.min(seconds, Math.max(0, used.tolerationSeconds));
  }
  return seconds === Number.POSITIVE_INFINITY ? { kind: "stay" } : { kind: "leave", afterMs: seconds * 1000 };
}
