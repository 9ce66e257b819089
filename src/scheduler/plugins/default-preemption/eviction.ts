import { resources } from "../../../api/index.ts";
import { errorText } from "../../../kit/index.ts";
import { isNotFound } from "../../../machinery/index.ts";
import type { PodInfo } from "../../cache/pod-info.ts";
import { patchPodStatus } from "../../cycle/pod-status.ts";
import type { PluginHandle } from "../../framework/plugin.ts";

/**
 * Makes victims leave, beside the scheduling loop. Until the last is on its way, the pod they make room for stays out of the queue, so that it does
 * not preempt again.
 */
export class Evictions {
  readonly #handle: PluginHandle;
  /** UIDs of pods that preempt, with the last victim once that is all they wait for. */
  readonly #preempting = new Map<string, PodInfo | undefined>();

  constructor(handle: PluginHandle) {
    this.#handle = handle;
  }

  /** Whether victims of this pod have yet to be told to go. */
  isRunning(uid: string): boolean {
    if (!this.#preempting.has(uid)) return false;
    const last = this.#preempting.get(uid);
    if (!last) return true;
    const now = this.#handle.cache.pod(last.uid);
    return now !== undefined && !now.terminating;
  }

  /** Starts it and returns. */
  start(preemptor: PodInfo, node: string, victims: readonly PodInfo[]): void {
    const present = victims.filter((victim) => !victim.terminating);
    if (present.length === 0) return;
    this.#preempting.set(preemptor.uid, undefined);
    void this.#run(preemptor, node, present);
  }

  async #run(preemptor: PodInfo, node: string, victims: readonly PodInfo[]): Promise<void> {
    const { env, activate } = this.#handle;
    const failures: unknown[] = [];
    const guard = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error));
    await guard(this.#clearNominations(preemptor, node));
    const last = victims.at(-1) as PodInfo;
    await Promise.all(victims.slice(0, -1).map((victim) => guard(this.#evict(preemptor, node, victim))));
    this.#preempting.set(preemptor.uid, last);
    await guard(this.#evict(preemptor, node, last));
    this.#preempting.delete(preemptor.uid);
    if (failures.length === 0) return;
    env.log.warn("Preemption failed", { pod: preemptor.key, node, error: errorText(failures[0]) });
    activate([preemptor.uid]);
  }

  /** Weaker pods that were promised the node look for another. */
  async #clearNominations(preemptor: PodInfo, node: string): Promise<void> {
    const { client, env, nominatedPods } = this.#handle;
    const weaker = nominatedPods(node).filter((pod) => pod.priority < preemptor.priority);
    await Promise.all(
      weaker.map(({ pod }) => patchPodStatus(client, pod, { nomination: { node: "" } }, env.clock.now())),
    );
  }

  async #evict(preemptor: PodInfo, node: string, victim: PodInfo): Promise<void> {
    const { client, env, profile } = this.#handle;
    const held = this.#handle.waitingPod(victim.uid);
    const { namespace, name, uid } = victim.pod.metadata;
    if (held) held.reject("DefaultPreemption", "preempted");
    else {
      const condition = {
        type: "DisruptionTarget",
        status: "True",
        reason: "PreemptionByScheduler",
        message: `${preemptor.pod.spec.schedulerName ?? profile}: preempting to accommodate a higher priority pod`,
      } as const;
      try {
        await patchPodStatus(client, victim.pod, { condition }, env.clock.now());
        await client.resource(resources.pods).delete({ namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return;
      }
    }
    this.#handle.event(victim.pod, {
      type: "Normal",
      reason: "Preempted",
      action: "Preempting",
      note: `Preempted by pod ${preemptor.uid} on node ${node}`,
      related: preemptor.pod,
    });
  }
}
