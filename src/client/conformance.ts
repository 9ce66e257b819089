import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { type Env, createEnv, nextTurn, silent } from "../kit/index.ts";
import { isAlreadyExists, isBadRequest, isConflict, isInvalid, isNotFound, statusErrorIn } from "../machinery/index.ts";
import type { Client, ResourceClient, TypedWatchEvent } from "./client.ts";
import { createClient } from "./create-client.ts";
import { createInformerFactory } from "./informer-factory.ts";
import { listAll, listPages } from "./pager.ts";
import type { Transport } from "./transport.ts";

/** A transport to an API server that is empty but for namespace `default`, as an administrator. */
export interface ConformanceSubject extends AsyncDisposable {
  readonly transport: Transport;
  /** What informers on it shall run with; default the real clock. */
  readonly env?: Env;
}

/** What the tests of one subject share. */
interface Bench {
  readonly subject: ConformanceSubject;
  readonly client: Client;
  readonly maps: ResourceClient<corev1.ConfigMap>;
}

/** What every transport must do, whatever lies between it and the server. Each test gets a server of its own. */
export function describeTransport(name: string, start: () => Promise<ConformanceSubject>): void {
  describe(`transport: ${name}`, () => {
    let bench: Bench;
    beforeEach(async () => {
      const subject = await start();
      const client = createClient(subject.transport);
      bench = { subject, client, maps: client.resource(resources.configmaps) };
    });
    afterEach(() => bench.subject[Symbol.asyncDispose]());
    describe("objects", () => objects(() => bench));
    describe("failures", () => failures(() => bench));
    describe("lists", () => lists(() => bench));
    describe("watches", () => watches(() => bench));
    it("feeds informers that end up equal to the server", () => informers(bench));
  });
}

const at = (name: string) => ({ namespace: "default", name });

function put(
  { maps }: Bench,
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): Promise<corev1.ConfigMap> {
  return maps.create({ metadata: { ...at(name), labels }, data });
}

function objects(bench: () => Bench): void {
  it("are created, read, updated, patched and deleted", async () => {
    const { maps } = bench();
    const created = await put(bench(), "a", { text: 'gr\u00fc\u00df "dich"\n\u{1f600}' });
    expect(created).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", metadata: at("a") });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    const read = await maps.get(at("a"));
    expect(read).toEqual(created);
    const updated = await maps.update({ ...read, data: { x: "1" } });
    expect(updated.data).toEqual({ x: "1" });
    expect(updated.metadata.resourceVersion).not.toBe(read.metadata.resourceVersion);
    await maps.patch(at("a"), { type: "merge", body: { data: { y: "2" } } });
    await maps.patch(at("a"), { type: "json", body: [{ op: "remove", path: "/data/x" }] });
    const patched = await maps.patch(at("a"), { type: "strategic", body: { data: { z: "3" } } });
    expect(patched.data).toEqual({ y: "2", z: "3" });
    await maps.delete(at("a"));
    expect(isNotFound(await maps.get(at("a")).catch((e: unknown) => e))).toBe(true);
  });

  it("may have names that paths must encode", async () => {
    const { maps } = bench();
    for (const name of ["a b", "x#?&=", "gr\u00fcn"]) {
      await expect(maps.get(at(name))).rejects.toThrow(`configmaps "${name}" not found`);
    }
  });

  it("are not created by a dry run", async () => {
    const { maps } = bench();
    await maps.create({ metadata: at("dry") }, { dryRun: true });
    expect(isNotFound(await maps.get(at("dry")).catch((e: unknown) => e))).toBe(true);
  });
}

