import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { MAX_OPS, prefixEnd, type CommitResult, type Entry, type Op, type Store } from "./contract.ts";
import type { WatchBatch, WatchQuery } from "./contract.ts";
import {
  CompactedError,
  FutureRevisionError,
  InvalidRequestError,
  SlowWatcherError,
  StoreClosedError,
} from "./errors.ts";

/** One store under test, and what the suite may do to the world around it. */
export interface ConformanceSubject {
  /** A new store, empty. Its revision need not be the first, but nobody else may commit. Called once a test. */
  open(): Promise<Store>;
  /** Closes `store` and opens what it left behind. Absent: the store outlives nothing. */
  readonly reopen?: (store: Store) => Promise<Store>;
  /** Lets `ms` of the store's time go by. */
  advance(ms: number): Promise<void>;
  /** Takes away what the subject made. */
  dispose?(): Promise<void>;
}

/** Where the suite's cases go: vitest, unless somebody wants to run them otherwise. */
export interface ConformanceRunner {
  describe(name: string, define: () => void): void;
  it(name: string, run: () => Promise<void>): void;
}

/** Checks every sentence of {@link Store}'s contract against what `factory` makes anew for each case. */
export function storeConformance(
  name: string,
  factory: () => ConformanceSubject | Promise<ConformanceSubject>,
  runner: ConformanceRunner = { describe, it },
): void {
  const cases: Cases = (topic, define) => {
    runner.describe(topic, () =>
      define((title, run) => {
        runner.it(title, async () => {
          const bench = new Bench();
          try {
            await bench.setUp(await factory());
            await run(bench);
          } finally {
            await bench.tearDown();
          }
        });
      }),
    );
  };
  runner.describe(`${name} keeps the store contract`, () => {
    cases("get", gets);
    cases("range", ranges);
    cases("commit", commits);
    cases("keys and values", bytes);
    cases("concurrency", concurrency);
    cases("compact", compaction);
    cases("watch", watches);
    cases("watch, ending", watchEnds);
    cases("ttl", expiry);
    cases("close and reopen", lifetime);
  });
}

type Case = (title: string, run: (b: Bench) => Promise<void>) => void;
type Cases = (topic: string, define: (it: Case) => void) => void;

/** The store of the running test and short words for using it. */
class Bench {
  #subject: ConformanceSubject | undefined;
  #store: Store | undefined;
  #readers: Reader[] = [];

  async setUp(subject: ConformanceSubject): Promise<void> {
    this.#subject = subject;
    this.#store = await subject.open();
  }

  async tearDown(): Promise<void> {
    for (const reader of this.#readers) reader.stop();
    this.#readers = [];
    await this.#store?.close();
    await this.#subject?.dispose?.();
  }

  get store(): Store {
    return this.#store as Store;
  }

  get subject(): ConformanceSubject {
    return this.#subject as ConformanceSubject;
  }

  /** Whether the store outlives its closing; {@link reopen} then continues with what it left behind. */
  async reopen(): Promise<boolean> {
    if (!this.subject.reopen) return false;
    this.#store = await this.subject.reopen(this.store);
    return true;
  }

  commit(...ops: Op[]): Promise<CommitResult> {
    return this.store.commit(ops);
  }

  /** Puts text and answers the new revision. */
  async put(key: string, text: string, options: { expect?: number; ttlSeconds?: number } = {}): Promise<number> {
    return revisionOf(await this.commit(put(key, text, options)));
  }

  async delete(key: string): Promise<number> {
    return revisionOf(await this.commit({ kind: "delete", key }));
  }

  async text(key: string, revision?: number): Promise<string | undefined> {
    const { entry } = await this.store.get(key, revision === undefined ? {} : { revision });
    return entry && textOf(entry);
  }

  async keys(start = "", end = "", options: { revision?: number; limit?: number } = {}): Promise<string[]> {
    return (await this.store.range({ start, end, ...options })).entries.map((entry) => entry.key);
  }

  watch(start: string, end: string, query: Partial<WatchQuery> = {}): Reader {
    const reader = new Reader(this.store, { start, end, ...query });
    this.#readers.push(reader);
    return reader;
  }
}

/** Reads a watch step by step. */
class Reader {
  readonly abort = new AbortController();
  readonly #batches: AsyncIterator<WatchBatch>;

  constructor(store: Store, query: Omit<WatchQuery, "signal">) {
    this.#batches = store.watch({ ...query, signal: this.abort.signal })[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<WatchBatch, unknown>> {
    return this.#batches.next();
  }

  return(): Promise<unknown> | undefined {
    return this.#batches.return?.();
  }

  /** The next batch, in short. */
  async line(): Promise<string> {
    const result = await this.next();
    return result.done ? "done" : lineOf(result.value);
  }

  async lines(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) lines.push(await this.line());
    return lines;
  }

  /** Batches up to and with the one of `revision`; progress marks left out. */
  async until(revision: number): Promise<WatchBatch[]> {
    const batches: WatchBatch[] = [];
    for (;;) {
      const result = await this.next();
      if (result.done) return batches;
      if (result.value.events.length > 0) batches.push(result.value);
      if (result.value.revision >= revision) return batches;
    }
  }

  stop(): void {
    this.abort.abort();
  }
}

/** What `promise` rejects with. (vitest would wait for `expect(...).rejects` even after the case was given up.) */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

function put(key: string, text: string, options: { expect?: number; ttlSeconds?: number } = {}): Op {
  return { kind: "put", key, value: Buffer.from(text), ...options };
}

function revisionOf(result: CommitResult): number {
  expect(result).toMatchObject({ ok: true });
  return result.revision;
}

function textOf(entry: Entry): string {
  return Buffer.from(entry.value).toString();
}

