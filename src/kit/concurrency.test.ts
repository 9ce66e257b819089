import { describe, expect, it } from "vitest";
import { AsyncQueue } from "./async-queue.ts";
import { Backoff } from "./backoff.ts";
import { Latch, abortable, childController, deferred, onceAborted } from "./deferred.ts";
import { Heap } from "./heap.ts";
import { LruMap } from "./lru-map.ts";
import { mapConcurrent } from "./map-concurrent.ts";
import { SeededRandom } from "./random.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { VirtualClock } from "./virtual-clock.ts";

describe("AsyncQueue", () => {
  it("keeps order, says when it is full, and ends after what waits", async () => {
    const queue = new AsyncQueue<number>({ capacity: 2 });
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
    queue.close();
    const got: number[] = [];
    for await (const item of queue) got.push(item);
    expect(got).toEqual([1, 2]);
    expect(queue.push(4)).toBe(false);
  });

  it("wakes a waiting reader, tells of room, and fails after what waits", async () => {
    const queue = new AsyncQueue<number>({ capacity: 1 });
    const first = queue.next();
    queue.push(1);
    queue.push(2);
    const room = queue.room();
    expect(await first).toEqual({ value: 1, done: false });
    queue.fail(new Error("cut"));
    expect(await queue.next()).toEqual({ value: 2, done: false });
    await room;
    await expect(queue.next()).rejects.toThrow("cut");
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  it("tells the producer when the reader leaves", async () => {
    let closed = 0;
    const queue = new AsyncQueue<number>({ onClose: () => closed++ });
    queue.push(1);
    queue.push(2);
    for await (const item of queue) {
      expect(item).toBe(1);
      break;
    }
    expect([closed, queue.closed, queue.length]).toEqual([1, true, 0]);
  });

  it("tells a producer that waits when items are taken", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    let taken = false;
    const waiting = queue.taken().then(() => (taken = true));
    await Promise.resolve();
    expect(taken).toBe(false);
    await queue.next();
    await waiting;
    queue.close();
    await queue.taken();
  });
});

describe("LruMap", () => {
  it("forgets what was used longest ago", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.get("a")).toBe(1);
    map.set("c", 3);
    expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([1, undefined, 3, 2]);
    expect([map.delete("a"), map.delete("a")]).toEqual([true, false]);
  });
});

describe("mapConcurrent", () => {
  it("keeps order and the limit", async () => {
    let running = 0;
    let most = 0;
    const results = await mapConcurrent([1, 2, 3, 4, 5], 2, async (n) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return n * 10;
    });
    expect([results, most]).toEqual([[10, 20, 30, 40, 50], 2]);
  });

  it("begins nothing after a failure and waits for what runs", async () => {
    const gate = deferred();
    const begun: number[] = [];
    const run = mapConcurrent([1, 2, 3, 4], 2, async (n) => {
      begun.push(n);
      if (n === 1) throw new Error("one");
      await gate.promise;
    });
    gate.resolve();
    await expect(run).rejects.toThrow("one");
    expect(begun).toEqual([1, 2]);
  });
});

describe("Heap", () => {
  it("sorts, also with removals from the middle", () => {
    const random = new SeededRandom(7);
    const heap = new Heap<{ heapIndex: number; n: number }>((a, b) => a.n < b.n);
    const all = Array.from({ length: 500 }, () => ({ heapIndex: -1, n: random.int(1000) }));
    for (const item of all) heap.push(item);
    const gone = all.filter((_, i) => i % 3 === 0);
    for (const item of gone) heap.remove(item);
    for (const item of gone) heap.remove(item);
    const left = all.filter((_, i) => i % 3 !== 0).map((i) => i.n);
    const popped: number[] = [];
    for (let item = heap.pop(); item; item = heap.pop()) popped.push(item.n);
    expect(popped).toEqual(left.toSorted((a, b) => a - b));
  });
});

describe("RateLimiter", () => {
  it("lets a burst through, then one per interval, in order", async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter({ clock, qps: 10, burst: 2 });
    const times: number[] = [];
    const all = [1, 2, 3, 4].map(() => limiter.wait().then(() => times.push(clock.monotonic())));
    await clock.advance(1000);
    await Promise.all(all);
    expect(times).toEqual([0, 0, 100, 200]);
    expect([limiter.tryAccept(), limiter.tryAccept(), limiter.tryAccept()]).toEqual([true, true, false]);
  });

  it("gives the token back to an aborted waiter's successor", async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter({ clock, qps: 1, burst: 1 });
    expect(limiter.tryAccept()).toBe(true);
    const abort = new AbortController();
    const waiting = limiter.wait(abort.signal);
    abort.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(limiter.reserve()).toBe(1000);
  });
});

describe("Backoff", () => {
  it("doubles up to the most, with jitter on top, and starts again", () => {
    const backoff = new Backoff({ initial: 100, max: 350 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.attempts]).toEqual([100, 200, 350, 3]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
    const jittered = new Backoff({ initial: 100, max: 100, jitter: 1, random: { float: () => 0.5 } });
    expect(jittered.next()).toBe(150);
  });
});

describe("signals", () => {
  it("abortable leaves with the reason", async () => {
    const abort = new AbortController();
    const never = abortable(new Promise(() => undefined), abort.signal);
    abort.abort(new Error("bye"));
    await expect(never).rejects.toThrow("bye");
    await onceAborted(abort.signal);
    expect(await abortable(Promise.resolve(1), new AbortController().signal)).toBe(1);
  });

  it("a child aborts with its parent until unlinked", () => {
    const parent = new AbortController();
    const [linked, unlinked] = [childController(parent.signal), childController(parent.signal)];
    unlinked.unlink();
    parent.abort("why");
    expect([linked.signal.aborted, linked.signal.reason, unlinked.signal.aborted]).toEqual([true, "why", false]);
  });

  it("a latch opens once for all", async () => {
    const latch = new Latch();
    const waits = Promise.all([latch.wait(), latch.wait()]);
    latch.open();
    await waits;
    await latch.wait();
    expect(latch.isOpen).toBe(true);
  });
});
