import { type appsv1, resources } from "../../api/index.ts";
import { getControllerOf, selectorFrom } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { BY_CONTROLLER } from "../common/indexes.ts";
import { ReplicaController, type ReplicaKind } from "./controller.ts";

/** ReplicaSets keep their pods. When shrinking, pods of all sets of the same Deployment count as crowding a node. */
export const replicaSetController: ControllerDefinition = {
  name: "replicaset-controller",
  account: "replicaset-controller",
  create: (context) => {
    const sets = context.caches.owned(resources.replicasets);
    const kind: ReplicaKind<appsv1.ReplicaSet> = {
      resource: resources.replicasets,
      kind: ["apps", "v1", "ReplicaSet"],
      reportsTerminating: true,
      selector: (set) => selectorFrom(set.spec.selector),
      view: (set) => ({
        ...set,
        spec: {
          replicas: set.spec.replicas ?? 1,
          minReadySeconds: set.spec.minReadySeconds ?? 0,
          selector: set.spec.selector,
          template: set.spec.template,
        },
      }),
      related: (set) => {
        const deployment = getControllerOf(set);
        return deployment === undefined ? [set] : sets.lister.byIndex(BY_CONTROLLER, deployment.uid);
      },
    };
    return new ReplicaController(context, kind).component;
  },
};
