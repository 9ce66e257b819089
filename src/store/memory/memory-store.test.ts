import { describe, expect, it } from "vitest";
import { SeededRandom, VirtualClock } from "../../kit/index.ts";
import { storeConformance } from "../conformance.ts";
import { CompactedError, SlowWatcherError } from "../errors.ts";
import { createMemoryStore } from "./index.ts";

storeConformance("the memory store", () => {
  const clock = new VirtualClock();
  return { open: async () => createMemoryStore({ clock }), advance: (ms) => clock.advance(ms) };
});

const value = (text: string): Uint8Array => Buffer.from(text);

describe("memory store", () => {
  it("forks: both go their own way from the same state", async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock });
    for (let i = 0; i < 200; i++) await store.commit([{ kind: "put", key: `/${i}`, value: value("old") }]);
    await store.commit([{ kind: "put", key: "/ttl", value: value("x"), ttlSeconds: 5 }]);
    const fork = store.fork({ clock });
    await fork.commit([
      { kind: "put", key: "/7", value: value("fork") },
      { kind: "delete", key: "/8" },
    ]);
    await store.commit([{ kind: "put", key: "/9", value: value("new") }]);
    const texts = async (from: typeof store, key: string): Promise<string | undefined> => {
      const { entry } = await from.get(key);
      return entry && Buffer.from(entry.value).toString();
    };
    expect([await texts(store, "/7"), await texts(store, "/8"), await texts(store, "/9")]).toEqual([
      "old",
      "old",
      "new",
    ]);
    expect([await texts(fork, "/7"), await texts(fork, "/8"), await texts(fork, "/9")]).toEqual([
      "fork",
      undefined,
      "old",
    ]);
    expect(await fork.revision()).toBe(await store.revision());
    await expect(fork.get("/7", { revision: 5 })).rejects.toThrow(CompactedError);
    await clock.advance(5000);
    expect([await texts(store, "/ttl"), await texts(fork, "/ttl")]).toEqual([undefined, undefined]);
  });

  it("forgets history by age, by count and by bytes, and tells a reader that missed it", async () => {
    const clock = new VirtualClock();
    const cases = [{ maxAge: 1000 }, { maxCommits: 100 }, { maxBytes: 10_000 }];
    for (const retention of cases) {
      const store = createMemoryStore({ clock }, { retention, watchLimits: { batches: 10, bytes: 1000 } });
      const { signal } = new AbortController();
      const slow = store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
      for (let i = 0; i < 300; i++) {
        await clock.advance(10);
        await store.commit([{ kind: "put", key: "/a", value: new Uint8Array(100) }]);
      }
      const kept = (await store.revision()) - (await store.compactedRevision());
      expect(kept).toBeGreaterThan(80);
      expect(kept).toBeLessThan(210);
      expect(await store.size()).toBeLessThan(30_000);
      await expect(slow.next()).rejects.toThrow(SlowWatcherError);
    }
  });

  it("agrees with a plain map through any sequence of commits and compactions", async () => {
    const random = new SeededRandom(7);
    const store = createMemoryStore({ clock: new VirtualClock() });
    const states = new Map<number, Map<string, string>>([[1, new Map()]]);
    let now = new Map<string, string>();
    for (let revision = 2; revision < 1500; revision++) {
      now = new Map(now);
      const key = `/${random.int(600)}`;
      if (now.has(key) && random.int(3) === 0) now.delete(key);
      else now.set(key, String(revision));
      const text = now.get(key);
      await store.commit([text === undefined ? { kind: "delete", key } : { kind: "put", key, value: value(text) }]);
      states.set(revision, now);
      if (random.int(100) === 0) await store.compact(revision - random.int(50));
      const at = revision - random.int(Math.min(60, revision - (await store.compactedRevision()) + 1));
      const [a, b] = [`/${random.int(600)}`, `/${random.int(600)}`];
      const [start, end] = a < b ? [a, b] : [b, a];
      const limit = random.int(20);
      const expected = [...(states.get(at) ?? [])]
        .filter(([k]) => k >= start && k < end)
        .toSorted(([x], [y]) => (x < y ? -1 : 1));
      const got = await store.range({ start, end, revision: at, limit });
      expect(got.count).toBe(expected.length);
      const texts = got.entries.map((entry) => [entry.key, Buffer.from(entry.value).toString()]);
      expect(texts).toEqual(limit === 0 ? expected : expected.slice(0, limit));
      expect(got.more).toBe(limit > 0 && expected.length > limit);
    }
  });
});
