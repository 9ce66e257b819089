import type { Env, Metrics } from "../../kit/index.ts";
import type { Runtime } from "../../host/cri/index.ts";
import type { Pod } from "../pod/containers.ts";
import type { PodManager } from "../worker/pod-manager.ts";
import type { Services } from "../worker/services.ts";

/** What the server answers from. */
export interface ServerSource {
  readonly env: Env;
  readonly runtime: Runtime;
  readonly services: Services;
  readonly manager: PodManager;
  readonly metrics: Metrics;
}

/** A pod with its status as it is now, which may be ahead of the API's. */
export function currentPod(pod: Pod, { services }: ServerSource): Pod {
  const status = services.statuses.get(pod.metadata.uid);
  return status ? { ...pod, status } : pod;
}
