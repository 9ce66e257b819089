import type { Client } from "../../client/index.ts";
import type { Env, Logger } from "../../kit/index.ts";
import type { corev1 } from "../../api/index.ts";
import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { PodEventRecorder } from "../events/recorder.ts";
import type { SchedulerExtender } from "../framework/extender.ts";
import type { Profile } from "../framework/profile.ts";
import type { WaitingPods } from "../framework/waiting-pods.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import type { SchedulingQueue } from "../queue/scheduling-queue.ts";
import type { Algorithm } from "./algorithm.ts";

/** What the steps of scheduling share. */
export interface SchedulerParts {
  readonly client: Client;
  readonly env: Env;
  readonly log: Logger;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly algorithm: Algorithm;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly recorders: ReadonlyMap<string, PodEventRecorder>;
  readonly waiting: WaitingPods;
  readonly metrics: SchedulerMetrics;
  readonly extenders: readonly SchedulerExtender[];
  /** The pod as the informer has it; undefined when it is gone. */
  latest(key: string): corev1.Pod | undefined;
}
