import { type corev1, resources } from "../../api/index.ts";
import { selectorFromMap } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { ReplicaController, type ReplicaKind } from "../replicaset/controller.ts";

const RC: ReplicaKind<corev1.ReplicationController> = {
  resource: resources.replicationcontrollers,
  kind: ["", "v1", "ReplicationController"],
  reportsTerminating: false,
  selector: (rc) => selectorFromMap(rc.spec.selector),
  view: (rc) => ({
    ...rc,
    spec: {
      replicas: rc.spec.replicas ?? 1,
      minReadySeconds: rc.spec.minReadySeconds ?? 0,
      selector: { matchLabels: rc.spec.selector ?? {} },
      template: rc.spec.template ?? { spec: { containers: [] } },
    },
  }),
  related: (rc) => [rc],
};

/** ReplicationControllers keep their pods, by the same code as ReplicaSets. */
export const replicationControllerController: ControllerDefinition = {
  name: "replicationcontroller-controller",
  account: "replication-controller",
  create: (context) => new ReplicaController(context, RC).component,
};
