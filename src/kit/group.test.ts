import { describe, expect, it } from "vitest";
import type { Component } from "./component.ts";
import { Latch, onceAborted } from "./deferred.ts";
import { Group } from "./group.ts";
import { VirtualClock } from "./virtual-clock.ts";

function part(name: string, log: string[], over: Partial<Component> = {}): Component {
  return {
    name,
    run: async (signal) => {
      log.push(`+${name}`);
      await onceAborted(signal);
      log.push(`-${name}`);
    },
    ...over,
  };
}

describe("Group", () => {
  it("starts in order, each after the one before is ready, and stops in reverse", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const aReady = new Latch();
    const group = new Group([part("a", log, { ready: (s) => aReady.wait(s) }), part("b", log), part("c", log)], {
      clock,
    });
    const stop = new AbortController();
    const run = group.run(stop.signal);
    await clock.settle();
    expect(log).toEqual(["+a"]);
    aReady.open();
    await group.ready();
    expect(log).toEqual(["+a", "+b", "+c"]);
    stop.abort();
    await run;
    expect(log).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
    expect(clock.pending).toBe(0);
  });

  it("stops all at the first failure and names the component", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const fuse = new Latch();
    const bad = part("bad", log, {
      run: async () => {
        await fuse.wait();
        throw new Error("disk on fire");
      },
    });
    const run = new Group([part("a", log), bad, part("c", log)], { clock }).run(new AbortController().signal);
    const failed = expect(run).rejects.toMatchObject({
      code: "ComponentFailed",
      message: 'component "bad" failed: disk on fire',
      details: { component: "bad" },
    });
    await clock.settle();
    fuse.open();
    await failed;
    expect(log).toEqual(["+a", "+c", "-c", "-a"]);
  });

  it("fails when a component does not become ready in time", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const never = part("slow", log, { ready: () => new Promise(() => undefined) });
    const run = new Group([part("a", log), never, part("c", log)], { clock, readyTimeout: 5000 }).run(
      new AbortController().signal,
    );
    const failed = expect(run).rejects.toThrow('component "slow" failed: not ready within 5 s');
    await clock.advance(5000);
    await failed;
    expect(log).toEqual(["+a", "+slow", "-slow", "-a"]);
  });

  it("gives up on what does not stop, names it, and still stops the others", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const stuck = part("stuck", log, { run: () => new Promise(() => undefined) });
    const stop = new AbortController();
    const group = new Group([part("a", log), stuck, part("c", log)], { clock, stopTimeout: 1000 });
    const run = group.run(stop.signal);
    await group.ready();
    stop.abort();
    const failed = expect(run).rejects.toThrow("not stopped within 1 s: stuck");
    await clock.advance(2000);
    await failed;
    expect(log).toEqual(["+a", "+c", "-c", "-a"]);
  });

  it("ends by itself when all components have finished", async () => {
    const clock = new VirtualClock();
    const once = (name: string): Component => ({ name, run: () => Promise.resolve() });
    await new Group([once("a"), once("b")], { clock }).run(new AbortController().signal);
  });
});
