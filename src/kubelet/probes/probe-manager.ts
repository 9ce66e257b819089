import type { corev1 } from "../../api/index.ts";
import type { EventRecorder } from "../../client/index.ts";
import { type Env, type Timer, errorText } from "../../kit/index.ts";
import type { Observation, ObservedContainer } from "../observe/model.ts";
import { latest } from "../observe/model.ts";
import { type Pod, type SpecContainer, isSidecar, podReference, specContainers } from "../pod/containers.ts";
import type { ProbeOutcome, ProbeRunner } from "./runner.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface ProbeManagerOptions {
  readonly env: Env;
  readonly runner: ProbeRunner;
  readonly events: EventRecorder;
  /** Called when a result of a pod's container changed. */
  readonly changed: (uid: string) => void;
}

interface Worker {
  readonly kind: ProbeKind;
  readonly pod: Pod;
  readonly spec: SpecContainer;
  readonly probe: corev1.Probe;
  readonly containerId: string;
  readonly startedAt: number;
  readonly stop: AbortController;
  podIP: string;
  timer: Timer | undefined;
  last: "success" | "failure" | undefined;
  runs: number;
  /** Undefined: nothing known yet. */
  result: boolean | undefined;
}

const KINDS: readonly ProbeKind[] = ["startup", "liveness", "readiness"];
const TITLES: Readonly<Record<ProbeKind, string>> = {
  startup: "Startup",
  liveness: "Liveness",
  readiness: "Readiness",
};

/** Runs the probes of the containers that run, and keeps what they said, by container id. */
export class ProbeManager {
  readonly #o: ProbeManagerOptions;
  readonly #workers = new Map<string, Worker>();

  constructor(options: ProbeManagerOptions) {
    this.#o = options;
  }

  startup(containerId: string): boolean | undefined {
    return this.#workers.get(`startup ${containerId}`)?.result;
  }

  /** Failed only after its threshold; undefined until the first answer. */
  liveness(containerId: string): boolean | undefined {
    return this.#workers.get(`liveness ${containerId}`)?.result;
  }

  readiness(containerId: string): boolean | undefined {
    return this.#workers.get(`readiness ${containerId}`)?.result;
  }

  /**
   * Starts the probes of containers that run, and ends those of containers that do not. `previous` statuses vouch for
   * containers that were started or ready before the kubelet was.
   */
  update(pod: Pod, observation: Observation, podIP: string, previous: readonly corev1.ContainerStatus[]): void {
    const alive = new Set<string>();
    for (const spec of specContainers(pod)) {
      if (spec.kind === "ephemeral" || (spec.kind === "init" && !isSidecar(spec.container))) continue;
      const status = latest(observation, spec.container.name);
      if (status?.state !== "running") continue;
      alive.add(status.id);
      for (const kind of KINDS) this.#ensure(kind, pod, spec, status, podIP, previous);
    }
    for (const [key, worker] of this.#workers) {
      if (worker.pod.metadata.uid === pod.metadata.uid && !alive.has(worker.containerId)) this.#end(key, worker);
    }
  }

