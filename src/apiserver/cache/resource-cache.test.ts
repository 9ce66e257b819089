import { describe, expect, it } from "vitest";
import { nextTurn, type TestEnv, testEnv } from "../../kit/index.ts";
import { isExpired, parseFieldSelector, parseLabelSelector } from "../../machinery/index.ts";
import { createMemoryStore } from "../../store/memory/index.ts";
import type { Store } from "../../store/index.ts";
import { readField } from "../catalog/fields.ts";
import type { Bookmark, Emission } from "./emission.ts";
import { Feed } from "./feed.ts";
import { ParseHints } from "./item.ts";
import { Predicate } from "./predicate.ts";
import { ResourceCache } from "./resource-cache.ts";
import type { CacheWatcher } from "./watcher.ts";

const PREFIX = "/registry/pods/";

interface Rig {
  readonly env: TestEnv;
  readonly store: Store;
  readonly feed: Feed;
  readonly cache: ResourceCache;
  put(key: string, labels?: Record<string, string>, spec?: object): Promise<number>;
  remove(key: string): Promise<number>;
}

function rig(trigger?: string): Rig {
  const env = testEnv();
  const store = createMemoryStore(env);
  const feed = new Feed(store, env);
  const options = { store, feed, env, hints: new ParseHints(), prefix: PREFIX, read: readField };
  const cache = new ResourceCache({ ...options, ...(trigger && { trigger }) });
  const commit = async (op: Parameters<Store["commit"]>[0][0]): Promise<number> => {
    const { revision } = await store.commit([op]);
    return revision;
  };
  return {
    env,
    store,
    feed,
    cache,
    put(key, labels = {}, spec = {}) {
      const [namespace, name] = key.split("/");
      const object = { kind: "Pod", apiVersion: "v1", metadata: { name, namespace, uid: key, labels }, spec };
      return commit({ kind: "put", key: PREFIX + key, value: Buffer.from(JSON.stringify(object)) });
    },
    remove: (key) => commit({ kind: "delete", key: PREFIX + key }),
  };
}

function select(options: { namespace?: string; labels?: string; fields?: string } = {}): Predicate {
  return new Predicate({
    namespace: options.namespace,
    labels: options.labels === undefined ? undefined : parseLabelSelector(options.labels),
    fields: options.fields === undefined ? undefined : parseFieldSelector(options.fields),
    read: readField,
  });
}

function line(event: Emission | Bookmark): string {
  return event.type === "BOOKMARK"
    ? `BOOKMARK ${event.revision}`
    : `${event.type} ${event.item.key}@${event.item.revision}`;
}

async function drain(watcher: CacheWatcher): Promise<string[]> {
  await nextTurn();
  const lines: string[] = [];
  const reading = (async () => {
    for (let batch = await watcher.next(); batch; batch = await watcher.next()) lines.push(...batch.map(line));
  })();
  watcher.end();
  await reading;
  return lines;
}

