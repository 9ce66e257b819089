import type { PodInfo } from "../cache/pod-info.ts";
import type { QueuedPod } from "../framework/plugin.ts";

/** Which part of the queue a pod is in; `inFlight` while it is being scheduled or held by Permit. */
export type Pool = "active" | "backoff" | "unschedulable" | "inFlight" | "none";

/** A pod in the queue with its history. Owned by the queue; the scheduler holds it while it is in flight. */
export class QueueEntry implements QueuedPod {
  info: PodInfo;
  pool: Pool = "none";
  /** Written by the heap it is in. */
  heapIndex = -1;
  timestamp: number;
  attempts = 0;
  /** How often it was turned down: its back-off grows with it. */
  unschedulableCount = 0;
  /** How often in a row it met a fault. */
  consecutiveErrors = 0;
  /** When its back-off ends, ms since the epoch; 0: not worked out. */
  backoffUntil = 0;
  /** When it was first tried. */
  firstAttempt: number | undefined;
  unschedulablePlugins: ReadonlySet<string> = new Set();
  pendingPlugins: ReadonlySet<string> = new Set();
  /** The plugin whose PreEnqueue holds it; empty: none. */
  gate = "";

  constructor(info: PodInfo, timestamp: number) {
    this.info = info;
    this.timestamp = timestamp;
  }
}
