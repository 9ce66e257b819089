import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

const clock = { now: () => Date.UTC(2026, 0, 31, 15, 4, 5, 67) };

describe("createLogger", () => {
  it("writes klog-like lines", () => {
    const lines: string[] = [];
    const log = createLogger({ write: (l) => lines.push(l), clock }).with({ component: "scheduler" });
    log.info("Bound pod", { pod: "default/web", tries: 2, none: undefined });
    log.with({ node: "n1" }).error("Binding failed", { error: new Error("no", { cause: new Error("why") }) });
    log.debug("never");
    expect(lines).toEqual([
      'I0131 15:04:05.067000 scheduler] Bound pod pod="default/web" tries=2\n',
      'E0131 15:04:05.067000 scheduler] Binding failed node="n1" error="no: why"\n',
    ]);
  });

  it("writes JSON lines and survives what cannot be printed", () => {
    const lines: string[] = [];
    const log = createLogger({ write: (l) => lines.push(l), clock, format: "json", level: "debug" });
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    log.debug("a", { n: 1n, e: new Error("x"), set: new Set([1]) });
    log.warn("b", { loop });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      ts: "2026-01-31T15:04:05.067Z",
      level: "debug",
      msg: "a",
      n: "1",
      e: "x",
      set: [1],
    });
    expect(lines[1]).toBe('"[unprintable]"\n');
  });

  it("lets no control character through", () => {
    const lines: string[] = [];
    createLogger({ write: (l) => lines.push(l), clock }).info("x\u001b[2J", { name: "a\nb\u009b31m" });
    expect(lines[0]).toBe('I0131 15:04:05.067000 k8ts] x\\u001b[2J name="a\\nb\\u009b31m"\n');
  });
});
