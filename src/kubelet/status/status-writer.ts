import { type corev1, resources } from "../../api/index.ts";
import type { Client, ResourceClient } from "../../client/index.ts";
import { type Env, type Timer, errorText } from "../../kit/index.ts";
import { isConflict, isNotFound } from "../../machinery/index.ts";
import type { Pod } from "../pod/containers.ts";
import { statusPatch } from "./status-patch.ts";

interface Entry {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  desired: corev1.PodStatus;
  /** What the API has, as far as we know. */
  known: corev1.PodStatus;
  writing: boolean;
  timer: Timer | undefined;
  failures: number;
  readonly waiting: { readonly status: corev1.PodStatus; readonly resolve: () => void }[];
}

/** How long an update that nobody waits for may be held back so that the next one joins it, ms. */
const BATCH_MS = 100;
const RETRY_MS = [200, 1000, 5000, 10_000];

/**
 * Writes pod statuses to the API, each pod's in order and never two at a time; what changes meanwhile goes into one
 * write. Nothing is written when nothing differs. A pod that is gone, or is another under the same name, is dropped.
 */
export class StatusWriter {
  readonly #pods: ResourceClient<Pod>;
  readonly #env: Env;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(client: Client, env: Env) {
    this.#pods = client.resource(resources.pods);
    this.#env = env;
  }

  /** The status last set; undefined for a pod never seen. */
  get(uid: string): corev1.PodStatus | undefined {
    return this.#entries.get(uid)?.desired;
  }

  /**
   * Sets a pod's status. `urgent` writes now; else it may wait a moment for company. Returns a promise that resolves
   * once this status or a newer one is in the API, or the pod is not there any more.
   */
  set(pod: Pod, status: corev1.PodStatus, urgent: boolean): Promise<void> {
    const { uid, namespace, name } = pod.metadata;
    let entry = this.#entries.get(uid);
    if (!entry) {
      entry = {
        uid,
        namespace,
        name,
        desired: status,
        known: pod.status,
        writing: false,
        timer: undefined,
        failures: 0,
        waiting: [],
      };
      this.#entries.set(uid, entry);
    }
    entry.desired = status;
    if (!entry.writing && !statusPatch(entry.known, status)) return Promise.resolve();
    const own = entry;
    const written = new Promise<void>((resolve) => own.waiting.push({ status, resolve }));
    if (urgent) this.#write(entry);
    else entry.timer ??= this.#env.clock.setTimer(BATCH_MS, () => this.#write(own));
    return written;
  }

  /** Tells what the API has now, so that what somebody else changed is put right. */
  observed(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry || entry.writing) return;
    entry.known = pod.status;
  }

  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    entry?.timer?.cancel();
    for (const { resolve } of entry?.waiting ?? []) resolve();
    this.#entries.delete(uid);
  }

  /** Ends all writing. */
  close(): void {
    this.#closed = true;
    for (const uid of this.#entries.keys()) this.forget(uid);
  }

  #write(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    if (entry.writing || this.#closed) return;
    entry.writing = true;
    void this.#send(entry).finally(() => {
      entry.writing = false;
      const due = this.#entries.get(entry.uid) === entry && entry.waiting.length > 0;
      if (!due || this.#closed) return;
      if (entry.failures === 0) this.#write(entry);
      else entry.timer ??= this.#env.clock.setTimer(this.#retryDelay(entry), () => this.#write(entry));
    });
  }

  #retryDelay(entry: Entry): number {
    return RETRY_MS[Math.min(entry.failures - 1, RETRY_MS.length - 1)] ?? 1000;
  }

  async #send(entry: Entry): Promise<void> {
    const { uid, namespace, name, desired } = entry;
    try {
      const patch = statusPatch(entry.known, desired);
      if (patch) {
        const body = { metadata: { uid }, status: patch };
        const answer = await this.#pods.patch(
          { namespace, name },
          { type: "strategic", body },
          { subresource: "status" },
        );
        entry.known = answer.status;
      }
      entry.failures = 0;
      this.#settle(entry, desired);
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) {
        this.#settle(entry, undefined);
        entry.failures = 0;
        return;
      }
      entry.failures++;
      this.#env.log.warn("Pod status could not be written", { pod: `${namespace}/${name}`, error: errorText(error) });
    }
  }

  /** Lets go those who waited for `status` or an older one; undefined: all of them. */
  #settle(entry: Entry, status: corev1.PodStatus | undefined): void {
    const at =
      status === undefined ? entry.waiting.length - 1 : entry.waiting.findLastIndex((w) => w.status === status);
    for (const { resolve } of entry.waiting.splice(0, at + 1)) resolve();
  }
}
