import type { corev1 } from "../../api/index.ts";
import type { Admission } from "../seams/index.ts";
import { handlesOnly } from "./common.ts";

const NOT_READY = "node.kubernetes.io/not-ready";

/** A new node gets no pods before it was seen to be ready. */
export function taintNodesByCondition(): Admission {
  return {
    name: "TaintNodesByCondition",
    handles: handlesOnly("nodes", "", "CREATE"),
    admit({ object }) {
      const { spec } = object as unknown as corev1.Node;
      const taints = spec.taints ?? [];
      if (taints.some((taint) => taint.key === NOT_READY && taint.effect === "NoSchedule")) return;
      spec.taints = [...taints, { key: NOT_READY, effect: "NoSchedule" }];
    },
  };
}
