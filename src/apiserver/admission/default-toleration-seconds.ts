import type { Admission } from "../seams/index.ts";
import { handlesOnly, podOf } from "./common.ts";

const TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;
const SECONDS = 300;

/** Pods stay on a node that is not ready or unreachable for five minutes, unless they say otherwise. */
export function defaultTolerationSeconds(seconds = SECONDS): Admission {
  return {
    name: "DefaultTolerationSeconds",
    handles: handlesOnly("pods", "", "CREATE", "UPDATE"),
    admit(request) {
      const { spec } = podOf(request);
      for (const key of TAINTS) {
        const tolerated = (spec.tolerations ?? []).some(
          (t) => (t.key === key || !t.key) && (t.effect === "NoExecute" || !t.effect),
        );
        if (tolerated) continue;
        const toleration = { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: seconds } as const;
        spec.tolerations = [...(spec.tolerations ?? []), toleration];
      }
    },
  };
}
