import { type Counter, exponentialBuckets, type Gauge, type Histogram, type Metrics } from "../kit/index.ts";

/** How an attempt ended, as the `result` label has it. */
export type AttemptResult = "scheduled" | "unschedulable" | "error";

/** What `pending_pods` shows. */
export interface QueueSizes {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
  readonly gated: number;
}

/** kube-scheduler's series (pkg/scheduler/metrics). */
export class SchedulerMetrics {
  readonly #attempts: Counter;
  readonly #attemptSeconds: Histogram;
  readonly #algorithmSeconds: Histogram;
  readonly #sliSeconds: Histogram;
  readonly #podAttempts: Histogram;
  readonly #victims: Histogram;
  readonly #preemptions: Counter;
  readonly #incoming: Counter;

  constructor(metrics: Metrics) {
    const seconds = exponentialBuckets(0.001, 2, 15);
    const name = (suffix: string): string => `scheduler_${suffix}`;
    this.#attempts = metrics.counter(name("schedule_attempts_total"), {
      help: "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
      labels: ["result", "profile"],
    });
    this.#attemptSeconds = metrics.histogram(name("scheduling_attempt_duration_seconds"), {
      help: "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
      labels: ["result", "profile"],
      buckets: seconds,
    });
    this.#algorithmSeconds = metrics.histogram(name("scheduling_algorithm_duration_seconds"), {
      help: "Scheduling algorithm latency in seconds",
      buckets: seconds,
    });
    this.#sliSeconds = metrics.histogram(name("pod_scheduling_sli_duration_seconds"), {
      help: "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.",
      labels: ["attempts"],
      buckets: exponentialBuckets(0.01, 2, 20),
    });
    this.#podAttempts = metrics.histogram(name("pod_scheduling_attempts"), {
      help: "Number of attempts to successfully schedule a pod.",
      buckets: exponentialBuckets(1, 2, 5),
    });
    this.#victims = metrics.histogram(name("preemption_victims"), {
      help: "Number of selected preemption victims",
      buckets: exponentialBuckets(1, 2, 7),
    });
    this.#preemptions = metrics.counter(name("preemption_attempts_total"), {
      help: "Total preemption attempts in the cluster till now",
    });
    this.#incoming = metrics.counter(name("queue_incoming_pods_total"), {
      help: "Number of pods added to scheduling queues by event and queue type.",
      labels: ["queue", "event"],
    });
  }

  /** Shows what waits and what is kept, when asked. */
  watch(metrics: Metrics, sizes: () => QueueSizes, cache: () => { nodes: number; pods: number }): void {
    const pending: Gauge = metrics.gauge("scheduler_pending_pods", {
      help: "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
      labels: ["queue"],
    });
    const cached: Gauge = metrics.gauge("scheduler_cache_size", {
      help: "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
      labels: ["type"],
    });
    metrics.onCollect(() => {
      for (const [queue, size] of Object.entries(sizes())) pending.set(size, { queue });
      for (const [type, size] of Object.entries(cache())) cached.set(size, { type });
    });
  }

  incoming(queue: string, event: string): void {
    this.#incoming.inc({ queue, event });
  }

  /** Seconds each. */
  attempt(result: AttemptResult, profile: string, duration: number): void {
    this.#attempts.inc({ result, profile });
    this.#attemptSeconds.observe(duration, { result, profile });
  }

  algorithm(duration: number): void {
    this.#algorithmSeconds.observe(duration);
  }

  scheduled(attempts: number, sinceFirst: number): void {
    this.#podAttempts.observe(attempts);
    this.#sliSeconds.observe(sinceFirst, { attempts: attempts >= 15 ? "15+" : String(attempts) });
  }

  preempting(victims: number): void {
    this.#victims.observe(victims);
  }

  preemptionAttempt(): void {
    this.#preemptions.inc();
  }
}
