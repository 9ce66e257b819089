import { describe, expect, it } from "vitest";
import { testEnv } from "../../kit/index.ts";
import type { Op, Store, WatchBatch } from "../contract.ts";
import { CorruptStoreError, DiskFullError } from "../errors.ts";
import { openEmbeddedStore } from "./index.ts";
import { MeddledDatabase, scratchDirectory } from "./testing.ts";

const put = (key: string, text: string, expected?: number): Op => ({
  kind: "put",
  key,
  value: Buffer.from(text),
  ...(expected !== undefined && { expect: expected }),
});

interface Rig {
  readonly store: Store;
  readonly database: MeddledDatabase;
  readonly env: ReturnType<typeof testEnv>;
  text(key: string): Promise<string | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function rig(path: string, retention = {}): Promise<Rig> {
  const env = testEnv();
  let database: MeddledDatabase | undefined;
  const store = await openEmbeddedStore({
    path,
    env,
    retention,
    wrap: (inner) => (database = new MeddledDatabase(inner)),
  });
  if (!database) throw new Error("the store did not use the database it was given");
  const text = async (key: string): Promise<string | undefined> => {
    const { entry } = await store.get(key);
    return entry && Buffer.from(entry.value).toString();
  };
  return { store, database, env, text, [Symbol.asyncDispose]: () => store.close() };
}

/** Whether `promise` settles without the gate being opened. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  const patience = (async () => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    return "waiting";
  })();
  const [outcome] = await Promise.allSettled([Promise.race([promise, patience])]);
  return outcome.status === "rejected" || outcome.value !== "waiting";
}

describe("nothing is told before it is durable", () => {
  it("not the success of a commit, not to readers, not to watchers", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    await r.store.commit([put("/a", "old")]);
    const { signal } = new AbortController();
    const watch = r.store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
    const batch = watch.next();
    r.database.shut();
    const commit = r.store.commit([put("/a", "new")]);
    expect(await settles(Promise.race([commit, batch]))).toBe(false);
    expect(await r.text("/a")).toBe("old");
    expect(await r.store.revision()).toBe(2);
    r.database.open();
    expect(await commit).toEqual({ ok: true, revision: 3 });
    expect(await r.text("/a")).toBe("new");
    expect(((await batch).value as WatchBatch).revision).toBe(3);
  });

  it("not a refusal that rests on a commit which is under way", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    r.database.shut();
    const first = r.store.commit([put("/a", "1", 0)]);
    const refused = r.store.commit([put("/a", "2", 0)]);
    const nothing = r.store.commit([{ kind: "delete", key: "/none" }]);
    expect(await settles(Promise.race([refused, nothing]))).toBe(false);
    r.database.open();
    expect(await first).toEqual({ ok: true, revision: 2 });
    const answer = await refused;
    expect(answer).toMatchObject({ ok: false, revision: 2, failed: 0, current: { modRevision: 2, createRevision: 2 } });
    expect(!answer.ok && Buffer.from(answer.current?.value ?? []).toString()).toBe("1");
    expect(await nothing).toEqual({ ok: true, revision: 2 });
  });

  it("and a refusal is thought over when what it rested on failed", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    r.database.shut();
    const first = r.store.commit([put("/a", "1", 0)]);
    const second = r.store.commit([put("/a", "2", 0)]);
    r.database.failure = new DiskFullError(scratch.path);
    r.database.open();
    const lost = await Promise.allSettled([first, second]);
    expect(lost).toMatchObject([{ reason: { code: "DiskFull" } }, { reason: { code: "DiskFull" } }]);
    r.database.failure = undefined;
    expect(await r.store.commit([put("/a", "3", 0)])).toEqual({ ok: true, revision: 2 });
  });
});

describe("commits go to the disk in groups", () => {
  it("what comes during a write goes with the next", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    r.database.writes.length = 0;
    const commits = Array.from({ length: 500 }, (_, i) => r.store.commit([put(`/${i}`, "x")]));
    await Promise.all(commits);
    expect(r.database.writes.length).toBeLessThanOrEqual(3);
  });

  it("decides each commit upon those before it in the group", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    const results = await Promise.all([
      r.store.commit([put("/a", "1", 0)]),
      r.store.commit([put("/a", "2", 2)]),
      r.store.commit([{ kind: "delete", key: "/a", expect: 3 }]),
      r.store.commit([put("/a", "4", 0), put("/b", "4", 0)]),
      r.store.commit([put("/a", "5", 4)]),
    ]);
    expect(results).toEqual([
      { ok: true, revision: 2 },
      { ok: true, revision: 3 },
      { ok: true, revision: 4 },
      { ok: true, revision: 5 },
      {
        ok: false,
        revision: 5,
        failed: 0,
        current: { key: "/a", value: Buffer.from("4"), createRevision: 5, modRevision: 5 },
      },
    ]);
  });
});

describe("a write that fails", () => {
  it("rejects its commits and those that wait, keeps nothing of them, goes on reading, and recovers", async () => {
    using scratch = scratchDirectory();
    {
      await using r = await rig(scratch.path);
      await r.store.commit([put("/a", "kept")]);
      r.database.failure = new DiskFullError(scratch.path);
      const lost = [r.store.commit([put("/a", "lost")]), r.store.commit([put("/b", "lost")])];
      for (const result of await Promise.allSettled(lost)) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "DiskFull" } });
      }
      expect(await r.text("/a")).toBe("kept");
      expect(await r.text("/b")).toBeUndefined();
      expect(await r.store.revision()).toBe(2);
      r.database.failure = undefined;
      expect(await r.store.commit([put("/b", "again", 0)])).toEqual({ ok: true, revision: 3 });
      expect(r.database.recoveries).toBe(1);
    }
    await using again = await rig(scratch.path);
    expect([await again.text("/a"), await again.text("/b")]).toEqual(["kept", "again"]);
  });

  it("is taken back when it reached the disk after all", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    const write = r.database.inner.write.bind(r.database.inner);
    r.database.inner.write = async (batch) => {
      await write(batch);
      r.database.inner.write = write;
      throw new DiskFullError(scratch.path);
    };
    await expect(r.store.commit([put("/a", "lost")])).rejects.toThrow(DiskFullError);
    expect(await r.store.commit([put("/b", "kept")])).toEqual({ ok: true, revision: 2 });
    expect([...r.database.records()].map((record) => record.key)).toEqual(["/b"]);
  });

  it("does not lose an expiry", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    const { signal } = new AbortController();
    await r.store.commit([{ kind: "put", key: "/a", value: Buffer.from("x"), ttlSeconds: 5 }]);
    const watch = r.store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
    r.database.failure = new DiskFullError(scratch.path);
    await r.env.clock.advance(5500);
    expect(await r.text("/a")).toBe("x");
    r.database.failure = undefined;
    const batch = watch.next();
    await r.env.clock.advance(1000);
    expect((await batch).value).toMatchObject({ revision: 3, events: [{ type: "delete", key: "/a" }] });
  });

  it("leaves a compaction to be noted later", async () => {
    using scratch = scratchDirectory();
    {
      await using r = await rig(scratch.path);
      for (let i = 0; i < 5; i++) await r.store.commit([put("/a", String(i))]);
      r.database.failure = new DiskFullError(scratch.path);
      await expect(r.store.compact(4)).rejects.toThrow(DiskFullError);
      r.database.failure = undefined;
      await r.store.compact(5);
    }
    await using again = await rig(scratch.path);
    expect(await again.store.compactedRevision()).toBe(5);
    expect(await again.text("/a")).toBe("4");
  });
});

describe("compaction on disk", () => {
  it("takes out what nobody can read, in portions", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    for (let round = 0; round < 6; round++) {
      await Promise.all(Array.from({ length: 1000 }, (_, i) => r.store.commit([put(`/${i}`, String(round))])));
    }
    await r.store.compact(await r.store.revision());
    await expect.poll(() => r.database.counts().recordCount).toBe(1001);
    expect(Math.max(...r.database.writes.map((batch) => batch.removes.length))).toBeLessThanOrEqual(2048);
    expect((await r.store.range({ start: "", end: "" })).entries.length).toBe(1000);
  });

  it("waits for a range that is being read", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    await Promise.all(Array.from({ length: 5000 }, (_, i) => r.store.commit([put(`/${i}`, "old")])));
    const reading = r.store.range({ start: "", end: "" });
    await Promise.all(Array.from({ length: 5000 }, (_, i) => r.store.commit([put(`/${i}`, "new")])));
    await r.store.compact(await r.store.revision());
    const { entries } = await reading;
    expect(entries.filter((entry) => Buffer.from(entry.value).toString() === "old").length).toBe(5000);
  });

  it("is finished at the next start when it was interrupted", async () => {
    using scratch = scratchDirectory();
    const before = await (async () => {
      await using r = await rig(scratch.path);
      for (let round = 0; round < 3; round++) {
        await Promise.all(Array.from({ length: 3000 }, (_, i) => r.store.commit([put(`/${i}`, String(round))])));
      }
      await r.store.commit(Array.from({ length: 100 }, (_, i) => ({ kind: "delete", key: `/${i}` }) as const));
      await r.store.commit([put("/last", "x")]);
      await r.store.compact(await r.store.revision());
      return await r.store.range({ start: "", end: "" });
    })();
    await using r = await rig(scratch.path);
    await expect.poll(() => r.database.counts().recordCount).toBe(2901);
    const after = await r.store.range({ start: "", end: "" });
    expect(after.entries.map((entry) => entry.key)).toEqual(before.entries.map((entry) => entry.key));
    expect(after.revision).toBe(before.revision);
  });

  it("follows by itself from the bounds on history", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path, { maxCommits: 200 });
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: 100 }, () => r.store.commit([put("/a", String(i))])));
    }
    expect((await r.store.revision()) - (await r.store.compactedRevision())).toBeLessThan(210);
    await expect.poll(() => r.database.counts().recordCount).toBeLessThan(220);
  });
});

describe("what is read is checked", () => {
  it("a value that changed or is gone is a fault that names its key; the others are served", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    await r.store.commit([put("/bad", "abc")]);
    await r.store.commit([put("/good", "abc")]);
    for (const broken of [Buffer.from("abd"), Buffer.from("abcd"), undefined]) {
      r.database.onRead = (id, value) => (id.revision === 2 ? broken : value);
      await expect(r.store.get("/bad")).rejects.toThrow(CorruptStoreError);
      await expect(r.store.get("/bad")).rejects.toThrow(/"\/bad" at revision 2/);
      await expect(r.store.range({ start: "", end: "" })).rejects.toThrow(CorruptStoreError);
      expect(await r.text("/good")).toBe("abc");
    }
  });

  it("a watch breaks off rather than leaving out what it cannot read", async () => {
    using scratch = scratchDirectory();
    await using r = await rig(scratch.path);
    const { signal } = new AbortController();
    await r.store.commit([put("/bad", "abc")]);
    const live = r.store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
    const late = r.store.watch({ start: "", end: "", fromRevision: 2, signal })[Symbol.asyncIterator]();
    r.database.onRead = () => Buffer.from("abd");
    await r.store.commit([put("/bad", "new")]);
    await expect(live.next()).rejects.toThrow(CorruptStoreError);
    await expect(late.next()).rejects.toThrow(CorruptStoreError);
    expect((await live.next()).done).toBe(true);
  });
});
