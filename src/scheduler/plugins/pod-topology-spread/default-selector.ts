import { type corev1, resources } from "../../../api/index.ts";
import { everything, getControllerOf, type Selector, selectorFrom, selectorFromMap } from "../../../machinery/index.ts";
import { andSelectors } from "../../../machinery/index.ts";
import type { PluginHandle } from "../../framework/plugin.ts";

/** The selector that pods of the same service and controller have in common; empty when a pod belongs to none. */
export type DefaultSelector = (pod: corev1.Pod) => Selector;

/** Finds it in local copies of services and controllers (plugins/helper `DefaultSelector`). */
export function defaultSelectors(handle: Pick<PluginHandle, "informer">): DefaultSelector {
  const services = handle.informer(resources.services).lister;
  const rcs = handle.informer(resources.replicationcontrollers).lister;
  const replicaSets = handle.informer(resources.replicasets).lister;
  const statefulSets = handle.informer(resources.statefulsets).lister;
  return (pod) => {
    const { namespace, labels } = pod.metadata;
    const common: Record<string, string> = {};
    for (const { spec } of services.list(namespace)) {
      const selector = spec.selector;
      if (selector && Object.keys(selector).length > 0 && selectorFromMap(selector).matches(labels)) {
        Object.assign(common, selector);
      }
    }
    const owner = getControllerOf(pod);
    const key = owner && `${namespace}/${owner.name}`;
    if (key && owner.kind === "ReplicationController" && owner.apiVersion === "v1") {
      Object.assign(common, rcs.get(key)?.spec.selector);
    }
    const base = Object.keys(common).length === 0 ? everything : selectorFromMap(common);
    if (!key || owner.apiVersion !== "apps/v1") return base;
    const set = { ReplicaSet: replicaSets, StatefulSet: statefulSets }[owner.kind]?.get(key);
    return set ? andSelectors(base, selectorFrom(set.spec.selector)) : base;
  };
}
