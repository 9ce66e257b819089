import { type Component, type Env, Group } from "../../kit/index.ts";
import { createSimulatedNodes } from "../../kubelet/simulated/index.ts";
import { openEmbeddedStore } from "../../store/embedded/index.ts";
import type { ClusterPaths } from "../lifecycle/paths.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { machineAddress } from "../machine/network.ts";
import { apiServerOf, controllersOf, listener } from "./control-plane.ts";
import { SYSTEM } from "./identities.ts";
import { ensurePki } from "./pki.ts";

export interface ComposeOptions {
  readonly paths: ClusterPaths;
  readonly spec: ClusterSpec;
  readonly env: Env;
  /** Told about each step, in the user's words. */
  progress(message: string): void;
  /** Called once everything of the cluster is there. */
  ready(): void;
}

/** Everything of a one-machine cluster in one process: the only place that names concrete parts. */
export function composeCluster(options: ComposeOptions): Component {
  return {
    name: "k8ts",
    async run(signal) {
      const { paths, spec, env, progress } = options;
      const nodeIP = machineAddress();
      const pki = ensurePki(paths.pki, spec, nodeIP, env);
      const store = await openEmbeddedStore({ path: paths.store, env });
      const api = apiServerOf(spec, pki, nodeIP, store, env);
      const parts = [
        api.component,
        listener(api, spec, pki),
        step("control plane answers", progress),
        controllersOf(api, spec, pki, env),
        createSimulatedNodes({ client: api.clientFor(SYSTEM), env, nodes: simulatedNodes(spec) }),
        step("ready", options.ready),
      ];
      try {
        await new Group(parts, { clock: env.clock, name: "k8ts", log: env.log }).run(signal);
      } finally {
        await store.close();
      }
    },
  };
}

function simulatedNodes(spec: ClusterSpec): { name: string }[] {
  return Array.from({ length: spec.simulatedNodes }, (_, i) => ({ name: `${spec.name}-simulated-${i + 1}` }));
}

/** Says that everything before it is ready. */
function step(message: string, say: (message: string) => void): Component {
  return {
    name: `step: ${message}`,
    run: () => {
      say(message);
      return Promise.resolve();
    },
  };
}