/** `5 a=1<0 -b<2`: revision, puts with value and previous value, deletes with previous value. */
function lineOf(batch: WatchBatch): string {
  const events = batch.events.map((event) => {
    const before = event.previous ? `<${textOf(event.previous)}` : "";
    if (event.type === "delete") return `-${event.key}${before}`;
    return `${event.entry.key}=${textOf(event.entry)}${before}`;
  });
  return [batch.revision, ...events].join(" ");
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(5, "0")}`);
}

function gets(it: Case): void {
  it("answers no entry for a key that was never there", async (b) => {
    const { revision, entry } = await b.store.get("/none");
    expect(entry).toBeUndefined();
    expect(revision).toBe(await b.store.revision());
    expect(revision).toBeGreaterThan(0);
  });

  it("answers what was put, with its revisions", async (b) => {
    const created = await b.put("/a", "one");
    const changed = await b.put("/a", "two");
    const { revision, entry } = await b.store.get("/a");
    expect(entry).toMatchObject({ key: "/a", createRevision: created, modRevision: changed });
    expect(entry && textOf(entry)).toBe("two");
    expect(revision).toBe(changed);
  });

  it("reads the past: before creation, each value, after deletion, created anew", async (b) => {
    const r1 = await b.put("/other", "x");
    const r2 = await b.put("/a", "one");
    const r3 = await b.put("/a", "two");
    const r4 = await b.delete("/a");
    const r5 = await b.put("/a", "three");
    expect(await b.text("/a", r1)).toBeUndefined();
    expect(await b.text("/a", r2)).toBe("one");
    expect(await b.text("/a", r3)).toBe("two");
    expect(await b.text("/a", r4)).toBeUndefined();
    expect(await b.text("/a", r5)).toBe("three");
    expect((await b.store.get("/a")).entry).toMatchObject({ createRevision: r5, modRevision: r5 });
    expect((await b.store.get("/a", { revision: r3 })).entry).toMatchObject({ createRevision: r2, modRevision: r3 });
    expect((await b.store.get("/a", { revision: r3 })).revision).toBe(r5);
  });

  it("refuses revisions that are yet to come, that are before anything, or that are none", async (b) => {
    const revision = (await b.put("/a", "one")) + 1;
    await expect(b.store.get("/a", { revision })).rejects.toThrow(FutureRevisionError);
    await expect(b.store.get("/a", { revision })).rejects.toMatchObject({ revision, currentRevision: revision - 1 });
    await expect(b.store.get("/a", { revision: 0 })).rejects.toThrow(CompactedError);
    for (const wrong of [-1, 1.5, Number.NaN]) {
      await expect(b.store.get("/a", { revision: wrong })).rejects.toThrow(InvalidRequestError);
    }
    await expect(b.store.get("")).rejects.toThrow(InvalidRequestError);
  });

  it("may answer stale reads, never from the future", async (b) => {
    const revision = await b.put("/a", "one");
    expect((await b.store.get("/a", { stale: true })).revision).toBeLessThanOrEqual(revision);
  });
}

function ranges(it: Case): void {
  it("answers nothing from an empty store", async (b) => {
    const result = await b.store.range({ start: "", end: "" });
    expect(result).toEqual({ revision: await b.store.revision(), entries: [], more: false, count: 0 });
  });

  it("reads [start, end) in order", async (b) => {
    for (const key of ["/b/2", "/c", "/a", "/b/1", "/b", "/b/3"]) await b.put(key, key);
    expect(await b.keys("/b/", "/b0")).toEqual(["/b/1", "/b/2", "/b/3"]);
    expect(await b.keys("/b/", prefixEnd("/b/"))).toEqual(["/b/1", "/b/2", "/b/3"]);
    expect(await b.keys("/b/1", "/b/3")).toEqual(["/b/1", "/b/2"]);
    expect(await b.keys("/b/2", "")).toEqual(["/b/2", "/b/3", "/c"]);
    expect(await b.keys("", "/b")).toEqual(["/a"]);
    expect(await b.keys("", "")).toEqual(["/a", "/b", "/b/1", "/b/2", "/b/3", "/c"]);
  });

  it("answers nothing where start is not before end", async (b) => {
    await b.put("/b", "x");
    expect(await b.keys("/b", "/b")).toEqual([]);
    expect(await b.keys("/c", "/a")).toEqual([]);
    expect((await b.store.range({ start: "/c", end: "/a", countOnly: true })).count).toBe(0);
  });

  it("keeps to the limit and tells how many there are", async (b) => {
    for (const key of numbered("/k", 5)) await b.put(key, key);
    for (const [limit, length, more] of [
      [0, 5, false],
      [1, 1, true],
      [4, 4, true],
      [5, 5, false],
      [6, 5, false],
    ] as const) {
      const result = await b.store.range({ start: "/k", end: "/l", limit });
      expect({ limit, length: result.entries.length, more: result.more }).toEqual({ limit, length, more });
      expect(result.count).toBe(5);
    }
    await expect(b.store.range({ start: "/k", end: "/l", limit: -1 })).rejects.toThrow(InvalidRequestError);
  });

  it("counts without reading, now and in the past", async (b) => {
    const revision = await b.put("/k1", "x");
    await b.put("/k2", "x");
    await b.put("/k1", "y");
    await b.delete("/k1");
    await b.put("/k3", "x");
    const counted = await b.store.range({ start: "/k", end: "/l", countOnly: true });
    expect(counted).toMatchObject({ entries: [], more: false, count: 2 });
    expect((await b.store.range({ start: "/k", end: "/l", countOnly: true, revision })).count).toBe(1);
    expect((await b.store.range({ start: "/k", end: "/l", limit: 1, revision: revision + 1 })).count).toBe(2);
    expect((await b.store.range({ start: "/k", end: "/l", countOnly: true, revision: revision + 2 })).count).toBe(2);
    expect((await b.store.range({ start: "/k", end: "/l", countOnly: true, revision: revision + 3 })).count).toBe(1);
  });

  it("reads one snapshot, page by page, while writes go on", async (b) => {
    const keys = numbered("/k", 25);
    for (const key of keys) await b.put(key, "old");
    const { revision } = await b.store.range({ start: "/k", end: "/l", limit: 1 });
    const seen: string[] = [];
    let start = "/k";
    for (let more = true; more;) {
      await b.commit(
        put(keys[seen.length] ?? "", "new"),
        { kind: "delete", key: "/k00013" },
        put(`/k0000${seen.length}x`, "new"),
      );
      const page = await b.store.range({ start, end: "/l", limit: 4, revision });
      expect(page.count + seen.length).toBe(25);
      expect(page.entries.map(textOf)).toEqual(page.entries.map(() => "old"));
      seen.push(...page.entries.map((entry) => entry.key));
      start = `${seen.at(-1)}\0`;
      more = page.more;
    }
    expect(seen).toEqual(keys);
  });

  it("answers the store's revision, and the entries' own", async (b) => {
    const r1 = await b.put("/a", "1");
    const r2 = await b.put("/b", "1");
    const r3 = await b.put("/a", "2");
    const result = await b.store.range({ start: "/", end: "0" });
    expect(result.revision).toBe(r3);
    expect(result.entries).toMatchObject([
      { key: "/a", createRevision: r1, modRevision: r3 },
      { key: "/b", createRevision: r2, modRevision: r2 },
    ]);
    const past = await b.store.range({ start: "/", end: "0", revision: r2 });
    expect(past.revision).toBe(r3);
    expect(past.entries.map(textOf)).toEqual(["1", "1"]);
  });

  it("refuses revisions that cannot be read", async (b) => {
    const revision = (await b.store.revision()) + 1;
    await expect(b.store.range({ start: "", end: "", revision })).rejects.toThrow(FutureRevisionError);
    await expect(b.store.range({ start: "", end: "", revision: 0 })).rejects.toThrow(CompactedError);
    await expect(b.store.range({ start: "", end: "", revision: -1 })).rejects.toThrow(InvalidRequestError);
  });

  it("holds many keys, written in any order", async (b) => {
    const keys = numbered("/many/", 2000);
    const shuffled = keys.map((_, i) => keys[(i * 1009) % keys.length] ?? "");
    const chunks = Array.from({ length: 16 }, (_, i) => shuffled.slice(i * 125, (i + 1) * 125));
    await Promise.all(chunks.map((chunk) => b.commit(...chunk.map((key) => put(key, key)))));
    expect(await b.keys("/many/", "/many0")).toEqual(keys);
    expect((await b.store.range({ start: "/many/01000", end: "/many0", countOnly: true })).count).toBe(1000);
    await Promise.all(
      chunks.slice(0, 8).map((chunk) => b.commit(...chunk.map((key): Op => ({ kind: "delete", key })))),
    );
    expect(await b.keys("/many/", "/many0")).toEqual(chunks.slice(8).flat().toSorted());
  });
}

function commits(it: Case): void {
  it("takes the next revision each time", async (b) => {
    const before = await b.store.revision();
    const revisions = [await b.put("/a", "1"), await b.put("/b", "1"), await b.put("/a", "2"), await b.delete("/b")];
    expect(revisions).toEqual([before + 1, before + 2, before + 3, before + 4]);
    expect(await b.store.revision()).toBe(before + 4);
  });

  it("creates only what is not there", async (b) => {
    const revision = await b.put("/a", "1", { expect: 0 });
    const again = await b.commit(put("/a", "2", { expect: 0 }));
    expect(again).toMatchObject({ ok: false, revision, failed: 0, current: { key: "/a", modRevision: revision } });
    expect(await b.text("/a")).toBe("1");
    await b.delete("/a");
    expect(await b.commit(put("/a", "3", { expect: 0 }))).toMatchObject({ ok: true, revision: revision + 2 });
  });

  it("compares and swaps", async (b) => {
    const r1 = await b.put("/a", "1");
    const r2 = await b.put("/a", "2", { expect: r1 });
    const refused = await b.commit(put("/a", "3", { expect: r1 }));
    expect(refused).toMatchObject({
      ok: false,
      failed: 0,
      revision: r2,
      current: { createRevision: r1, modRevision: r2 },
    });
    expect(!refused.ok && refused.current && textOf(refused.current)).toBe("2");
    expect(await b.commit({ kind: "delete", key: "/a", expect: r1 })).toMatchObject({ ok: false, failed: 0 });
    expect(await b.commit({ kind: "delete", key: "/a", expect: r2 })).toEqual({ ok: true, revision: r2 + 1 });
    const missing = await b.commit(put("/a", "4", { expect: r2 }));
    expect(missing).toEqual({ ok: false, failed: 0, revision: r2 + 1 });
  });

  it("makes no revision when nothing changes", async (b) => {
    const revision = await b.put("/a", "1");
    expect(await b.commit()).toEqual({ ok: true, revision });
    expect(await b.commit({ kind: "delete", key: "/none" })).toEqual({ ok: true, revision });
    expect(await b.commit({ kind: "delete", key: "/none", expect: 0 })).toEqual({ ok: true, revision });
    expect(await b.store.revision()).toBe(revision);
  });

  it("commits many ops at one revision, or none of them", async (b) => {
    const r1 = await b.commit(put("/a", "1"), put("/b", "1"), put("/c", "1"));
    expect((await b.store.range({ start: "/", end: "0" })).entries.map((entry) => entry.modRevision)).toEqual([
      r1.revision,
      r1.revision,
      r1.revision,
    ]);
    const refused = await b.commit(
      put("/new", "2"),
      put("/a", "2", { expect: r1.revision }),
      { kind: "delete", key: "/b", expect: 1 },
      put("/c", "2", { expect: 0 }),
    );
    expect(refused).toMatchObject({ ok: false, failed: 2, revision: r1.revision, current: { key: "/b" } });
    expect(await b.keys()).toEqual(["/a", "/b", "/c"]);
    expect(await b.text("/a")).toBe("1");
    const r2 = await b.commit(put("/a", "2", { expect: r1.revision }), { kind: "delete", key: "/b" }, put("/d", "2"));
    expect(r2).toEqual({ ok: true, revision: r1.revision + 1 });
    expect(await b.keys()).toEqual(["/a", "/c", "/d"]);
  });

  it("deletes of absent keys beside real changes do no harm", async (b) => {
    const revision = await b.put("/a", "1");
    expect(await b.commit({ kind: "delete", key: "/none" }, put("/b", "1"))).toEqual({
      ok: true,
      revision: revision + 1,
    });
    expect(await b.keys()).toEqual(["/a", "/b"]);
  });

  it("takes as many ops as it promises", async (b) => {
    const ops = numbered("/k", MAX_OPS).map((key) => put(key, key, { expect: 0 }));
    const revision = revisionOf(await b.commit(...ops));
    const { entries } = await b.store.range({ start: "/k", end: "/l" });
    expect(entries.filter((entry) => entry.modRevision === revision).length).toBe(MAX_OPS);
  });

  const wrong: Record<string, Op[]> = {
    "the same key twice": [put("/a", "1"), { kind: "delete", key: "/a" }],
    "an empty key": [put("", "1")],
    "a lone surrogate in a key": [put("/\ud800", "1")],
    "a negative expectation": [put("/a", "1", { expect: -1 })],
    "a fractional expectation": [put("/a", "1", { expect: 1.5 })],
    "a ttl of 0": [put("/a", "1", { ttlSeconds: 0 })],
  };
  for (const [what, ops] of Object.entries(wrong)) {
    it(`refuses ${what}`, async (b) => {
      await expect(b.commit(...ops)).rejects.toThrow(InvalidRequestError);
      expect(await b.keys()).toEqual([]);
    });
  }
}

function bytes(it: Case): void {
  it("keeps values as they are: empty, every byte, a view into a larger buffer", async (b) => {
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    const view = new Uint8Array(every.buffer, 100, 10);
    const values = { "/empty": new Uint8Array(0), "/every": every, "/view": view };
    for (const [key, value] of Object.entries(values)) await b.commit({ kind: "put", key, value });
    for (const [key, value] of Object.entries(values)) {
      const { entry } = await b.store.get(key);
      expect(Array.from(entry?.value ?? [])).toEqual(Array.from(value));
    }
    const { entries } = await b.store.range({ start: "/", end: "0" });
    expect(entries.map((entry) => entry.value.length)).toEqual([0, 256, 10]);
  });

  it("keeps large values", async (b) => {
    const reader = b.watch("/", "0");
    const value = Buffer.alloc(1_200_000, "0123456789");
    const large = numbered("/large/", 4);
    for (const key of large) await b.commit({ kind: "put", key, value });
    const { entries } = await b.store.range({ start: "/large/", end: "/large0" });
    expect(entries.map((entry) => value.equals(entry.value))).toEqual([true, true, true, true]);
    const [first] = await reader.until(entries[0]?.modRevision ?? 0);
    const event = first?.events[0];
    expect(event?.type === "put" && value.equals(event.entry.value)).toBe(true);
  });

  it("keeps any text as a key, in the order of its UTF-8 bytes", async (b) => {
    const keys = [
      "/\0",
      "/\0\0",
      "/\u0001",
      "/ ",
      "/\"'\\",
      "/%00",
      "/A",
      "/a",
      "/a\0b",
      "/a\n",
      "/é",
      "/中",
      "/\ud7ff",
      "/\ue000",
      "/\uffff",
      "/😀",
      "/\u{10ffff}",
    ];
    const inOrder = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    for (const key of keys) await b.put(key, key);
    expect(await b.keys("/", "0")).toEqual(inOrder);
    for (const key of keys) expect(await b.text(key)).toBe(key);
    for (const [i, key] of inOrder.entries()) {
      expect(await b.keys(key, "")).toEqual(inOrder.slice(i));
      expect(await b.keys("/", key)).toEqual(inOrder.slice(0, i));
      expect(await b.keys(key, prefixEnd(key))).toEqual(inOrder.filter((other) => other.startsWith(key)));
    }
  });

  it("watches ranges in the order of UTF-8 bytes", async (b) => {
    const reader = b.watch("/\ue000", "/😀");
    const first = await b.put("/😀", "outside");
    await b.put("/\ue000", "inside");
    await b.put("/\ud7ff", "outside");
    await b.put("/\uffff", "inside");
    expect(await reader.lines(2)).toEqual([`${first + 1} /\ue000=inside`, `${first + 3} /\uffff=inside`]);
  });

  it("keeps long keys", async (b) => {
    const key = `/${"x".repeat(4000)}`;
    await b.put(`${key}1`, "1");
    await b.put(`${key}2`, "2");
    expect(await b.keys(key, "")).toEqual([`${key}1`, `${key}2`]);
  });

  it("tells its size", async (b) => {
    await b.commit({ kind: "put", key: "/a", value: new Uint8Array(10_000) });
    expect(await b.store.size()).toBeGreaterThan(10_000);
  });
}

function concurrency(it: Case): void {
  it("lets one of many creators win", async (b) => {
    const before = await b.store.revision();
    const results = await Promise.all(numbered("", 50).map((who) => b.commit(put("/a", who, { expect: 0 }))));
    const winners = results.flatMap((result, i) => (result.ok ? [i] : []));
    expect(winners.length).toBe(1);
    const value = numbered("", 50)[winners[0] ?? -1];
    expect(await b.text("/a")).toBe(value);
    for (const result of results) {
      expect(result.revision).toBe(before + 1);
      if (!result.ok) expect(result.current && textOf(result.current)).toBe(value);
    }
  });

  it("loses no update", async (b) => {
    await b.put("/counter", "0");
    const increment = async (): Promise<void> => {
      for (let done = 0; done < 8;) {
        const { entry } = await b.store.get("/counter");
        if (!entry) throw new Error("the counter is gone");
        const result = await b.commit(
          put("/counter", String(Number(textOf(entry)) + 1), { expect: entry.modRevision }),
        );
        if (result.ok) done++;
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    expect(await b.text("/counter")).toBe("64");
  });

  it("gives concurrent commits revisions of their own, without gaps", async (b) => {
    const before = await b.store.revision();
    const revisions = await Promise.all(numbered("/k", 200).map((key) => b.put(key, key)));
    expect(revisions.toSorted((x, y) => x - y)).toEqual(numbered("", 200).map((_, i) => before + 1 + i));
  });

  it("shows no half of a commit", async (b) => {
    await b.commit(put("/left", "50"), put("/right", "50"));
    let moving = true;
    const move = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) await b.commit(put("/left", String(i)), put("/right", String(100 - i)));
      moving = false;
    };
    const look = async (): Promise<void> => {
      while (moving) {
        await new Promise(setImmediate);
        const { entries, revision } = await b.store.range({ start: "/", end: "0" });
        const at = await b.store.range({ start: "/", end: "0", revision });
        for (const snapshot of [entries, at.entries]) {
          expect(snapshot.reduce((sum, entry) => sum + Number(textOf(entry)), 0)).toBe(100);
        }
      }
    };
    await Promise.all([move(), look(), look()]);
  });

  it("never answers a read with less than was acknowledged before", async (b) => {
    const writer = async (key: string): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const revision = await b.put(key, String(i));
        const seen = await b.store.get(key);
        expect(seen.revision).toBeGreaterThanOrEqual(revision);
        expect(seen.entry && textOf(seen.entry)).toBe(String(i));
      }
    };
    await Promise.all(numbered("/k", 8).map(writer));
  });
}

function compaction(it: Case): void {
  it("forgets what was before, keeps what was valid then", async (b) => {
    const r1 = await b.put("/a", "1");
    await b.put("/b", "1");
    await b.put("/gone", "1");
    await b.delete("/gone");
    const r5 = await b.put("/a", "2");
    const r6 = await b.put("/a", "3");
    await b.store.compact(r5);
    expect(await b.store.compactedRevision()).toBe(r5);
    for (const revision of [r1, r5 - 1]) {
      await expect(b.store.get("/a", { revision })).rejects.toThrow(CompactedError);
      await expect(b.store.range({ start: "", end: "", revision })).rejects.toThrow(CompactedError);
    }
    expect(await b.text("/a", r5)).toBe("2");
    expect(await b.text("/b", r5)).toBe("1");
    expect(await b.text("/gone", r5)).toBeUndefined();
    expect(await b.keys("", "", { revision: r5 })).toEqual(["/a", "/b"]);
    expect(await b.text("/a", r6)).toBe("3");
    expect(await b.store.revision()).toBe(r6);
  });

  it("keeps a living key's create revision", async (b) => {
    const r1 = await b.put("/a", "1");
    const r2 = await b.put("/a", "2");
    await b.store.compact(r2);
    const r3 = await b.put("/a", "3", { expect: r2 });
    expect((await b.store.get("/a")).entry).toMatchObject({ createRevision: r1, modRevision: r3 });
  });

  it("may be repeated; going back does nothing; the future is refused", async (b) => {
    const r1 = await b.put("/a", "1");
    const r2 = await b.put("/a", "2");
    await b.store.compact(r2);
    await b.store.compact(r2);
    await b.store.compact(r1);
    expect(await b.store.compactedRevision()).toBe(r2);
    await expect(b.store.compact(r2 + 1)).rejects.toThrow(FutureRevisionError);
    expect(await b.text("/a")).toBe("2");
  });

  it("lets a key that was deleted be created again", async (b) => {
    await b.put("/a", "1");
    const deleted = await b.delete("/a");
    await b.store.compact(deleted);
    expect(await b.text("/a", deleted)).toBeUndefined();
    const created = await b.put("/a", "2", { expect: 0 });
    await b.store.compact(created);
    expect((await b.store.get("/a")).entry).toMatchObject({ createRevision: created });
  });

  it("refuses watches that begin before, serves those from there on", async (b) => {
    const r1 = await b.put("/a", "1");
    const r2 = await b.put("/b", "2");
    await b.put("/a", "3");
    await b.store.compact(r2);
    expect(await failureOf(b.watch("", "", { fromRevision: r1 }).next())).toBeInstanceOf(CompactedError);
    expect(await failureOf(b.watch("", "", { fromRevision: 0 }).next())).toBeInstanceOf(CompactedError);
    const refused = b.watch("", "", { fromRevision: r1 });
    expect(await failureOf(refused.next())).toMatchObject({ code: "Compacted", revision: r1 });
    expect((await refused.next()).done).toBe(true);
    const batches = await b.watch("", "", { fromRevision: r2 }).until(r2 + 1);
    expect(batches.map((batch) => batch.revision)).toEqual([r2, r2 + 1]);
  });

  it("goes on while much is written", async (b) => {
    const last: number[] = [];
    const write = async (key: string): Promise<void> => {
      for (let i = 0; i < 40; i++) last.push(await b.put(key, String(i)));
    };
    const compact = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await b.store.compact(await b.store.revision());
    };
    await Promise.all([...numbered("/k", 8).map(write), compact()]);
    const { entries } = await b.store.range({ start: "/k", end: "/l" });
    expect(entries.map(textOf)).toEqual(numbered("/k", 8).map(() => "39"));
    expect(Math.max(...last)).toBe(await b.store.revision());
  });
}

function watches(it: Case): void {
  it("follows from the next commit on, by default", async (b) => {
    await b.put("/a", "before");
    const reader = b.watch("/", "0");
    const r = await b.put("/a", "1");
    await b.put("/b", "2");
    await b.delete("/a");
    expect(await reader.lines(3)).toEqual([`${r} /a=1<before`, `${r + 1} /b=2`, `${r + 2} -/a<1`]);
  });

  it("wakes up a reader that waits", async (b) => {
    const reader = b.watch("/", "0");
    const line = reader.line();
    const r = await b.put("/a", "1");
    expect(await line).toBe(`${r} /a=1`);
  });

  it("follows from any revision that is kept, then goes on", async (b) => {
    const first = await b.put("/k", "0");
    for (let i = 1; i < 12; i++) await b.put("/k", String(i));
    const all = Array.from({ length: 14 }, (_, i) => `${first + i} /k=${i}${i > 0 ? `<${i - 1}` : ""}`);
    const readers = all.slice(0, 13).map((_, i) => b.watch("/", "0", { fromRevision: first + i }));
    await b.put("/k", "12");
    await b.put("/k", "13");
    for (const [i, reader] of readers.entries()) expect(await reader.lines(14 - i)).toEqual(all.slice(i));
  });

  it("may begin at a revision that is yet to come", async (b) => {
    const now = await b.put("/a", "0");
    const reader = b.watch("/", "0", { fromRevision: now + 3 });
    for (const text of ["1", "2", "3"]) await b.put("/a", text);
    expect(await reader.line()).toBe(`${now + 3} /a=3<2`);
  });

  it("tells only of its range", async (b) => {
    const reader = b.watch("/b/", "/b0");
    const r = await b.put("/a", "x");
    await b.put("/b/1", "x");
    await b.put("/b", "x");
    await b.put("/b0", "x");
    await b.put("/b/2", "x");
    await b.commit(put("/c", "x"), put("/b/4", "x"), put("/a", "x"), { kind: "delete", key: "/b/1" }, put("/b/3", "x"));
    const expected = [`${r + 1} /b/1=x`, `${r + 4} /b/2=x`, `${r + 5} /b/4=x -/b/1<x /b/3=x`];
    expect(await reader.lines(3)).toEqual(expected);
    expect(await b.watch("/b/", "/b0", { fromRevision: r }).lines(3)).toEqual(expected);
  });

  it("gives a commit whole, in the order of its ops", async (b) => {
    const reader = b.watch("/", "0");
    const { revision } = await b.commit(put("/c", "1"), put("/a", "1"), put("/b", "1"));
    await b.commit({ kind: "delete", key: "/b" }, put("/c", "2"), { kind: "delete", key: "/none" });
    const expected = [`${revision} /c=1 /a=1 /b=1`, `${revision + 1} -/b<1 /c=2<1`];
    expect(await reader.lines(2)).toEqual(expected);
    expect(await b.watch("/", "0", { fromRevision: revision }).lines(2)).toEqual(expected);
  });

  it("tells revisions and previous entries", async (b) => {
    const r1 = await b.put("/a", "1");
    const reader = b.watch("/", "0");
    const r2 = await b.put("/a", "2");
    const r3 = await b.delete("/a");
    const batches = await reader.until(r3);
    const previous = { key: "/a", createRevision: r1, modRevision: r1 };
    expect(batches[0]?.events).toMatchObject([
      { type: "put", entry: { key: "/a", createRevision: r1, modRevision: r2 }, previous },
    ]);
    expect(batches[1]?.events).toMatchObject([
      { type: "delete", key: "/a", revision: r3, previous: { key: "/a", createRevision: r1, modRevision: r2 } },
    ]);
  });

  it("tells nothing of refused commits", async (b) => {
    const reader = b.watch("/", "0");
    const r = await b.put("/a", "1");
    await b.commit(put("/b", "1"), put("/a", "2", { expect: 0 }));
    await b.put("/a", "2");
    expect(await reader.lines(2)).toEqual([`${r} /a=1`, `${r + 1} /a=2<1`]);
  });

  it("loses and repeats nothing while many write, wherever it begins", async (b) => {
    const first = (await b.store.revision()) + 1;
    const readers = [b.watch("/k", "/l")];
    const write = async (key: string, w: number): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const r = await b.put(key, String(i));
        if (i % 8 === w % 8) readers.push(b.watch("/k", "/l", { fromRevision: Math.max(first, r - w * 5) }));
        if (i % 8 === 3) readers.push(b.watch("/k", "/l", { fromRevision: r + 1 }));
      }
    };
    await Promise.all(numbered("/k", 10).map(write));
    const last = await b.store.revision();
    const truth = (await b.watch("/k", "/l", { fromRevision: first }).until(last)).map(lineOf);
    expect(truth.map((line) => Number(line.split(" ")[0]))).toEqual(truth.map((_, i) => first + i));
    expect(truth.length).toBe(250);
    expect(readers.length).toBeGreaterThan(30);
    for (const reader of readers) {
      if ((await b.store.revision()) === last) await b.put("/k", "end");
      const lines = (await reader.until(last)).map(lineOf).filter((line) => Number(line.split(" ")[0]) <= last);
      expect(lines).toEqual(truth.slice(truth.length - lines.length));
    }
  });

  it("answers several calls of next in turn", async (b) => {
    const reader = b.watch("/", "0");
    const waiting = [reader.line(), reader.line(), reader.line()];
    const r = await b.put("/a", "1");
    await b.put("/a", "2");
    await b.put("/a", "3");
    expect(await Promise.all(waiting)).toEqual([`${r} /a=1`, `${r + 1} /a=2<1`, `${r + 2} /a=3<2`]);
  });

  it("marks progress at once, after what was to be read", async (b) => {
    const r = await b.put("/a", "1");
    const other = await b.put("/other", "1");
    expect(await b.watch("/a", "/b", { progress: true }).line()).toBe(`${other}`);
    const reader = b.watch("/a", "/b", { fromRevision: r, progress: true });
    expect(await reader.lines(2)).toEqual([`${r} /a=1`, `${other}`]);
  });

  it("marks progress when the store moves on without it", async (b) => {
    const reader = b.watch("/a", "/b", { progress: true });
    await reader.line();
    let last = 0;
    for (let i = 0; i < 5; i++) last = await b.put("/other", String(i));
    let marked = 0;
    while (marked < last) {
      const waiting = reader.next();
      await b.subject.advance(100);
      const result = await waiting;
      expect(result.value).toMatchObject({ events: [] });
      const { revision } = result.value as WatchBatch;
      expect(revision).toBeGreaterThan(marked);
      marked = revision;
    }
    expect(marked).toBe(last);
  });

  it("never marks progress past what is still to come", async (b) => {
    const first = (await b.store.revision()) + 1;
    const reader = b.watch("/k", "/l", { progress: true });
    const write = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await Promise.all([b.put(i % 3 === 0 ? "/k" : "/other", String(i)), b.put("/other2", "x")]);
        if (i % 7 === 0) await b.subject.advance(110);
      }
    };
    const writing = write();
    let marked = 0;
    const seen: number[] = [];
    while (seen.length < 20) {
      const { value } = (await reader.next()) as { value: WatchBatch };
      if (value.events.length === 0) marked = Math.max(marked, value.revision);
      else {
        expect(value.revision).toBeGreaterThan(marked);
        seen.push(value.revision);
      }
    }
    await writing;
    const truth = await b.watch("/k", "/l", { fromRevision: first }).until(seen.at(-1) ?? 0);
    expect(seen).toEqual(truth.map((batch) => batch.revision));
  });
}

function watchEnds(it: Case): void {
  it("ends a waiting reader when the signal aborts, and leaves no listener behind", async (b) => {
    const reader = b.watch("/", "0");
    const waiting = reader.next();
    reader.stop();
    expect(await waiting).toMatchObject({ done: true });
    expect(await reader.next()).toMatchObject({ done: true });
    expect(getEventListeners(reader.abort.signal, "abort").length).toBe(0);
  });

  it("is over at once when the signal has aborted before", async (b) => {
    const signal = AbortSignal.abort();
    const batches: WatchBatch[] = [];
    for await (const batch of b.store.watch({ start: "", end: "", signal, progress: true })) batches.push(batch);
    expect(batches).toEqual([]);
    expect(getEventListeners(signal, "abort").length).toBe(0);
  });

  it("ends when the reader leaves its loop", async (b) => {
    const { signal } = new AbortController();
    await b.put("/a", "1");
    for await (const batch of b.store.watch({ start: "", end: "", signal, progress: true })) {
      expect(batch.events).toEqual([]);
      break;
    }
    expect(getEventListeners(signal, "abort").length).toBe(0);
  });

  it("leaves no listener on a signal that many watches share", async (b) => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) {
      const watch = b.store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
      await watch.return?.();
    }
    expect(getEventListeners(signal, "abort").length).toBe(0);
  });

  it("ends by an error without a listener", async (b) => {
    await b.put("/a", "1");
    const r = await b.put("/a", "2");
    await b.store.compact(r);
    const reader = b.watch("/", "0", { fromRevision: r - 1 });
    expect(await failureOf(reader.next())).toBeInstanceOf(CompactedError);
    expect(getEventListeners(reader.abort.signal, "abort").length).toBe(0);
  });

  it("gives a slow reader all it missed, as long as history is kept", async (b) => {
    const slow = b.watch("/", "0");
    const first = (await b.store.revision()) + 1;
    await slowDown(b, 3000);
    const batches = await slow.until(first + 2999);
    expect(batches.map((batch) => batch.revision)).toEqual(Array.from({ length: 3000 }, (_, i) => first + i));
  });

  it("tells a reader that is too slow for history, and holds up nobody", async (b) => {
    const slow = b.watch("/", "0");
    const first = await b.put("/a", "first");
    expect(await slow.line()).toBe(`${first} /a=first`);
    const quick = b.watch("/", "0");
    const reading = quick.until(first + 3000);
    await slowDown(b, 3000);
    expect((await reading).length).toBe(3000);
    await b.store.compact(await b.store.revision());
    const revisions: number[] = [];
    let error: unknown;
    try {
      for (const batch of await slow.until(first + 3000)) revisions.push(batch.revision);
    } catch (caught) {
      error = caught;
    }
    if (error !== undefined) expect(error).toBeInstanceOf(SlowWatcherError);
    else expect(revisions.length).toBe(3000);
  });
}

/** Commits `count` times, many at once. */
async function slowDown(b: Bench, count: number): Promise<void> {
  const value = Buffer.alloc(2000, "x");
  for (let done = 0; done < count; done += 250) {
    const keys = numbered("/slow/", 250);
    await Promise.all(keys.map((key) => b.commit({ kind: "put", key, value })));
  }
}

function expiry(it: Case): void {
  it("lets a key vanish when its time is up, not before", async (b) => {
    await b.put("/a", "kept");
    const r = await b.put("/ttl", "1", { ttlSeconds: 4 });
    const reader = b.watch("/", "0");
    await b.subject.advance(1500);
    expect(await b.text("/ttl")).toBe("1");
    const line = reader.line();
    await b.subject.advance(3000);
    expect(await line).toBe(`${r + 1} -/ttl<1`);
    expect(await b.text("/ttl")).toBeUndefined();
    expect(await b.text("/ttl", r)).toBe("1");
    expect(await b.keys()).toEqual(["/a"]);
  });

  it("forgets the deadline when the key is written without one, or deleted", async (b) => {
    const reader = b.watch("/", "0");
    const r = await b.put("/kept", "1", { ttlSeconds: 2 });
    await b.put("/deleted", "1", { ttlSeconds: 2 });
    await b.put("/kept", "2");
    await b.delete("/deleted");
    await b.put("/deleted", "2");
    await b.put("/last", "1", { ttlSeconds: 4 });
    const lines = reader.lines(7);
    await b.subject.advance(6000);
    expect((await lines)[6]).toBe(`${r + 6} -/last<1`);
    expect(await b.keys()).toEqual(["/deleted", "/kept"]);
  });

  it("takes the deadline of the last write", async (b) => {
    const r = await b.put("/a", "1", { ttlSeconds: 2 });
    const reader = b.watch("/", "0");
    await b.put("/a", "2", { ttlSeconds: 60 });
    await b.put("/b", "1", { ttlSeconds: 4 });
    const lines = reader.lines(3);
    await b.subject.advance(6000);
    expect((await lines)[2]).toBe(`${r + 3} -/b<1`);
    expect(await b.text("/a")).toBe("2");
  });

  it("lets many keys go", async (b) => {
    const keys = numbered("/ttl/", 40);
    await Promise.all(keys.map((key) => b.put(key, "x", { ttlSeconds: 2 })));
    const reader = b.watch("/ttl/", "/ttl0");
    const gone = new Set<string>();
    const reading = (async () => {
      while (gone.size < keys.length) {
        const result = await reader.next();
        for (const event of result.done ? [] : result.value.events) if (event.type === "delete") gone.add(event.key);
      }
    })();
    await b.subject.advance(4000);
    await reading;
    expect((await b.store.range({ start: "/ttl/", end: "/ttl0" })).count).toBe(0);
  });
}

function lifetime(it: Case): void {
  it("refuses everything once closed, and closes twice without harm", async (b) => {
    await b.put("/a", "1");
    await b.store.close();
    await b.store.close();
    await expect(b.store.get("/a")).rejects.toThrow(StoreClosedError);
    await expect(b.store.range({ start: "", end: "" })).rejects.toThrow(StoreClosedError);
    await expect(b.commit(put("/a", "2"))).rejects.toThrow(StoreClosedError);
    await expect(b.store.compact(1)).rejects.toThrow(StoreClosedError);
    await expect(b.store.revision()).rejects.toThrow(StoreClosedError);
    expect(await b.watch("", "").line()).toBe("done");
  });

  it("ends all watches when it closes", async (b) => {
    const readers = [b.watch("/", "0"), b.watch("/a", "/b", { progress: true })];
    await readers[1]?.next();
    const waiting = readers.map((reader) => reader.line());
    await b.store.close();
    expect(await Promise.all(waiting)).toEqual(["done", "done"]);
    for (const reader of readers) expect(getEventListeners(reader.abort.signal, "abort").length).toBe(0);
  });

  it("finishes what was asked before it closed", async (b) => {
    const pending = numbered("/k", 30).map((key) => b.put(key, key));
    await b.store.close();
    expect((await Promise.all(pending)).length).toBe(30);
  });

  it("keeps everything across a restart: values, revisions, history, compaction", async (b) => {
    const r1 = await b.put("/a", "1");
    await b.put("/gone", "1");
    const r3 = await b.put("/a", "2");
    await b.commit(put("/b", "1"), { kind: "delete", key: "/gone" });
    const r5 = await b.put("/a", "3");
    await b.store.compact(r3);
    const before = await b.store.range({ start: "", end: "" });
    if (!(await b.reopen())) return;
    expect(await b.store.revision()).toBe(r5);
    expect(await b.store.compactedRevision()).toBe(r3);
    const after = await b.store.range({ start: "", end: "" });
    expect(after.entries.map((entry) => ({ ...entry, value: textOf(entry) }))).toEqual(
      before.entries.map((entry) => ({ ...entry, value: textOf(entry) })),
    );
    expect((await b.store.get("/a")).entry).toMatchObject({ createRevision: r1, modRevision: r5 });
    expect(await b.text("/a", r3)).toBe("2");
    expect(await b.keys("", "", { revision: r3 })).toEqual(["/a", "/gone"]);
    await expect(b.store.get("/a", { revision: r1 })).rejects.toThrow(CompactedError);
    const lines = await b.watch("", "", { fromRevision: r3 + 1 }).lines(2);
    expect(lines).toEqual([`${r3 + 1} /b=1 -/gone<1`, `${r5} /a=3<2`]);
    expect(await b.put("/c", "1", { expect: 0 })).toBe(r5 + 1);
    expect(await b.commit(put("/a", "4", { expect: r3 }))).toMatchObject({ ok: false, current: { modRevision: r5 } });
  });

  it("keeps deadlines across a restart", async (b) => {
    const r = await b.put("/a", "1", { ttlSeconds: 3 });
    await b.put("/kept", "1", { ttlSeconds: 3 });
    await b.put("/kept", "2");
    if (!(await b.reopen())) return;
    expect(await b.text("/a")).toBe("1");
    const reader = b.watch("", "");
    const line = reader.line();
    await b.subject.advance(5000);
    expect(await line).toBe(`${r + 3} -/a<1`);
    expect(await b.keys()).toEqual(["/kept"]);
  });

  it("opens again and again", async (b) => {
    for (let i = 0; i < 5; i++) {
      const r = await b.put("/a", String(i));
      if (!(await b.reopen())) return;
      expect((await b.store.get("/a")).entry).toMatchObject({ modRevision: r });
    }
  });
}
