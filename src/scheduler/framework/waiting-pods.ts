import { type Clock, deferred, type Timer } from "../../kit/index.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { WaitingPod } from "./plugin.ts";
import { type Status, unschedulable } from "./status.ts";

/** Longest time Permit may hold a pod, ms. */
const MAX_WAIT = 15 * 60_000;

class Waiting implements WaitingPod {
  readonly info: PodInfo;
  readonly #timers = new Map<string, Timer>();
  readonly #decision = deferred<Status | undefined>();

  constructor(info: PodInfo, holders: ReadonlyMap<string, number>, clock: Clock) {
    this.info = info;
    for (const [plugin, timeout] of holders) {
      const wait = Math.min(timeout, MAX_WAIT);
      const late = `rejected due to timeout after waiting ${wait / 1000}s at plugin ${plugin}`;
      this.#timers.set(
        plugin,
        clock.setTimer(wait, () => this.reject(plugin, late)),
      );
    }
  }

  get holders(): readonly string[] {
    return [...this.#timers.keys()];
  }

  get decided(): Promise<Status | undefined> {
    return this.#decision.promise;
  }

  allow(plugin: string): void {
    this.#timers.get(plugin)?.cancel();
    this.#timers.delete(plugin);
    if (this.#timers.size === 0) this.#decision.resolve(undefined);
  }

  reject(plugin: string, message: string): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#decision.resolve({ ...unschedulable(message), plugin });
  }
}

/** The pods that Permit holds. */
export class WaitingPods {
  readonly #clock: Clock;
  readonly #pods = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(uid: string): WaitingPod | undefined {
    return this.#pods.get(uid);
  }

  /** Holds a pod until all holders allow it, one rejects it, or time is up; gives the refusal, if any. */
  async hold(info: PodInfo, holders: ReadonlyMap<string, number>): Promise<Status | undefined> {
    const waiting = new Waiting(info, holders, this.#clock);
    this.#pods.set(info.uid, waiting);
    try {
      return await waiting.decided;
    } finally {
      this.#pods.delete(info.uid);
    }
  }

  /** Turns down all: the scheduler stops. */
  rejectAll(message: string): void {
    for (const pod of this.#pods.values()) pod.reject("", message);
  }
}
