import type { Clock } from "./clock.ts";
import type { Metrics } from "./metrics.ts";
import { exponentialBuckets } from "./registry.ts";

/** What a work queue tells of itself. */
export interface QueueMetrics<T> {
  added(item: T): void;
  taken(item: T): void;
  done(item: T): void;
  retried(): void;
}

const SECONDS = exponentialBuckets(1e-8, 10, 10);

/** Upstream's `workqueue_*` series (component-base/metrics/prometheus/workqueue), labelled with the queue's name. */
export function queueMetrics<T>(metrics: Metrics, name: string, clock: Pick<Clock, "monotonic">): QueueMetrics<T> {
  const own = { name };
  const labels = ["name"];
  const depth = metrics.gauge("workqueue_depth", { help: "Current depth of workqueue", labels });
  const adds = metrics.counter("workqueue_adds_total", { help: "Total number of adds handled by workqueue", labels });
  const latency = metrics.histogram("workqueue_queue_duration_seconds", {
    help: "How long in seconds an item stays in workqueue before being requested.",
    labels,
    buckets: SECONDS,
  });
  const work = metrics.histogram("workqueue_work_duration_seconds", {
    help: "How long in seconds processing an item from workqueue takes.",
    labels,
    buckets: SECONDS,
  });
  const retries = metrics.counter("workqueue_retries_total", {
    help: "Total number of retries handled by workqueue",
    labels,
  });
  const unfinished = metrics.gauge("workqueue_unfinished_work_seconds", {
    help:
      "How many seconds of work has done that is in progress and hasn't been observed by work_duration. " +
      "Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
    labels,
  });
  const longest = metrics.gauge("workqueue_longest_running_processor_seconds", {
    help: "How many seconds has the longest running processor for workqueue been running.",
    labels,
  });
  const addedAt = new Map<T, number>();
  const startedAt = new Map<T, number>();
  metrics.onCollect(() => {
    const now = clock.monotonic();
    const running = [...startedAt.values()].map((since) => (now - since) / 1000);
    unfinished.set(
      running.reduce((sum, seconds) => sum + seconds, 0),
      own,
    );
    longest.set(Math.max(0, ...running), own);
  });
  return {
    added: (item) => {
      adds.inc(own);
      depth.add(1, own);
      if (!addedAt.has(item)) addedAt.set(item, clock.monotonic());
    },
    taken: (item) => {
      const now = clock.monotonic();
      depth.add(-1, own);
      startedAt.set(item, now);
      const since = addedAt.get(item);
      if (since !== undefined) latency.observe((now - since) / 1000, own);
      addedAt.delete(item);
    },
    done: (item) => {
      const since = startedAt.get(item);
      if (since !== undefined) work.observe((clock.monotonic() - since) / 1000, own);
      startedAt.delete(item);
    },
    retried: () => retries.inc(own),
  };
}
