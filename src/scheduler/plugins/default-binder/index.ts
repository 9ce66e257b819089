import { resources } from "../../../api/index.ts";
import type { PluginHandle, SchedulerPlugin } from "../../framework/plugin.ts";
import { failed } from "../../framework/status.ts";
import { Names } from "../names.ts";

/** Binds through the API server, which refuses to give a pod a second node. */
export function defaultBinder({ client }: Pick<PluginHandle, "client">): SchedulerPlugin {
  const pods = client.resource(resources.pods);
  return {
    name: Names.DefaultBinder,
    // It fails or not, but turns no pod down.
    events: () => [],
    bind: async ({ pod }, node, signal) => {
      const { namespace, name, uid } = pod.metadata;
      const binding = {
        kind: "Binding",
        apiVersion: "v1",
        metadata: { namespace, name, uid },
        target: { kind: "Node", name: node },
      };
      try {
        await pods.create(binding as never, { subresource: "binding", name, signal });
        return undefined;
      } catch (error) {
        return failed(error);
      }
    },
  };
}
