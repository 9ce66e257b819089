import { resources } from "../../api/index.ts";
import { type Timer, errorText } from "../../kit/index.ts";
import { deepEqual, isConflict, isNotFound } from "../../machinery/index.ts";
import { type Observation, NOTHING, podAddresses } from "../observe/model.ts";
import { podReferences } from "../objects/references.ts";
import type { Pod } from "../pod/containers.ts";
import { KeyedBackoff } from "../step/backoff.ts";
import type { StartFailure } from "../status/container-status.ts";
import { podStatus } from "../status/pod-status.ts";
import { terminatedStatus } from "../status/terminate.ts";
import { collectGarbage, removeAll } from "./garbage.ts";
import { killPod } from "./kill.ts";
import { removePodCgroups } from "./pod-cgroup.ts";
import type { Services } from "./services.ts";
import { type SyncState, syncPod } from "./sync.ts";

/** Why the kubelet itself ends a pod. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

type Life = "syncing" | "terminating" | "finished" | "gone";

const RETRY_MS = [200, 500, 1000, 2000, 5000, 10_000];

/**
 * Brings one pod to what its spec says and keeps it there, step by step and never two steps at a time: looks at what runs, plans
 * (pure), acts, publishes the status. It acts when told that something changed and at times that it set itself; it never polls.
 */
export class PodWorker {
  readonly uid: string;
  readonly #s: Services;
  readonly #sync: SyncState;
  readonly #onGone: (worker: PodWorker) => void;
  #pod: Pod;
  #life: Life = "syncing";
  #verdict: Verdict | undefined;
  /** The pod is not in the API any more. */
  #removed = false;
  #observation: Observation;
  /** What runs may differ from what was last seen. */
  #stale: boolean;
  #volumesStale = false;
  #published = false;
  #dirty = true;
  #running: Promise<void> | undefined;
  #stopped = false;
  #step = new AbortController();
  #timer: Timer | undefined;
  #timerDue = Infinity;
  #failures = 0;
  #graceSeconds: number | undefined;

