import type { corev1 } from "../../api/index.ts";
import { podCondition } from "../common/pods.ts";

interface Known {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

/**
 * Tells which change led to a synchronization: the earliest of those since the last one, as an API time. An approximation by
 * nature: several changes of one object between two synchronizations count as its latest.
 */
export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /** Notes the state of a Service and its pods; says when what changed first did. */
  note(key: string, service: corev1.Service, pods: Iterable<corev1.Pod>): string | undefined {
    const before = this.#known.get(key);
    const times = new Map<string, string>();
    let first: string | undefined;
    const consider = (time: string, last: string | undefined): void => {
      if (last !== undefined && time <= last) return;
      if (first === undefined || time < first) first = time;
    };
    for (const pod of pods) {
      const time = podCondition(pod, "Ready")?.lastTransitionTime;
      if (time === undefined) continue;
      times.set(pod.metadata.name, time);
      consider(time, before?.pods.get(pod.metadata.name));
    }
    const created = service.metadata.creationTimestamp;
    consider(created, before?.service);
    this.#known.set(key, { service: created, pods: times });
    return before === undefined ? created : first;
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
