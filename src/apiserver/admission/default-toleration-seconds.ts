import type { corev1 } from "../../api/index.ts";
import type { Admission } from "../seams/index.ts";

const TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;
const SECONDS = 300;

/** Pods stay on a node that is not ready or unreachable for five minutes, unless they say otherwise. */
export function defaultTolerationSeconds(): Admission {
  return {
    name: "DefaultTolerationSeconds",
    handles: (operation, resource, subresource) =>
      (operation === "CREATE" || operation === "UPDATE") &&
      resource.group === "" &&
      resource.resource === "pods" &&
      subresource === "",
    admit({ object }) {
      const pod = object as unknown as corev1.Pod;
      for (const key of TAINTS) {
        const tolerated = (pod.spec.tolerations ?? []).some(
          (t) => (t.key === key || !t.key) && (t.effect === "NoExecute" || !t.effect),
        );
        if (tolerated) continue;
        const toleration = { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: SECONDS } as const;
        pod.spec.tolerations = [...(pod.spec.tolerations ?? []), toleration];
      }
    },
  };
}