describe("ResourceCache", () => {
  it("reads its own writes, in key order, by namespace", async () => {
    const { cache, put } = rig();
    await put("b/1");
    await cache.ready();
    await put("a/2");
    const last = await put("a/1");
    await cache.fresh();
    expect(cache.snapshot(select()).items.map((item) => item.key)).toEqual(["a/1", "a/2", "b/1"]);
    expect(cache.snapshot(select({ namespace: "a" }))).toMatchObject({ revision: last });
    expect(cache.snapshot(select({ namespace: "a" })).items).toHaveLength(2);
    expect(cache.snapshot(select({ namespace: "a", fields: "metadata.name=2" })).items.map((i) => i.key)).toEqual([
      "a/2",
    ]);
    expect(cache.get("a/1")?.object.metadata.resourceVersion).toBe(String(last));
  });

  it("turns a change of labels into ADDED and DELETED for those who select by them", async () => {
    const { cache, put, remove } = rig();
    await cache.ready();
    const watcher = cache.watch({ predicate: select({ labels: "app=web" }), from: cache.revision });
    await put("a/1");
    const added = await put("a/1", { app: "web" });
    const modified = await put("a/1", { app: "web", x: "y" });
    const left = await put("a/1", { app: "db" });
    await remove("a/1");
    expect(await drain(watcher)).toEqual([`ADDED a/1@${added}`, `MODIFIED a/1@${modified}`, `DELETED a/1@${left}`]);
  });

  it("shows what an object last was when it is deleted, at the deletion's revision", async () => {
    const { cache, put, remove } = rig();
    await put("a/1", { last: "state" });
    await cache.ready();
    const watcher = cache.watch({ predicate: select(), from: cache.revision });
    const revision = await remove("a/1");
    await nextTurn();
    const [event] = (await watcher.next()) ?? [];
    expect(event).toMatchObject({ type: "DELETED" });
    expect((event as Emission).item.object.metadata).toMatchObject({
      labels: { last: "state" },
      resourceVersion: String(revision),
    });
  });

  it("gives everybody the same event object, so that it is encoded once", async () => {
    const { cache, put } = rig();
    await cache.ready();
    const watchers = [1, 2, 3].map(() => cache.watch({ predicate: select(), from: cache.revision }));
    await put("a/1");
    await nextTurn();
    const events = await Promise.all(watchers.map((w) => w.next()));
    expect(new Set(events.map((batch) => batch?.[0])).size).toBe(1);
  });

  it("finds watchers by the value of a trigger field, old and new", async () => {
    const { cache, put } = rig("spec.nodeName");
    await cache.ready();
    const from = cache.revision;
    const [one, two] = ["n1", "n2"].map((n) =>
      cache.watch({ predicate: select({ fields: `spec.nodeName=${n}` }), from }),
    );
    if (!one || !two) throw new Error("no watchers");
    const bound = await put("a/1", {}, { nodeName: "n1" });
    const moved = await put("a/1", {}, { nodeName: "n2" });
    expect(await drain(one)).toEqual([`ADDED a/1@${bound}`, `DELETED a/1@${moved}`]);
    expect(await drain(two)).toEqual([`ADDED a/1@${moved}`]);
  });

  it("resumes a watch from a revision, without a gap or a repetition", async () => {
    const { cache, put } = rig();
    await cache.ready();
    const first = await put("a/1");
    const second = await put("a/2");
    await cache.fresh();
    const watcher = cache.watch({ predicate: select(), from: first });
    const third = await put("a/3");
    expect(await drain(watcher)).toEqual([`ADDED a/2@${second}`, `ADDED a/3@${third}`]);
  });

  it("refuses to resume from before it began", async () => {
    const { cache, put } = rig();
    await put("a/1");
    await put("a/1", { x: "y" });
    await cache.ready();
    expect(() => cache.watch({ predicate: select(), from: 2 })).toThrow("too old resource version: 2 (3)");
  });

  it("marks the end of the initial events", async () => {
    const { cache, put } = rig();
    const one = await put("a/1");
    await cache.ready();
    const watcher = cache.watch({ predicate: select(), bookmarks: true, markInitialEnd: true });
    expect(await drain(watcher)).toEqual([`ADDED a/1@${one}`, `BOOKMARK ${one}`]);
  });

  it("sends bookmarks once a minute to those who want them", async () => {
    const { env, cache, put, store } = rig();
    await cache.ready();
    const watcher = cache.watch({ predicate: select(), from: cache.revision, bookmarks: true });
    const plain = cache.watch({ predicate: select(), from: cache.revision });
    await put("a/1");
    const { revision } = await store.commit([{ kind: "put", key: "/registry/other/x", value: new Uint8Array() }]);
    await nextTurn();
    await env.clock.advance(61_000);
    expect((await drain(watcher)).at(-1)).toBe(`BOOKMARK ${revision}`);
    expect(await drain(plain)).toHaveLength(1);
  });

  it("cuts a reader off that falls too far behind, and nobody else", async () => {
    const { cache, put } = rig();
    await cache.ready();
    const slow = cache.watch({ predicate: select(), from: cache.revision });
    for (let i = 0; i <= 10_000; i++) void put("a/1", { i: String(i) });
    await cache.fresh();
    expect(slow.ended).toBe(true);
    const other = cache.watch({ predicate: select(), from: cache.revision });
    const last = await put("a/2");
    expect(await drain(other)).toEqual([`ADDED a/2@${last}`]);
  });

  it("forgets events after a while, and says so to who comes late", async () => {
    const { env, cache, put } = rig();
    await cache.ready();
    const early = await put("a/1");
    for (let i = 0; i < 200; i++) await put("a/1", { i: String(i) });
    await cache.fresh();
    expect(() => cache.watch({ predicate: select(), from: early }).end()).not.toThrow();
    await env.clock.advance(76_000);
    await put("a/1");
    await cache.fresh();
    try {
      cache.watch({ predicate: select(), from: early });
      expect.unreachable();
    } catch (error) {
      expect(isExpired(error)).toBe(true);
    }
  });
});
