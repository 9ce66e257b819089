import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { testEnv } from "../kit/index.ts";
import { badRequest, failure, tooManyRequests } from "../machinery/index.ts";
import { connectionFailed } from "./connection-error.ts";
import { createClient } from "./create-client.ts";
import { FakeServer } from "./fake-server.fixture.ts";
import { createInformerFactory } from "./informer-factory.ts";
import type { InformerHandler } from "./informer-types.ts";

const PODS = "GET /api/v1/pods";
const WATCH_LIST = `${PODS}?watch=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true`;

function setup() {
  const env = testEnv();
  const errors: string[] = [];
  const log = { ...env.log, error: (m: string) => void errors.push(m), with: () => log };
  const server = new FakeServer<corev1.Pod>(resources.pods);
  const factory = createInformerFactory(createClient(server), { ...env, log });
  const informer = factory.informer(resources.pods);
  const seen: string[] = [];
  const stop = new AbortController();
  let running = Promise.resolve();
  const start = (): void => void (running = factory.run(stop.signal));
  return {
    env,
    server,
    factory,
    informer,
    seen,
    errors,
    handler: logTo(seen),
    start,
    sync: async () => {
      start();
      await factory.whenSynced();
    },
    stop: async () => {
      stop.abort(new Error("stop"));
      await running;
    },
    names: () => [...informer.lister.list()].map((p) => p.metadata.name),
  };
}

function logTo(seen: string[]): InformerHandler<corev1.Pod> {
  return {
    added: (o, initial) => void seen.push(`+${o.metadata.name}${initial ? "!" : ""}`),
    updated: (o, p) =>
      void seen.push(`~${o.metadata.name} ${p.metadata.resourceVersion}→${o.metadata.resourceVersion}`),
    deleted: (o) => void seen.push(`-${o.metadata.name}`),
  };
}

