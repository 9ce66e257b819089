import { describe, expect, it } from "vitest";
import { createMetrics } from "./registry.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { WorkQueue } from "./work-queue.ts";

function setup() {
  const clock = new VirtualClock();
  const metrics = createMetrics();
  return { clock, metrics, queue: new WorkQueue<string>({ clock, metrics, name: "q" }) };
}

describe("WorkQueue", () => {
  it("hands out each item once, in order", async () => {
    const { queue } = setup();
    for (const item of ["a", "b", "a"]) queue.add(item);
    expect(queue.length).toBe(2);
    expect([await queue.get(), await queue.get()]).toEqual(["a", "b"]);
  });

  it("gives an item added while in work again only after done", async () => {
    const { queue } = setup();
    queue.add("a");
    const first = await queue.get();
    queue.add("a");
    queue.add("a");
    expect([first, queue.length, queue.processing]).toEqual(["a", 0, 1]);
    const next = queue.get();
    queue.done("a");
    expect(await next).toBe("a");
    queue.done("a");
    expect([queue.length, queue.processing]).toEqual([0, 0]);
  });

  it("wakes waiting workers in the order they came, and lets them leave", async () => {
    const { queue } = setup();
    const leave = new AbortController();
    const one = queue.get(leave.signal);
    const two = queue.get();
    leave.abort();
    expect(await one).toBeUndefined();
    queue.add("x");
    expect(await two).toBe("x");
    expect(await queue.get(leave.signal)).toBeUndefined();
  });

  it("delays, and of several delays keeps the earliest", async () => {
    const { clock, queue } = setup();
    queue.addAfter("a", 100);
    queue.addAfter("a", 50);
    queue.addAfter("a", 200);
    queue.addAfter("b", 10);
    queue.addAfter("now", 0);
    expect([queue.length, queue.delayed]).toEqual([1, 2]);
    await clock.advance(10);
    expect(queue.length).toBe(2);
    await clock.advance(39);
    expect(queue.length).toBe(2);
    await clock.advance(1);
    expect([queue.length, queue.delayed, clock.pending]).toEqual([3, 0, 0]);
  });

  it("backs off from 5 ms to 1000 s and forgets", async () => {
    const { clock, queue } = setup();
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      const before = clock.now();
      queue.addRateLimited("a");
      await clock.advanceUntil(() => queue.length === 1);
      delays.push(clock.now() - before);
      queue.done((await queue.get()) ?? "");
    }
    expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(delays.slice(-2)).toEqual([1_000_000, 1_000_000]);
    expect(queue.numRequeues("a")).toBe(20);
    queue.forget("a");
    expect(queue.numRequeues("a")).toBe(0);
  });

  it("limits retries of all items together", async () => {
    const { clock, queue } = setup();
    for (let i = 0; i < 110; i++) queue.addRateLimited(`item-${i}`);
    await clock.advance(5);
    expect(queue.length).toBe(100);
    await clock.advance(1000);
    expect(queue.length).toBe(110);
  });

  it("shuts down: what waits is still handed out, then undefined; nothing is taken any more", async () => {
    const { clock, queue } = setup();
    queue.add("a");
    queue.addAfter("late", 10);
    queue.shutDown();
    queue.add("b");
    expect(await queue.get()).toBe("a");
    expect(await queue.get()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it("drains: waits for work under way and for what it re-added", async () => {
    const { clock, queue } = setup();
    queue.add("a");
    await queue.get();
    let drained = false;
    void queue.shutDownWithDrain().then(() => (drained = true));
    await clock.settle();
    expect(drained).toBe(false);
    queue.done("a");
    await clock.settle();
    expect(drained).toBe(true);
  });

  it("measures itself as upstream does", async () => {
    const { clock, metrics, queue } = setup();
    queue.add("a");
    queue.addRateLimited("b");
    await clock.advance(2000);
    await queue.get();
    await clock.advance(3000);
    const text = metrics.expose();
    for (const line of [
      'workqueue_adds_total{name="q"} 2',
      'workqueue_depth{name="q"} 1',
      'workqueue_retries_total{name="q"} 1',
      'workqueue_queue_duration_seconds_sum{name="q"} 2',
      'workqueue_unfinished_work_seconds{name="q"} 3',
      'workqueue_longest_running_processor_seconds{name="q"} 3',
      'workqueue_queue_duration_seconds_bucket{name="q",le="1e-08"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it("stays in order over many items", async () => {
    const { queue } = setup();
    for (let i = 0; i < 5000; i++) queue.add(String(i));
    for (let i = 0; i < 5000; i++) {
      const item = await queue.get();
      expect(item).toBe(String(i));
      queue.done(item ?? "");
    }
  });
});
