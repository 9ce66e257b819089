import type { ObservedSandbox } from "../observe/model.ts";

/** Why a container is stopped; decides which probe's grace period holds. */
export type KillReason = "" | "StartupProbe" | "LivenessProbe" | "Unknown";

export interface Kill {
  readonly containerId: string;
  readonly name: string;
  readonly message: string;
  readonly reason: KillReason;
}

/** What is to be done to a pod now. Indexes point into the lists of its spec. */
export interface Plan {
  /** Stop all containers and the sandbox. */
  killPod: boolean;
  createSandbox: boolean;
  /** The sandbox to start containers in; undefined: the one that will be made. */
  readonly sandbox: ObservedSandbox | undefined;
  /** Of the sandbox to make. */
  readonly attempt: number;
  readonly kill: Kill[];
  ephemeralToStart: number[];
  initToStart: number[];
  toStart: number[];
}

/** What the probes said last; undefined: nothing yet. */
export interface ProbeResults {
  liveness(containerId: string): boolean | undefined;
  startup(containerId: string): boolean | undefined;
}
