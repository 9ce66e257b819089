import { resources } from "../../api/index.ts";
import type { StandardApiServer } from "../../apiserver/index.ts";
import { type Component, type Env, Group } from "../../kit/index.ts";
import { openEmbeddedStore } from "../../store/embedded/index.ts";
import type { ClusterPaths } from "../lifecycle/paths.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { machineAddress } from "../machine/network.ts";
import { apiServerOf, listener } from "./control-plane.ts";
import { SYSTEM } from "./identities.ts";
import { later } from "./later.ts";
import { completePki, ensurePki, type Pki } from "./pki.ts";

export interface ComposeOptions {
  readonly paths: ClusterPaths;
  readonly spec: ClusterSpec;
  readonly env: Env;
  /** Told about each step, in the user's words. */
  readonly progress: (message: string) => void;
  /** Called once everything of the cluster is there. */
  readonly ready: () => void;
}

/** What stops slower than this is given up: a stopping server must not keep its user waiting. */
const STOP_TIMEOUT_MS = 10_000;
const FIRST_ANSWERS_MS = 10;

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
        // What follows keeps the processor busy for a while: who waits for the API gets an answer first.
        pause(FIRST_ANSWERS_MS, env),
        later("controllers", async () => (await import("./control-loops.ts")).controllersOf(api, spec, pki, env)),
        later("scheduler", async () => (await import("./control-loops.ts")).schedulerOf(api, env)),
        ...(spec.node === "real" ? await realParts(options, api, pki, nodeIP) : []),
        later("simulated nodes", async () => {
          const { createSimulatedNodes } = await import("../../kubelet/simulated/index.ts");
          return createSimulatedNodes({ client: api.clientFor(SYSTEM), env, nodes: simulatedNodes(spec) });
        }),
        step("all keys are made", () => completePki(pki)),
        step("cluster is ready", () => options.ready()),
      ];
      const group = new Group(parts, { clock: env.clock, name: "k8ts", log: env.log, stopTimeout: STOP_TIMEOUT_MS });
      try {
        await group.run(signal);
      } finally {
        await store.close();
      }
    },
  };
}

/** What only a real node needs is loaded only then. */
async function realParts(
  options: ComposeOptions,
  api: StandardApiServer,
  pki: Pki,
  nodeIP: string,
): Promise<Component[]> {
  const { paths, spec, env, progress } = options;
  const [{ realNode }, { networkOf, proxyOf, dnsOf }] = await Promise.all([
    import("./node.ts"),
    import("./network.ts"),
  ]);
  return [
    realNode({ api, paths, spec, pki, nodeIP, env }),
    networkOf(api, paths, spec, env),
    proxyOf(api, spec, env),
    ...dnsOf(api, spec, nodeIP, env),
    nodeIsReady(api, spec),
    step(`node ${spec.nodeName} is Ready, DNS answers`, progress),
  ];
}

/** Ready once the node says that it is. */
function nodeIsReady(api: StandardApiServer, spec: ClusterSpec): Component {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    name: "node-ready",
    ready: () => promise,
    async run(signal) {
      const nodes = api.clientFor(SYSTEM).resource(resources.nodes);
      for await (const event of nodes.watch({ fieldSelector: `metadata.name=${spec.nodeName}`, signal })) {
        if (event.type === "BOOKMARK" || event.type === "DELETED") continue;
        if (event.object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True")) break;
      }
      resolve();
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

/** Keeps what comes after it waiting. */
function pause(ms: number, env: Env): Component {
  return { name: "pause", ready: (signal) => env.clock.sleep(ms, signal), run: () => Promise.resolve() };
}
