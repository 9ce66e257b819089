import { describe, expect, it } from "vitest";
import type { autoscalingv2 } from "../../api/index.ts";
import { changed, decide, NO_HISTORY, type Wish } from "./limits.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const NOW = 100 * MINUTE;

const wish = (parts: Partial<Wish>): Wish => ({
  current: 4,
  desired: 4,
  min: 1,
  max: 100,
  behavior: undefined,
  downscaleStabilizationMs: 5 * MINUTE,
  now: NOW,
  ...parts,
});

const rules = (
  scaleUp: autoscalingv2.HPAScalingRules = {},
  scaleDown: autoscalingv2.HPAScalingRules = {},
): autoscalingv2.HorizontalPodAutoscalerBehavior => ({
  scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", ...scaleUp },
  scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Max", ...scaleDown },
});
const policy = (type: string, value: number, periodSeconds = 60) => ({ type, value, periodSeconds });

describe("decide without rules", () => {
  const cases: readonly (readonly [string, Partial<Wish>, number, string])[] = [
    ["takes what is wanted", { desired: 6 }, 6, "DesiredWithinRange"],
    ["at most doubles", { desired: 20 }, 8, "ScaleUpLimit"],
    ["makes a beginning of four", { current: 1, desired: 20 }, 4, "ScaleUpLimit"],
    ["stops at the maximum", { desired: 20, max: 7 }, 7, "TooManyReplicas"],
    ["stops at the minimum", { desired: 0, min: 2 }, 2, "TooFewReplicas"],
  ];
  for (const [name, parts, replicas, reason] of cases) {
    it(name, () => expect(decide(wish(parts), NO_HISTORY)).toMatchObject({ replicas, limited: { reason } }));
  }

  it("shrinks only to the highest of recent wishes", () => {
    const first = decide(wish({ desired: 4 }), NO_HISTORY);
    const second = decide(wish({ desired: 2, now: NOW + 4 * MINUTE }), first.history);
    expect(second).toMatchObject({ replicas: 4, able: { reason: "ScaleDownStabilized" } });
    const third = decide(wish({ desired: 2, now: NOW + 6 * MINUTE }), second.history);
    expect(third).toMatchObject({ replicas: 2, able: { reason: "ReadyForNewScale" } });
  });
});

describe("decide with rules", () => {
  const cases: readonly (readonly [string, Partial<Wish>, number, string])[] = [
    ["adds pods", { desired: 20, behavior: rules({ policies: [policy("Pods", 3)] }) }, 7, "ScaleUpLimit"],
    [
      "adds a share, rounded up",
      { desired: 20, behavior: rules({ policies: [policy("Percent", 10)] }) },
      5,
      "ScaleUpLimit",
    ],
    [
      "takes the larger change",
      { desired: 20, behavior: rules({ policies: [policy("Pods", 3), policy("Percent", 100)] }) },
      8,
      "ScaleUpLimit",
    ],
    [
      "takes the smaller change",
      { desired: 20, behavior: rules({ selectPolicy: "Min", policies: [policy("Pods", 3), policy("Percent", 100)] }) },
      7,
      "ScaleUpLimit",
    ],
    ["grows not at all", { desired: 20, behavior: rules({ selectPolicy: "Disabled" }) }, 4, "ScaleUpLimit"],
    [
      "stops at the maximum",
      { desired: 20, max: 6, behavior: rules({ policies: [policy("Pods", 9)] }) },
      6,
      "TooManyReplicas",
    ],
    [
      "removes pods",
      { current: 10, desired: 1, behavior: rules({}, { policies: [policy("Pods", 3)] }) },
      7,
      "ScaleDownLimit",
    ],
    [
      "removes a share",
      { current: 10, desired: 1, behavior: rules({}, { policies: [policy("Percent", 50)] }) },
      5,
      "ScaleDownLimit",
    ],
    [
      "removes the smaller share",
      {
        current: 10,
        desired: 1,
        behavior: rules({}, { selectPolicy: "Min", policies: [policy("Percent", 50), policy("Pods", 2)] }),
      },
      8,
      "ScaleDownLimit",
    ],
    [
      "stops at the minimum",
      { current: 10, desired: 1, min: 3, behavior: rules({}, { policies: [policy("Percent", 100)] }) },
      3,
      "TooFewReplicas",
    ],
  ];
  for (const [name, parts, replicas, reason] of cases) {
    it(name, () => expect(decide(wish(parts), NO_HISTORY)).toMatchObject({ replicas, limited: { reason } }));
  }

  it("counts what happened in the period", () => {
    const behavior = rules({ policies: [policy("Pods", 4)] });
    const history = changed(NO_HISTORY, behavior, 1, 4, NOW - 30 * SECOND);
    expect(decide(wish({ desired: 20, behavior }), history).replicas).toBe(5);
    expect(decide(wish({ desired: 20, behavior, now: NOW + 30 * SECOND }), history).replicas).toBe(8);
  });

  it("grows only to the lowest of recent wishes", () => {
    const behavior = rules({ stabilizationWindowSeconds: 60, policies: [policy("Percent", 100)] });
    const first = decide(wish({ desired: 5, behavior }), NO_HISTORY);
    const second = decide(wish({ desired: 8, behavior, now: NOW + 30 * SECOND }), first.history);
    expect(second).toMatchObject({ replicas: 5, able: { reason: "ScaleUpStabilized" } });
  });
});