function failures(bench: () => Bench): void {
  it("are StatusErrors with upstream's reasons and messages", async () => {
    const { maps } = bench();
    const missing: unknown = await maps.get(at("none")).catch((e: unknown) => e);
    expect(isNotFound(missing)).toBe(true);
    expect(statusErrorIn(missing)).toMatchObject({
      code: 404,
      message: 'configmaps "none" not found',
      status: { kind: "Status", status: "Failure", details: { name: "none", kind: "configmaps" } },
    });
    const first = await put(bench(), "a");
    expect(isAlreadyExists(await put(bench(), "a").catch((e: unknown) => e))).toBe(true);
    await maps.update({ ...first, data: { x: "1" } });
    const stale: unknown = await maps.update({ ...first, data: { x: "2" } }).catch((e: unknown) => e);
    expect(isConflict(stale)).toBe(true);
    const bad: unknown = await put(bench(), "Not_A_Name").catch((e: unknown) => e);
    expect(isInvalid(bad)).toBe(true);
    expect(statusErrorIn(bad)?.status.details?.causes?.[0]?.field).toBe("metadata.name");
  });

  it("of a selector reach lists and watches alike", async () => {
    const { maps } = bench();
    const list: unknown = await maps.list({ labelSelector: "a=(" }).catch((e: unknown) => e);
    expect(isBadRequest(list)).toBe(true);
    const watch: unknown = await first(maps.watch({ labelSelector: "a=(" })).catch((e: unknown) => e);
    expect(isBadRequest(watch)).toBe(true);
  });

  it("of an unknown path are 404", async () => {
    const request = bench().subject.transport.request({ method: "GET", path: "/apis/none/v1/things" });
    await expect(request).rejects.toMatchObject({ code: 404 });
  });
}

function lists(bench: () => Bench): void {
  it("select by namespace and labels", async () => {
    const { maps } = bench();
    await put(bench(), "a", {}, { app: "x" });
    await put(bench(), "b", {}, { app: "y" });
    await put(bench(), "c");
    const names = async (options: Parameters<typeof maps.list>[0]) =>
      (await maps.list({ namespace: "default", ...options })).items.map((o) => o.metadata.name);
    expect(await names({ labelSelector: "app in (x, y)" })).toEqual(["a", "b"]);
    expect(await names({ labelSelector: "app!=x" })).toEqual(["b", "c"]);
    expect(await names({ fieldSelector: "metadata.name=c" })).toEqual(["c"]);
    const all = await maps.list();
    expect(all.items.every((o) => o.kind === "ConfigMap" && o.apiVersion === "v1")).toBe(true);
    expect(Number(all.metadata.resourceVersion)).toBeGreaterThan(0);
  });

  it("come in pages of one moment", async () => {
    const { maps } = bench();
    for (let i = 0; i < 7; i++) await put(bench(), `m${i}`);
    const seen: string[][] = [];
    const versions = new Set<string>();
    for await (const page of listPages(maps, { namespace: "default", limit: 3 })) {
      seen.push(page.items.map((o) => o.metadata.name));
      versions.add(page.metadata.resourceVersion);
      await put(bench(), `m-late-${seen.length}`);
    }
    expect(seen).toEqual([["m0", "m1", "m2"], ["m3", "m4", "m5"], ["m6"]]);
    expect(versions.size).toBe(1);
    expect((await listAll(maps, { namespace: "default", limit: 2 })).items).toHaveLength(10);
  });

  it("are deleted as a whole", async () => {
    const { maps } = bench();
    await put(bench(), "a", {}, { app: "x" });
    await put(bench(), "b");
    await maps.deleteCollection({ namespace: "default", labelSelector: "app=x" });
    expect((await maps.list({ namespace: "default" })).items.map((o) => o.metadata.name)).toEqual(["b"]);
  });
}

