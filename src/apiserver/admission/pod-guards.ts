import type { corev1 } from "../../api/index.ts";
import { errorText, notSupported } from "../../machinery/index.ts";
import { isExtendedResource } from "../resources/common/quantities.ts";
import type { Admission, AdmissionRequest } from "../seams/index.ts";
import { handlesOnly, joinMessages, podOf, refusal } from "./common.ts";

type AnyContainer = corev1.Container | corev1.EphemeralContainer;

/** The containers of a pod with their field paths, init containers first. */
function* containersOf({ spec }: corev1.Pod): Generator<[container: AnyContainer, path: string]> {
  for (const list of ["initContainers", "containers", "ephemeralContainers"] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) yield [container, `spec.${list}[${i}]`];
  }
}

/** Images are pulled at every start, so that only those who may pull an image can run it. Off by default. */
export function alwaysPullImages(): Admission {
  const ignores = ({ operation, object, oldObject }: AdmissionRequest): boolean => {
    if (operation !== "UPDATE") return false;
    const images = (pod: unknown): string[] => [...containersOf(pod as corev1.Pod)].map(([c]) => c.image ?? "");
    const before = new Set(images(oldObject));
    return images(object).every((image) => before.has(image));
  };
  return {
    name: "AlwaysPullImages",
    handles: handlesOnly("pods", "", "CREATE", "UPDATE"),
    admit(request) {
      if (ignores(request)) return;
      const pod = podOf(request);
      for (const [container] of containersOf(pod)) container.imagePullPolicy = "Always";
      for (const { image } of pod.spec.volumes ?? []) if (image) image.pullPolicy = "Always";
    },
    validate(request) {
      if (ignores(request)) return;
      const pod = podOf(request);
      const wrong: string[] = [];
      const check = (path: string, policy: string | undefined): void => {
        if (policy === "Always") return;
        wrong.push(errorText(notSupported(path, policy ?? "", ["Always"])));
      };
      for (const [container, path] of containersOf(pod)) check(`${path}.imagePullPolicy`, container.imagePullPolicy);
      for (const [i, { image }] of (pod.spec.volumes ?? []).entries()) {
        if (image) check(`spec.volumes[${i}].image.pullPolicy`, image.pullPolicy);
      }
      if (wrong.length > 0) throw refusal(request, joinMessages(wrong));
    },
  };
}

const HOSTNAME = "kubernetes.io/hostname";

/** Pods may keep others away from their node, not from a whole zone. Off by default. */
export function limitPodHardAntiAffinityTopology(): Admission {
  return {
    name: "LimitPodHardAntiAffinityTopology",
    handles: handlesOnly("pods", "", "CREATE", "UPDATE"),
    validate(request) {
      const terms = podOf(request).spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      const other = (terms ?? []).find((term) => term.topologyKey !== HOSTNAME);
      if (!other) return;
      const words = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${other.topologyKey} but only key ${HOSTNAME} is allowed`;
      throw refusal(request, words);
    },
  };
}

/** Pods that ask for devices tolerate the taint that keeps others off their nodes. Off by default. */
export function extendedResourceToleration(): Admission {
  return {
    name: "ExtendedResourceToleration",
    handles: handlesOnly("pods", "", "CREATE", "UPDATE"),
    admit(request) {
      const { spec } = podOf(request);
      const names = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) =>
        Object.keys(c.resources?.requests ?? {}).filter(isExtendedResource),
      );
      for (const key of [...new Set(names)].toSorted()) {
        const wanted = { key, operator: "Exists", effect: "NoSchedule" } as const;
        const others = (spec.tolerations ?? []).filter(
          (t) => t.key !== key || t.operator !== "Exists" || t.effect !== "NoSchedule",
        );
        spec.tolerations = [...others, wanted];
      }
    },
  };
}
