import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

describe("VirtualClock", () => {
  it("fires timers by due time, then by creation", async () => {
    const clock = new VirtualClock(1000);
    const fired: string[] = [];
    clock.setTimer(20, () => fired.push(`c@${clock.now()}`));
    clock.setTimer(10, () => fired.push(`a@${clock.now()}`));
    clock.setTimer(10, () => fired.push(`b@${clock.now()}`));
    expect(clock.pending).toBe(3);
    await clock.advance(15);
    expect(fired).toEqual(["a@1010", "b@1010"]);
    expect([clock.now(), clock.monotonic(), clock.nextDue]).toEqual([1015, 15, 1020]);
    await clock.advance(5);
    expect(fired).toEqual(["a@1010", "b@1010", "c@1020"]);
  });

  it("lets promises and immediates settle between firings, and fires timers they set", async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`slept@${clock.now()}`);
      }
    })();
    clock.setTimer(20, () => seen.push(`timer@${clock.now()}`));
    await clock.advance(30);
    await loop;
    expect(seen).toEqual(["slept@10", "timer@20", "slept@20", "slept@30"]);
  });

  it("forgets cancelled timers and leaves no listener on a signal", async () => {
    const clock = new VirtualClock();
    const timer = clock.setTimer(1, () => expect.unreachable());
    timer.cancel();
    timer.cancel();
    const abort = new AbortController();
    const sleep = clock.sleep(1, abort.signal);
    abort.abort(new Error("enough"));
    await expect(sleep).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow("enough");
    await clock.advance(10);
  });

  it("serialises advances", async () => {
    const clock = new VirtualClock(0);
    await Promise.all([clock.advance(5), clock.advance(7)]);
    expect(clock.now()).toBe(12);
  });

  it("advances until a condition holds, or the limit is reached", async () => {
    const clock = new VirtualClock(0);
    let done = false;
    clock.setTimer(500, () => void (done = true));
    clock.setTimer(900, () => undefined);
    expect(await clock.advanceUntil(() => done)).toBe(true);
    expect(clock.now()).toBe(500);
    expect(await clock.advanceUntil(() => false, 1000)).toBe(false);
    expect(clock.now()).toBe(1500);
  });
});