  /** `observation`: what runs of the pod already; absent for a pod never seen before, of which nothing can run. */
  constructor(pod: Pod, services: Services, onGone: (worker: PodWorker) => void, observation?: Observation) {
    this.uid = pod.metadata.uid;
    this.#pod = pod;
    this.#s = services;
    this.#onGone = onGone;
    this.#observation = observation ?? NOTHING;
    this.#stale = false;
    this.#sync = {
      failures: new Map<string, StartFailure>(),
      backoff: new KeyedBackoff({ initialMs: 10_000, maxMs: 300_000 }),
    };
  }

  get pod(): Pod {
    return this.#pod;
  }

  get life(): Life {
    return this.#life;
  }

  get observation(): Observation {
    return this.#observation;
  }

  /** Begins to work. */
  start(): void {
    const { phase } = this.#pod.status;
    const over = phase === "Succeeded" || phase === "Failed";
    if (over || this.#pod.metadata.deletionTimestamp) this.#beginTermination();
    this.#kick();
  }

  /** The pod as the API has it now. */
  update(pod: Pod): void {
    const old = this.#pod;
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp) {
      const grace = pod.metadata.deletionGracePeriodSeconds;
      const shorter = grace !== undefined && this.#graceSeconds !== undefined && grace < this.#graceSeconds;
      this.#graceSeconds = grace;
      if (this.#life === "syncing" || shorter) {
        this.#beginTermination();
        this.#abortStep();
      }
      this.#kick();
      return;
    }
    if (changedForUs(old, pod)) {
      this.#volumesStale = true;
      this.#kick();
    }
  }

  /** The pod is gone from the API: whatever runs of it is stopped. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    if (this.#life === "syncing") this.#beginTermination();
    this.#abortStep();
    this.#kick();
  }

  /** Ends the pod as failed, for a reason of the node's. */
  evict(verdict: Verdict): void {
    if (this.#life !== "syncing") return;
    this.#verdict = verdict;
    this.#beginTermination();
    this.#abortStep();
    this.#kick();
  }

  /** Something happened in the runtime. */
  poke(): void {
    this.#stale = true;
    this.#kick();
  }

  /** A probe changed its mind. */
  probed(): void {
    this.#kick();
  }

  /** Ends the work without touching what runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#step.abort();
    await this.#running;
  }

  #beginTermination(): void {
    this.#life = this.#life === "finished" ? "finished" : "terminating";
    this.#graceSeconds = this.#pod.metadata.deletionGracePeriodSeconds;
    this.#s.probes.stopRestarting(this.uid);
  }

  #abortStep(): void {
    this.#step.abort();
    this.#step = new AbortController();
  }

  #kick(): void {
    this.#dirty = true;
    if (this.#running || this.#stopped || this.#life === "gone") return;
    this.#running = this.#work().finally(() => (this.#running = undefined));
  }

  async #work(): Promise<void> {
    while (this.#dirty && !this.#stopped && this.#life !== "gone") {
      this.#dirty = false;
      this.#cancelTimer();
      const { signal } = this.#step;
      try {
        await this.#once(signal);
        this.#failures = 0;
      } catch (error) {
        if (this.#stopped) return;
        // An interrupted step has to be looked at afresh: what it began may or may not be there.
        this.#stale = true;
        if (signal.aborted) {
          this.#dirty = true;
          continue;
        }
        const delay = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)] ?? 1000;
        const fields = { pod: this.#shortName(), error: errorText(error), retryMs: delay };
        this.#s.env.log.warn("Pod could not be brought to its desired state", fields);
        this.#wakeIn(delay);
      }
    }
  }

  async #once(signal: AbortSignal): Promise<void> {
    if (this.#stale) await this.#look();
    if (this.#life === "syncing") await this.#syncOnce(signal);
    if (this.#life === "terminating") await this.#terminate(signal);
    if (this.#life === "finished") await this.#leave();
  }

  async #look(): Promise<void> {
    this.#stale = false;
    this.#observation = await this.#s.observer.pod(this.uid);
  }

  async #syncOnce(signal: AbortSignal): Promise<void> {
    const pod = this.#pod;
    this.#s.objects.use(this.uid, podReferences(pod), () => {
      this.#volumesStale = true;
      this.#kick();
    });
    if (this.#pastDeadline(pod)) {
      this.#verdict = {
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      };
      this.#beginTermination();
      return;
    }
    if (!this.#published) {
      // Containers of an earlier kubelet keep what their probes had found out: the probes must know them before we speak.
      this.#updateProbes();
      void this.#publish(true);
    }
    const volumesStale = this.#volumesStale;
    this.#volumesStale = false;
    const result = await syncPod(
      {
        pod,
        observation: this.#observation,
        state: this.#sync,
        volumesStale,
        signal,
        observed: (observation, urgent) => {
          this.#observation = observation;
          this.#updateProbes();
          void this.#publish(urgent);
        },
      },
      this.#s,
    );
    this.#volumesStale ||= result.volumesStale;
    this.#observation = result.observation;
    this.#updateProbes();
    if (result.finished) {
      this.#beginTermination();
      return;
    }
    void this.#publish(result.urgent);
    if (result.again) this.#dirty = true;
    for (const at of [result.wakeAt, this.#deadline(pod), this.#s.tokens.nextRefresh(this.uid)]) {
      if (at !== undefined) this.#wakeIn(at - this.#s.env.clock.now());
    }
    void this.#collect(pod);
  }

  async #collect(pod: Pod): Promise<void> {
    try {
      const gone = await collectGarbage(pod, this.#observation, this.#s);
      if (gone.size === 0) return;
      const { containers, sandboxes } = this.#observation;
      this.#observation = {
        containers: containers.filter((c) => !gone.has(c.id)),
        sandboxes: sandboxes.filter((s) => !gone.has(s.id)),
      };
    } catch (error) {
      this.#s.env.log.debug("Garbage could not be collected", { pod: this.#shortName(), error: errorText(error) });
    }
  }

  #updateProbes(): void {
    const pod = this.#pod;
    const status = this.#s.statuses.get(this.uid) ?? pod.status;
    const [podIP = ""] = pod.spec.hostNetwork ? this.#s.node.hostIPs : podAddresses(this.#observation);
    const previous = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    this.#s.probes.update(pod, this.#observation, podIP, previous);
  }

  /** Sets the status that follows from what is known now. */
  #publish(urgent: boolean, terminal = false): Promise<void> {
    const pod = this.#pod;
    const { statuses, probes, runtimeName, node, env } = this.#s;
    const previous = statuses.get(this.uid) ?? pod.status;
    const status = podStatus({
      pod,
      observation: this.#observation,
      previous,
      failures: this.#sync.failures,
      probes,
      runtimeName,
      hostIPs: node.hostIPs,
      terminal,
      ...(this.#verdict && { verdict: this.#verdict }),
      now: env.clock.now(),
    });
    this.#published = true;
    const moved = status.phase !== previous.phase || readiness(status) !== readiness(previous);
    return statuses.set(pod, terminal ? terminatedStatus(pod, status) : status, urgent || moved);
  }

  async #terminate(signal: AbortSignal): Promise<void> {
    const pod = this.#pod;
    if (!this.#removed) void this.#publish(this.#verdict !== undefined);
    await this.#look();
    await killPod(pod, this.#observation, this.#s, { signal });
    await this.#look();
    this.#s.probes.stop(this.uid);
    if (!this.#removed) await this.#publish(true, true);
    await this.#s.volumes.tearDown(this.uid);
    removePodCgroups(this.uid, this.#s);
    this.#s.objects.use(this.uid, [], () => undefined);
    this.#life = "finished";
  }

  /** What is over goes, once nobody wants it any more. */
  async #leave(): Promise<void> {
    if (!this.#removed) {
      if (!this.#pod.metadata.deletionTimestamp) return;
      await this.#deleteFromApi();
    }
    await removeAll(this.#pod, this.#observation, this.#s);
    this.#life = "gone";
    this.#s.statuses.forget(this.uid);
    this.#s.tokens.forget(this.uid);
    this.#s.images.forget(this.uid);
    this.#onGone(this);
  }

  async #deleteFromApi(): Promise<void> {
    const { namespace, name } = this.#pod.metadata;
    try {
      const preconditions = { uid: this.uid };
      await this.#s.client
        .resource(resources.pods)
        .delete({ namespace, name }, { gracePeriodSeconds: 0, preconditions });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #deadline(pod: Pod): number | undefined {
    const { activeDeadlineSeconds } = pod.spec;
    const started = (this.#s.statuses.get(this.uid) ?? pod.status).startTime;
    if (activeDeadlineSeconds === undefined || started === undefined) return undefined;
    return Date.parse(started) + activeDeadlineSeconds * 1000;
  }

  #pastDeadline(pod: Pod): boolean {
    const deadline = this.#deadline(pod);
    return deadline !== undefined && deadline <= this.#s.env.clock.now();
  }

  #wakeIn(ms: number): void {
    const due = this.#s.env.clock.now() + Math.max(0, ms);
    if (due >= this.#timerDue || this.#stopped) return;
    this.#cancelTimer();
    this.#timerDue = due;
    this.#timer = this.#s.env.clock.setTimer(Math.max(0, ms), () => {
      this.#timerDue = Infinity;
      this.#kick();
    });
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timerDue = Infinity;
  }

  #shortName(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}

/** Whether an update of the object is news: what we wrote into its status ourselves is not. */
function changedForUs(old: Pod, pod: Pod): boolean {
  const [a, b] = [old.metadata, pod.metadata];
  if (a.generation !== b.generation || a.labels !== b.labels || a.annotations !== b.annotations) {
    if (a.generation !== b.generation) return true;
    if (!deepEqual(a.labels, b.labels) || !deepEqual(a.annotations, b.annotations)) return true;
  }
  return (pod.spec.readinessGates ?? []).length > 0 && !deepEqual(old.status.conditions, pod.status.conditions);
}

function readiness(status: Pod["status"]): string | undefined {
  return status.conditions?.find((c) => c.type === "Ready")?.status;
}
