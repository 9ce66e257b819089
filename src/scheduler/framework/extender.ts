import type { corev1 } from "../../api/index.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { SchedulingCycle } from "./cycle.ts";
import type { Status } from "./status.ts";

/** A node and the pods that would have to leave it. */
export interface PreemptionCandidate {
  readonly slot: number;
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

/** What an extender leaves of the nodes it was asked about. */
export interface ExtenderFilterResult {
  readonly slots: readonly number[];
  /** Nodes it refused, by slot. */
  readonly refused: ReadonlyMap<number, Status>;
}

/** A helper outside the process that has a say in filtering, scoring, preemption or binding. */
export interface SchedulerExtender {
  readonly name: string;
  readonly weight: number;
  /** Its faults are passed over. */
  readonly ignorable: boolean;
  readonly filters: boolean;
  readonly prioritizes: boolean;
  readonly binds: boolean;
  readonly supportsPreemption: boolean;
  /** Whether it has to do with this pod: it manages a resource that the pod asks for, or all. */
  isInterested(pod: corev1.Pod): boolean;
  filter(cycle: SchedulingCycle, slots: readonly number[]): Promise<ExtenderFilterResult>;
  /** Scores by slot, to be added with the weight. */
  prioritize(cycle: SchedulingCycle, slots: readonly number[]): Promise<ReadonlyMap<number, number>>;
  bind(pod: corev1.Pod, node: string): Promise<void>;
  processPreemption(
    cycle: SchedulingCycle,
    candidates: readonly PreemptionCandidate[],
  ): Promise<readonly PreemptionCandidate[]>;
}
