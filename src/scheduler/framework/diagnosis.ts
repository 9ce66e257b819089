import type { NodeColumns } from "../cache/node-columns.ts";
import type { SchedulingCycle } from "./cycle.ts";
import type { Status } from "./status.ts";

/** Why nodes were refused: one number a node, and the refusals they stand for. Valid during the cycle only. */
export class NodeVerdicts {
  readonly #cycle: SchedulingCycle;
  /** By slot; 0: passed, or not looked at. */
  readonly #verdicts: Int32Array;
  /** Holds for all nodes that have no verdict of their own. */
  absent: Status | undefined;

  constructor(cycle: SchedulingCycle, verdicts: Int32Array) {
    this.#cycle = cycle;
    this.#verdicts = verdicts;
  }

  get nodes(): NodeColumns {
    return this.#cycle.nodes;
  }

  /** What was said of a node. */
  at(slot: number): Status | undefined {
    const id = this.#verdicts[slot] ?? 0;
    return id === 0 ? this.absent : this.#cycle.refusal(id);
  }

  /** Adds a verdict from outside the plugins. */
  set(slot: number, status: Status): void {
    this.#verdicts[slot] = this.#cycle.rejection(status);
  }

  /** What was said of any node, each once. */
  given(): Status[] {
    const tally = this.#tally();
    return this.#cycle.refusals.filter((_, i) => (tally[i + 1] as number) > 0);
  }

  /** The nodes of which exactly this was said. */
  withCode(code: Status["code"]): number[] {
    const wanted = this.#cycle.refusals.map((status) => status.code === code);
    const absent = this.absent?.code === code;
    const found: number[] = [];
    for (const slot of this.nodes.order) {
      const id = this.#verdicts[slot] as number;
      if (id === 0 ? absent : wanted[id - 1]) found.push(slot);
    }
    return found;
  }

  /** Each reason with the number of nodes it was given for. */
  histogram(): Map<string, number> {
    const { refusals } = this.#cycle;
    const tally = this.#tally();
    const reasons = new Map<string, number>();
    const count = (status: Status | undefined, nodes: number): void => {
      if (nodes === 0) return;
      for (const reason of status?.reasons ?? []) reasons.set(reason, (reasons.get(reason) ?? 0) + nodes);
    };
    for (const [i, status] of refusals.entries()) count(status, tally[i + 1] as number);
    count(this.absent, tally[0] as number);
    return reasons;
  }

  /** By number of the refusal: of how many nodes it was said. */
  #tally(): Int32Array {
    const tally = new Int32Array(this.#cycle.refusals.length + 1);
    for (const slot of this.nodes.order) {
      const id = this.#verdicts[slot] as number;
      tally[id] = (tally[id] as number) + 1;
    }
    return tally;
  }
}

/** Why a pod could not be scheduled. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** What PreFilter said, when that was the end. */
  readonly preFilterMessage?: string;
  readonly histogram: ReadonlyMap<string, number>;
  readonly postFilterMessage?: string;
  /** Who refused it: their events bring it back. */
  readonly unschedulablePlugins: ReadonlySet<string>;
  readonly pendingPlugins: ReadonlySet<string>;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: ...`: upstream's words. */
export function fitMessage(d: Diagnosis): string {
  let text = `0/${d.nodeCount} nodes are available:`;
  if (d.preFilterMessage) text += ` ${d.preFilterMessage}.`;
  else if (d.histogram.size > 0) text += ` ${histogramText(d.histogram)}.`;
  if (d.postFilterMessage) text += ` ${d.postFilterMessage}`;
  return text;
}

/** Counted reasons, sorted as text like upstream's. */
export function histogramText(histogram: ReadonlyMap<string, number>): string {
  const parts = [...histogram].map(([reason, count]) => `${count} ${reason}`);
  return parts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).join(", ");
}
