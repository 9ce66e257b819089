import { resources } from "../../api/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

const ANNOTATION = "node.alpha.kubernetes.io/ttl";

interface Step {
  /** Below this number of nodes the step before holds. */
  readonly min: number;
  /** Above this number the next one holds: steps overlap, so that a cluster on an edge does not flap. */
  readonly max: number;
  readonly seconds: number;
}

const STEPS: readonly Step[] = [
  { min: 0, max: 100, seconds: 0 },
  { min: 90, max: 500, seconds: 15 },
  { min: 450, max: 1000, seconds: 30 },
  { min: 900, max: 2000, seconds: 60 },
  { min: 1800, max: Number.POSITIVE_INFINITY, seconds: 300 },
];

/** The step for so many nodes, coming from step `current`. */
export function stepFor(nodes: number, current: number): number {
  let step = current;
  while (nodes > (STEPS[step]?.max ?? 0) && step < STEPS.length - 1) step++;
  while (nodes < (STEPS[step]?.min ?? 0) && step > 0) step--;
  return step;
}

/** Tells kubelets by an annotation how long they may keep secrets and config maps: longer in larger clusters. */
export const ttlController: ControllerDefinition = {
  name: "ttl-controller",
  account: "ttl-controller",
  create: (context) => {
    const nodes = context.caches.informer(resources.nodes);
    const client = context.client.resource(resources.nodes);
    let step = 0;
    const loop = new Loop({
      context,
      informers: [nodes],
      reconcile: async (name, signal) => {
        const node = nodes.lister.get(name);
        const seconds = String(STEPS[step]?.seconds ?? 0);
        if (node === undefined || node.metadata.annotations?.[ANNOTATION] === seconds) return;
        const body = { metadata: { annotations: { [ANNOTATION]: seconds } } };
        await client.patch({ name }, { type: "strategic", body }, { signal }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      },
    });
    const counted = (): void => {
      const next = stepFor(nodes.lister.size, step);
      if (next === step) return;
      step = next;
      for (const node of nodes.lister.list()) loop.add(node.metadata.name);
    };
    nodes.handle({
      added: (node) => {
        counted();
        loop.add(node.metadata.name);
      },
      updated: (node, before) => {
        if (node.metadata.annotations?.[ANNOTATION] !== before.metadata.annotations?.[ANNOTATION]) {
          loop.add(node.metadata.name);
        }
      },
      deleted: counted,
    });
    return loop;
  },
};
