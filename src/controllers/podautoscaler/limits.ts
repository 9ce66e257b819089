import type { autoscalingv2 } from "../../api/index.ts";

type Rules = autoscalingv2.HPAScalingRules;

interface Recommendation {
  readonly replicas: number;
  readonly at: number;
}

interface Change {
  /** How many replicas were added or removed; always positive. */
  readonly by: number;
  readonly at: number;
}

/** What an autoscaler remembers between its rounds. A restart forgets it; then the size at that moment counts as recommended. */
export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
}

export const NO_HISTORY: History = { recommendations: [], ups: [], downs: [] };

/** A wish for a size, and what stands against it. Times are milliseconds. */
export interface Wish {
  readonly current: number;
  /** What the metrics say. */
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: autoscalingv2.HorizontalPodAutoscalerBehavior | undefined;
  /** How long a recommendation to shrink must have been the only one, unless the behavior says. */
  readonly downscaleStabilizationMs: number;
  readonly now: number;
}

/** Reason and message of a condition. */
export interface Because {
  readonly reason: string;
  readonly message: string;
}

/** The size to take, and why. */
export interface Decision {
  readonly replicas: number;
  /** Of the AbleToScale condition. */
  readonly able: Because;
  /** Of the ScalingLimited condition. */
  readonly limited: Because & { readonly status: boolean };
  readonly history: History;
}

const SECOND = 1000;
const HIGHER: Because = {
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};
const LOWER: Because = {
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const READY: Because = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const WITHIN: Because = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const TOO_MANY: Because = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
};
const TOO_FEW: Because = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
};
const TOO_FAST_UP: Because = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const TOO_FAST_DOWN: Because = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};

/** Steadies a wish by earlier ones, then holds it within its bounds and rates. */
export function decide(wish: Wish, history: History): Decision {
  const steady = stabilize(wish, history);
  const able = steady === wish.desired ? READY : wish.behavior && wish.desired >= wish.current ? LOWER : HIGHER;
  const bound = limit({ ...wish, desired: steady }, history);
  return {
    replicas: bound.replicas,
    able,
    limited: { ...bound.because, status: bound.replicas !== steady },
    history: remember(wish, history),
  };
}

function windows({ behavior, downscaleStabilizationMs }: Wish): { up: number; down: number } {
  if (behavior === undefined) return { up: 0, down: downscaleStabilizationMs };
  const down = behavior.scaleDown?.stabilizationWindowSeconds;
  return {
    up: (behavior.scaleUp?.stabilizationWindowSeconds ?? 0) * SECOND,
    down: down === undefined ? downscaleStabilizationMs : down * SECOND,
  };
}

/** The lowest recent recommendation when growing, the highest when shrinking. */
function stabilize(wish: Wish, { recommendations }: History): number {
  const { up, down } = windows(wish);
  let lowest = wish.desired;
  let highest = wish.desired;
  for (const { replicas, at } of recommendations) {
    if (wish.behavior === undefined) {
      if (at >= wish.now - down) highest = Math.max(highest, replicas);
      continue;
    }
    if (at > wish.now - up) lowest = Math.min(lowest, replicas);
    if (at > wish.now - down) highest = Math.max(highest, replicas);
  }
  if (wish.behavior === undefined) return highest;
  return Math.min(Math.max(wish.current, lowest), highest);
}

function remember(wish: Wish, history: History): History {
  const { up, down } = windows(wish);
  const since = wish.now - Math.max(up, down);
  const recent = history.recommendations.filter(({ at }) => at >= since);
  return { ...history, recommendations: [...recent, { replicas: wish.desired, at: wish.now }] };
}

interface Bound {
  readonly replicas: number;
  readonly because: Because;
}

function limit(wish: Wish, history: History): Bound {
  return wish.behavior === undefined ? limitByDefault(wish) : limitByRules(wish, wish.behavior, history);
}

/** Without rules it may double in one step, from nothing to four. */
function limitByDefault({ current, desired, min, max }: Wish): Bound {
  const fastest = Math.max(2 * current, 4);
  const highest = Math.min(max, fastest);
  if (desired < min) return { replicas: min, because: TOO_FEW };
  if (desired > highest) return { replicas: highest, because: max > fastest ? TOO_FAST_UP : TOO_MANY };
  return { replicas: desired, because: WITHIN };
}

function limitByRules(
  { current, desired, min, max, now }: Wish,
  behavior: autoscalingv2.HorizontalPodAutoscalerBehavior,
  history: History,
): Bound {
  if (desired > current) {
    const fastest = Math.max(current, rateLimit(current, history, behavior.scaleUp ?? {}, now, 1));
    const highest = Math.min(max, fastest);
    if (desired > highest) return { replicas: highest, because: max > fastest ? TOO_FAST_UP : TOO_MANY };
  } else if (desired < current) {
    const fastest = Math.min(current, rateLimit(current, history, behavior.scaleDown ?? {}, now, -1));
    const lowest = Math.max(min, fastest);
    if (desired < lowest) return { replicas: lowest, because: min < fastest ? TOO_FAST_DOWN : TOO_FEW };
  }
  return { replicas: desired, because: WITHIN };
}

/** How far the rules let the size go from what it was at the beginning of each period. `sign`: 1 up, -1 down. */
function rateLimit(current: number, { ups, downs }: History, rules: Rules, now: number, sign: 1 | -1): number {
  if (rules.selectPolicy === "Disabled") return current;
  const proposals = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const during = (changes: readonly Change[]): number =>
      changes.reduce((sum, { by, at }) => (at > now - periodSeconds * SECOND ? sum + by : sum), 0);
    const start = current - during(ups) + during(downs);
    if (type === "Pods") return start + sign * value;
    const scaled = start * (1 + (sign * value) / 100);
    // Rounded so that a small percentage of a few still moves.
    return sign > 0 ? Math.ceil(scaled) : Math.trunc(scaled);
  });
  if (proposals.length === 0) return current;
  // The smaller change is the lower size when growing, the higher when shrinking.
  const lowest = (rules.selectPolicy === "Min") === sign > 0;
  return lowest ? Math.min(...proposals) : Math.max(...proposals);
}

/** The history after a change of size; only rules ever look at changes. */
export function changed(
  history: History,
  behavior: autoscalingv2.HorizontalPodAutoscalerBehavior | undefined,
  from: number,
  to: number,
  now: number,
): History {
  if (behavior === undefined || from === to) return history;
  const [name, rules] = to > from ? (["ups", behavior.scaleUp] as const) : (["downs", behavior.scaleDown] as const);
  const longest = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds)) * SECOND;
  const recent = history[name].filter(({ at }) => at >= now - longest);
  return { ...history, [name]: [...recent, { by: Math.abs(to - from), at: now }] };
}