  /** Ends what could restart a container; readiness goes on to the end. */
  stopRestarting(uid: string): void {
    for (const [key, w] of this.#workers) if (w.pod.metadata.uid === uid && w.kind !== "readiness") this.#end(key, w);
  }

  stop(uid?: string): void {
    for (const [key, w] of this.#workers) if (uid === undefined || w.pod.metadata.uid === uid) this.#end(key, w);
  }

  #end(key: string, worker: Worker): void {
    worker.stop.abort();
    worker.timer?.cancel();
    this.#workers.delete(key);
  }

  #ensure(
    kind: ProbeKind,
    pod: Pod,
    spec: SpecContainer,
    status: ObservedContainer,
    podIP: string,
    previous: readonly corev1.ContainerStatus[],
  ): void {
    const probe = spec.container[`${kind}Probe`];
    const key = `${kind} ${status.id}`;
    const known = this.#workers.get(key);
    if (known) known.podIP = podIP;
    if (!probe || known) return;
    const before = previous.find((s) => s.containerID?.endsWith(`//${status.id}`));
    const vouched = kind === "readiness" ? before?.ready : kind === "startup" ? before?.started : undefined;
    const worker: Worker = {
      kind,
      pod,
      spec,
      probe,
      containerId: status.id,
      startedAt: status.startedAt,
      stop: new AbortController(),
      podIP,
      timer: undefined,
      last: undefined,
      runs: 0,
      result: vouched === true ? true : undefined,
    };
    this.#workers.set(key, worker);
    if (kind === "startup" && vouched === true) return;
    const due = status.startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - this.#o.env.clock.now();
    this.#schedule(worker, Math.max(0, due));
  }

  #schedule(worker: Worker, ms: number): void {
    worker.timer = this.#o.env.clock.setTimer(ms, () => {
      this.#probe(worker).catch((error: unknown) =>
        this.#o.env.log.error("Probe broke off", { kind: worker.kind, error: errorText(error) }),
      );
    });
  }

  async #probe(worker: Worker): Promise<void> {
    const { probe, kind } = worker;
    const { clock } = this.#o.env;
    const period = (probe.periodSeconds ?? 10) * 1000;
    const began = clock.monotonic();
    const waitsForStartup = kind !== "startup" && worker.spec.container.startupProbe !== undefined;
    if (!waitsForStartup || this.startup(worker.containerId) === true) {
      await this.#once(worker);
      if (worker.stop.signal.aborted) return;
      // What startup settled, and what failed for good, is not asked again until there is another container.
      if (kind === "startup" && worker.result !== undefined) {
        if (worker.result) this.#startedNow(worker.containerId);
        return;
      }
      if (kind === "liveness" && worker.result === false) return;
    }
    this.#schedule(worker, Math.max(0, period - (clock.monotonic() - began)));
  }

  /** The other probes need not wait out their period once startup has succeeded. */
  #startedNow(containerId: string): void {
    for (const kind of ["liveness", "readiness"] as const) {
      const worker = this.#workers.get(`${kind} ${containerId}`);
      if (!worker || worker.last !== undefined) continue;
      worker.timer?.cancel();
      const due = worker.startedAt + (worker.probe.initialDelaySeconds ?? 0) * 1000 - this.#o.env.clock.now();
      this.#schedule(worker, Math.max(0, due));
    }
  }

  async #once(worker: Worker): Promise<void> {
    const { probe, spec, containerId, podIP, stop } = worker;
    let outcome: ProbeOutcome = { result: "unknown", output: "" };
    for (let attempt = 0; attempt < 3 && outcome.result === "unknown"; attempt++) {
      outcome = await this.#o.runner.run({ probe, container: spec.container, containerId, podIP, signal: stop.signal });
      if (stop.signal.aborted) return;
    }
    this.#report(worker, outcome);
    const result = outcome.result === "unknown" ? undefined : outcome.result;
    if (result === undefined) return;
    worker.runs = worker.last === result ? worker.runs + 1 : 1;
    worker.last = result;
    const threshold = result === "success" ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (worker.runs < threshold) return;
    const settled = result === "success";
    if (worker.result === settled) return;
    worker.result = settled;
    this.#o.changed(worker.pod.metadata.uid);
  }

  #report(worker: Worker, outcome: ProbeOutcome): void {
    if (outcome.result === "success") return;
    const how = outcome.result === "failure" ? "failed" : "errored";
    const between = how === "failed" ? ":" : " and resulted in unknown state:";
    const message = `${TITLES[worker.kind]} probe ${how}${between} ${outcome.output}`;
    this.#o.events.event(podReference(worker.pod, worker.spec), "Warning", "Unhealthy", message);
  }
}