function watches(bench: () => Bench): void {
  it("tell every change after a revision, in order, and can be resumed", async () => {
    const { maps } = bench();
    const { metadata } = await maps.list({ namespace: "default" });
    const a = await put(bench(), "a");
    await maps.update({ ...a, data: { x: "1" } });
    await put(bench(), "b");
    await maps.delete(at("a"));
    const events = await take(maps.watch({ namespace: "default", resourceVersion: metadata.resourceVersion }), 4);
    expect(events.map(told)).toEqual(["ADDED a", "MODIFIED a", "ADDED b", "DELETED a"]);
    const versions = events.map((e) => Number(e.type === "BOOKMARK" ? 0 : e.object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((x, y) => x - y));
    const rest = await take(maps.watch({ namespace: "default", resourceVersion: String(versions[1]) }), 2);
    expect(rest.map(told)).toEqual(["ADDED b", "DELETED a"]);
  });

  it("tell what happens while they are open", async () => {
    const { maps } = bench();
    const { metadata } = await maps.list();
    const events = maps.watch({ namespace: "default", resourceVersion: metadata.resourceVersion });
    const reading = take(events, 2);
    await nextTurn();
    await put(bench(), "a", {}, { app: "x" });
    await put(bench(), "b");
    expect((await reading).map(told)).toEqual(["ADDED a", "ADDED b"]);
  });

  it("follow a selector: what no longer matches is deleted", async () => {
    const { maps } = bench();
    const { metadata } = await maps.list();
    const a = await put(bench(), "a", {}, { app: "x" });
    await maps.update({ ...a, metadata: { ...a.metadata, labels: { app: "y" } } });
    const events = maps.watch({ labelSelector: "app=x", resourceVersion: metadata.resourceVersion });
    expect((await take(events, 2)).map(told)).toEqual(["ADDED a", "DELETED a"]);
  });

  it("begin with the whole state when asked to", async () => {
    const { maps } = bench();
    await put(bench(), "a");
    await put(bench(), "b");
    const events = await take(
      maps.watch({
        namespace: "default",
        sendInitialEvents: true,
        resourceVersionMatch: "NotOlderThan",
        allowWatchBookmarks: true,
      }),
      3,
    );
    expect(events.map(told)).toEqual(["ADDED a", "ADDED b", "BOOKMARK"]);
    expect(events[2]).toMatchObject({ initialEventsEnd: true });
  });

  it("end with the reason when aborted, and quietly when left", async () => {
    const { maps } = bench();
    const reason = new Error("enough");
    const abort = new AbortController();
    const { metadata } = await maps.list();
    const options = { namespace: "default", resourceVersion: metadata.resourceVersion };
    const reading = take(maps.watch({ ...options, signal: abort.signal }), 2);
    const failed = expect(reading).rejects.toBe(reason);
    await put(bench(), "a");
    abort.abort(reason);
    await failed;
    await expect(first(maps.watch({ ...options, signal: abort.signal }))).rejects.toBe(reason);
    await expect(maps.list({ signal: abort.signal })).rejects.toBe(reason);
    expect(told(await first(maps.watch(options)))).toBe("ADDED a");
  });
}

async function informers(bench: Bench): Promise<void> {
  const { subject, client, maps } = bench;
  const env = subject.env ?? createEnv({ log: silent });
  const factory = createInformerFactory(client, env);
  const informer = factory.informer(resources.configmaps, { namespace: "default" });
  await put(bench, "before");
  const stop = new AbortController();
  const run = factory.run(stop.signal);
  await factory.whenSynced();
  const a = await put(bench, "a");
  await maps.update({ ...a, data: { x: "1" } });
  await put(bench, "b");
  await maps.delete(at("before"));
  const names = (): string[] => [...informer.lister.list()].map((o) => o.metadata.name).toSorted();
  await expect.poll(names).toEqual(["a", "b"]);
  expect(informer.lister.get("default/a")).toEqual(await maps.get(at("a")));
  stop.abort();
  await run;
}

function told(event: TypedWatchEvent<corev1.ConfigMap>): string {
  return event.type === "BOOKMARK" ? "BOOKMARK" : `${event.type} ${event.object.metadata.name}`;
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  const [item] = await take(items, 1);
  if (item === undefined) throw new Error("the stream ended without an item");
  return item;
}