describe("informer", () => {
  it("fills by watch-list and follows the same watch", async () => {
    const t = setup();
    t.informer.handle(t.handler);
    t.server.put("a");
    t.server.put("b");
    expect(t.informer.synced).toBe(false);
    await t.sync();
    t.server.put("c");
    t.server.put("a");
    t.server.remove("b");
    await t.env.clock.settle();
    expect(t.seen).toEqual(["+a!", "+b!", "+c", "~a 1→4", "-b"]);
    expect(t.names()).toEqual(["a", "c"]);
    expect(t.informer.lister.get("default/a")?.metadata.resourceVersion).toBe("4");
    expect(t.server.takeRequests()).toEqual([WATCH_LIST]);
    await t.stop();
    expect(t.server.watches.size).toBe(0);
  });

  it("falls back to a paged list where watch-list is refused", async () => {
    const t = setup();
    t.server.intercept = (request) => {
      if (request.query?.["sendInitialEvents"]) throw badRequest("sendInitialEvents is forbidden for watch");
      return undefined;
    };
    for (let i = 0; i < 1200; i++) t.server.put(`p${i}`);
    await t.sync();
    await t.env.clock.settle();
    expect(t.informer.lister.size).toBe(1200);
    expect(t.server.takeRequests()).toEqual([
      WATCH_LIST,
      `${PODS}?limit=500&resourceVersion=0`,
      `${PODS}?limit=500&continue=500`,
      `${PODS}?limit=500&continue=1000`,
      `${PODS}?watch=true&resourceVersion=1200`,
    ]);
    await t.stop();
  });

  it("resumes a watch that ended from the last revision seen, bookmarks included", async () => {
    const t = setup();
    t.server.put("a");
    await t.sync();
    t.server.revision = 50;
    t.server.bookmark();
    await t.env.clock.settle();
    t.server.cut();
    await t.env.clock.settle();
    expect(t.server.takeRequests()).toEqual([WATCH_LIST, `${PODS}?watch=true&resourceVersion=50`]);
    t.server.cut(connectionFailed("reset"));
    await t.env.clock.settle();
    t.server.put("b");
    expect(t.server.takeRequests()).toEqual([]);
    await t.env.clock.advance(1600);
    expect(t.names()).toEqual(["a", "b"]);
    expect(t.server.takeRequests()).toEqual([`${PODS}?watch=true&resourceVersion=50`]);
    await t.stop();
  });

  it("takes the state anew when history is gone, and tells what changed meanwhile", async () => {
    const t = setup();
    t.informer.handle(t.handler);
    for (const name of ["same", "changed", "gone", "remade"]) t.server.put(name);
    await t.sync();
    t.seen.length = 0;
    t.server.intercept = (_, isWatch) => {
      if (isWatch) throw connectionFailed("refused");
      return undefined;
    };
    t.server.cut(connectionFailed("reset"));
    await t.env.clock.settle();
    t.server.put("changed");
    t.server.remove("gone");
    t.server.remove("remade");
    t.server.put("remade");
    t.server.put("new");
    t.server.compact();
    t.server.intercept = undefined;
    await t.env.clock.advance(60_000);
    expect(t.seen).toEqual(["-gone", "~changed 2→5", "-remade", "+remade", "+new"]);
    await t.stop();
  });

  it("backs off with growing delays while the server is away", async () => {
    const t = setup();
    const times: number[] = [];
    t.server.intercept = () => {
      times.push(t.env.clock.monotonic());
      throw connectionFailed("refused");
    };
    t.start();
    await t.env.clock.advance(300_000);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(800);
    expect(gaps[0]).toBeLessThan(1600);
    expect(Math.max(...gaps)).toBeLessThan(60_000);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(30_000);
    t.server.intercept = undefined;
    await t.env.clock.advance(60_000);
    expect(t.informer.synced).toBe(true);
    await t.stop();
  });

  it.each([
    ["429", tooManyRequests("slow down", 1)],
    ["500", failure({ code: 500, reason: "InternalError", message: "oops" })],
  ])("keeps its state and resumes after %s", async (_, error) => {
    const t = setup();
    t.informer.handle(t.handler);
    t.server.put("a");
    await t.sync();
    t.server.takeRequests();
    t.server.cut(error);
    await t.env.clock.advance(2000);
    expect(t.server.takeRequests()).toEqual([`${PODS}?watch=true&resourceVersion=1`]);
    expect(t.seen).toEqual(["+a!"]);
    await t.stop();
  });

  it("survives objects that make no sense, handlers that throw and index functions that throw", async () => {
    const t = setup();
    t.informer.handle({
      added: () => {
        throw new Error("handler bug");
      },
    });
    t.informer.addIndex("bad", () => {
      throw new Error("index bug");
    });
    t.informer.handle(t.handler);
    t.server.put("a");
    await t.sync();
    for (const watch of t.server.watches) {
      watch.push({ type: "ADDED", object: undefined });
      watch.push({ type: "ADDED", object: { metadata: {} } });
    }
    t.server.put("b");
    await t.env.clock.settle();
    expect(t.seen).toEqual(["+a!", "+b"]);
    expect([...t.informer.lister.byIndex("bad", "x")]).toEqual([]);
    expect(t.errors.filter((e) => e === "Ignoring an object without a name")).toHaveLength(2);
    expect(t.errors).toContain("Informer handler failed");
    await t.stop();
  });

  it("gives a late handler everything first, and lets handlers leave", async () => {
    const t = setup();
    t.server.put("a");
    t.server.put("b");
    await t.sync();
    const leave = t.informer.handle(t.handler);
    expect(t.seen).toEqual(["+a!", "+b!"]);
    leave();
    t.server.put("c");
    await t.env.clock.settle();
    expect(t.seen).toEqual(["+a!", "+b!"]);
    await t.stop();
  });

  it("indexes by namespace and by function, through changes", async () => {
    const t = setup();
    t.informer.addIndex("node", (pod) => [pod.spec.nodeName ?? ""]);
    t.server.put("a", { spec: { nodeName: "n1" } }, "x");
    t.server.put("b", { spec: { nodeName: "n1" } }, "y");
    await t.sync();
    const on = (node: string) => [...t.informer.lister.byIndex("node", node)].map((p) => p.metadata.name);
    expect([on("n1"), on("n2")]).toEqual([["a", "b"], []]);
    expect([...t.informer.lister.list("x")].map((p) => p.metadata.name)).toEqual(["a"]);
    t.server.put("a", { spec: { nodeName: "n2" } }, "x");
    t.server.remove("b", "y");
    await t.env.clock.settle();
    expect([on("n1"), on("n2")]).toEqual([[], ["a"]]);
    expect([...t.informer.lister.list("y")]).toEqual([]);
    expect(() => t.informer.lister.byIndex("none", "x")).toThrow('no index "none" was added');
    expect(() => t.informer.addIndex("node", () => [])).toThrow('index "node" exists already');
    await t.stop();
  });

  it("shares informers, and starts those asked for later", async () => {
    const t = setup();
    expect(t.factory.informer(resources.pods)).toBe(t.informer);
    const other = t.factory.informer(resources.pods, { labelSelector: "a=b" });
    expect(other).not.toBe(t.informer);
    await t.sync();
    expect(other.synced).toBe(true);
    t.factory.drop(other);
    await t.env.clock.settle();
    expect(t.server.watches.size).toBe(1);
    expect(t.factory.informer(resources.pods, { labelSelector: "a=b" })).not.toBe(other);
    const late = t.factory.informer(resources.pods, { namespace: "x" });
    await late.whenSynced();
    await t.stop();
  });
});
