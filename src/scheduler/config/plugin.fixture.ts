import { type PluginFactory, unschedulable } from "../index.ts";

/** A plugin as a user would write it: only the node that its arguments name will do. */
export const plugin: PluginFactory = (args) => ({
  name: "one-node",
  filter: (_cycle, { name }) => {
    return name === (args as { readonly node: string }).node ? undefined : unschedulable("node(s) are not the one");
  },
});
