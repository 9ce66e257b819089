import { describe, expect, it } from "vitest";
import { Latch, testEnv } from "../kit/index.ts";
import { conflict } from "../machinery/index.ts";
import { createController } from "./controller.ts";

function setup(reconcile: (key: string) => Promise<{ requeueAfter?: number } | void>, workers = 1) {
  const env = testEnv();
  const errors: string[] = [];
  const log = { ...env.log, error: (m: string) => void errors.push(m), with: () => log };
  const synced = new Latch();
  const controller = createController({
    name: "c",
    env: { ...env, log },
    workers,
    informers: [{ whenSynced: (signal) => synced.wait(signal) }],
    reconcile,
  });
  const stop = new AbortController();
  const run = controller.run(stop.signal);
  return { env, errors, controller, synced, stop, run };
}

describe("createController", () => {
  it("works once its informers have synced, and stops cleanly", async () => {
    const seen: string[] = [];
    const t = setup(async (key) => void seen.push(key));
    t.controller.queue.add("a");
    await t.env.clock.settle();
    expect(seen).toEqual([]);
    t.synced.open();
    await t.controller.ready?.();
    await t.env.clock.settle();
    expect(seen).toEqual(["a"]);
    t.stop.abort();
    await t.run;
    expect(t.env.clock.pending).toBe(0);
  });

  it("retries failures later and later, and forgets them after a success", async () => {
    const times: number[] = [];
    let failures = 3;
    const t = setup(async () => {
      times.push(t.env.clock.monotonic());
      if (failures-- > 0)
        throw failures === 1 ? conflict({ group: "", resource: "pods" }, "x", "again") : new Error("no");
    });
    t.synced.open();
    t.controller.queue.add("a");
    await t.env.clock.advance(1000);
    expect(times).toEqual([0, 5, 15, 35]);
    expect(t.errors).toEqual(["Reconciliation failed", "Reconciliation failed"]);
    expect(t.controller.queue.numRequeues("a")).toBe(0);
    t.stop.abort();
    await t.run;
  });

  it("survives a reconcile that throws at once, and calls again when asked to", async () => {
    let calls = 0;
    const t = setup(() => {
      calls++;
      if (calls === 1) throw new Error("sync");
      return Promise.resolve(calls === 2 ? { requeueAfter: 60_000 } : undefined);
    });
    t.synced.open();
    t.controller.queue.add("a");
    await t.env.clock.advance(59_000);
    expect(calls).toBe(2);
    await t.env.clock.advance(2000);
    expect(calls).toBe(3);
    t.stop.abort();
    await t.run;
  });

  it("works on several keys at a time, never twice on one, and waits for them at the end", async () => {
    const gate = new Latch();
    let running = 0;
    const t = setup(async () => {
      running++;
      await gate.wait();
      running--;
    }, 2);
    t.synced.open();
    for (const key of ["a", "a", "b", "c"]) t.controller.queue.add(key);
    await t.env.clock.settle();
    expect(running).toBe(2);
    t.stop.abort();
    let ended = false;
    void t.run.then(() => (ended = true));
    await t.env.clock.settle();
    expect(ended).toBe(false);
    gate.open();
    await t.run;
    expect(running).toBe(0);
  });
});
