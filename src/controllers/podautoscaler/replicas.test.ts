import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { at, EPOCH, pod } from "../fixtures/objects.ts";
import {
  type PodMetrics,
  replicasForAverage,
  replicasForShare,
  replicasForUtilization,
  replicasForValue,
  type Situation,
} from "./replicas.ts";

const NOW = EPOCH + 3_600_000;
const tolerances = { up: 0.1, down: 0.1 };

/** Pods that each request one CPU; `u` not ready since ever, `p` pending, `d` being deleted. */
function pods(marks: string): corev1.Pod[] {
  return Array.from(marks, (mark, i): corev1.Pod => {
    const requests = { cpu: "1" };
    const parts: Parameters<typeof pod>[1] = {
      spec: { containers: [{ name: "main", image: "demo", resources: { requests } }] },
      status: { phase: mark === "p" ? "Pending" : "Running", startTime: at(0) },
      ready: mark === "u" ? false : 0,
    };
    const metadata = mark === "d" ? { deletionTimestamp: at(0) } : {};
    return pod(`p${i}`, { ...parts, metadata });
  });
}

function situation(marks: string, current = marks.length): Situation {
  return {
    pods: pods(marks),
    current,
    tolerances,
    cpuInitializationPeriodMs: 300_000,
    initialReadinessDelayMs: 30_000,
    now: NOW,
  };
}

const usage = (...values: (number | undefined)[]): PodMetrics =>
  new Map(
    values.flatMap((value, i) =>
      value === undefined ? [] : [[`p${i}`, { value, timestamp: NOW, window: 60_000 }] as const],
    ),
  );

describe("replicasForUtilization", () => {
  const cases: readonly (readonly [string, string, readonly (number | undefined)[], number, number, number])[] = [
    ["grows", "rrr", [300, 500, 700], 30, 5, 50],
    ["shrinks", "rrrrr", [100, 300, 500, 250, 250], 50, 3, 28],
    ["stays when near", "rrr", [1010, 1030, 1020], 100, 3, 102],
    ["counts unready pods as idle when growing", "ruu", [700, undefined, undefined], 30, 3, 70],
    ["leaves unready pods out when shrinking", "rru", [100, 100, 100], 50, 1, 10],
    ["counts pending pods as idle when growing", "rrp", [900, 900, undefined], 30, 6, 90],
    ["counts silent pods as idle when growing", "rrr", [1000, undefined, undefined], 50, 3, 100],
    ["counts silent pods as busy when shrinking", "rrrr", [100, 100, 100, undefined], 50, 3, 10],
    ["leaves out pods that are going", "rrd", [500, 500, 9000], 50, 3, 50],
  ];
  for (const [name, marks, values, target, replicas, utilization] of cases) {
    it(name, () => {
      const found = replicasForUtilization(situation(marks), usage(...values), target, "cpu", undefined);
      expect(found).toMatchObject({ replicas, utilization });
    });
  }

  it("needs requests, metrics and pods", () => {
    const bare = { ...situation("r"), pods: [pod("p0", { status: { startTime: at(0) } })] };
    expect(() => replicasForUtilization(bare, usage(1), 50, "cpu", undefined)).toThrow(
      "missing request for cpu in container main of Pod p0",
    );
    expect(() => replicasForUtilization(situation("u"), usage(1), 50, "cpu", undefined)).toThrow(
      "did not receive metrics for targeted pods (pods might be unready)",
    );
    expect(() => replicasForUtilization(situation(""), usage(1), 50, "cpu", undefined)).toThrow("no pods returned");
    expect(() => replicasForUtilization(situation("r"), usage(1), 50, "cpu", "side")).toThrow(
      "container side not found in Pod p0",
    );
  });
});

describe("other targets", () => {
  it("average value", () => {
    expect(replicasForAverage(situation("rrr"), usage(20_000, 10_000, 30_000), 15_000)).toEqual({
      replicas: 4,
      average: 20_000,
    });
  });
  it("value", () => {
    expect(replicasForValue(situation("rrr"), 20_000, 15_000)).toBe(4);
    expect(replicasForValue(situation("", 0), 20_000, 15_000)).toBe(2);
    expect(replicasForValue(situation("rrr"), 15_500, 15_000)).toBe(3);
  });
  it("share", () => {
    expect(replicasForShare(3, tolerances, 60_000, 15_000)).toEqual({ replicas: 4, average: 20_000 });
    expect(replicasForShare(3, tolerances, 46_000, 15_000)).toEqual({ replicas: 3, average: 15_334 });
  });
});
