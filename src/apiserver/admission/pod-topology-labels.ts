import { type corev1, resources } from "../../api/index.ts";
import type { Admission, Lookup } from "../seams/index.ts";
import { isResource } from "./common.ts";

const LABELS = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** Pods carry the zone and region of their node as labels, from the moment they are bound to it. */
export function podTopologyLabels(lookup: Lookup): Admission {
  return {
    name: "PodTopologyLabels",
    handles: (operation, resource, subresource) =>
      operation === "CREATE" && isResource(resource, "pods") && (subresource === "" || subresource === "binding"),
    async admit({ object, subresource }) {
      const name = subresource === "binding" ? targetOf(object) : (object as unknown as corev1.Pod).spec.nodeName;
      if (!object || !name) return;
      const node = await lookup.get(resources.nodes, name);
      const labels = Object.entries(node?.metadata.labels ?? {}).filter(([key]) => LABELS.includes(key));
      if (labels.length === 0) return;
      object.metadata["labels"] = {
        ...(object.metadata["labels"] as Record<string, string> | undefined),
        ...Object.fromEntries(labels),
      };
    },
  };
}

function targetOf(object: unknown): string | undefined {
  const { target } = object as corev1.Binding;
  return target.kind === "Node" ? target.name : undefined;
}
