import type { policyv1 } from "../../../api/index.ts";
import { type Selector, selectorFrom, tryParseTime } from "../../../machinery/index.ts";
import type { PodInfo } from "../../cache/pod-info.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { PluginHandle } from "../../framework/plugin.ts";
import { type Status, unresolvable } from "../../framework/status.ts";

/** A node on which the pod would fit, were these pods gone. */
export interface Candidate {
  readonly slot: number;
  /** The most important first; never empty. */
  readonly victims: readonly PodInfo[];
  /** How many of them a disruption budget would keep. */
  readonly violations: number;
}

/** A disruption budget as preemption sees it. */
export interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  readonly allowed: number;
  /** Pods whose eviction is counted already. */
  readonly disrupted: ReadonlySet<string>;
}

const NO_VICTIMS = unresolvable("No preemption victims found for incoming pod");

/** Parsed budgets. One with a selector that is none, or selects all, protects nothing. */
export function budgetsOf(pdbs: Iterable<policyv1.PodDisruptionBudget>): Budget[] {
  const budgets: Budget[] = [];
  for (const { metadata, spec, status } of pdbs) {
    try {
      budgets.push({
        namespace: metadata.namespace,
        selector: selectorFrom(spec.selector),
        allowed: status?.disruptionsAllowed ?? 0,
        disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
      });
    } catch {
      continue;
    }
  }
  return budgets;
}

/**
 * The fewest and least important pods that must leave a node for the cycle's pod to fit; or why that is impossible. Plays it through in the
 * columns, and leaves them as they were.
 */
export function selectVictims(
  cycle: SchedulingCycle,
  handle: PluginHandle,
  slot: number,
  budgets: readonly Budget[],
): Candidate | Status {
  const weaker = cycle.nodes.pods(slot).filter((pod) => pod.priority < cycle.info.priority);
  if (weaker.length === 0) return NO_VICTIMS;
  const away = new Set<PodInfo>();
  const withdraw = (pod: PodInfo): void => {
    handle.withdraw(cycle, pod);
    away.add(pod);
  };
  const restore = (pod: PodInfo): void => {
    handle.restore(cycle, pod, slot);
    away.delete(pod);
  };
  try {
    for (const pod of weaker) withdraw(pod);
    const status = handle.passesFilters(cycle, slot);
    if (status) return status;
    const now = handle.env.clock.now();
    const important = weaker.toSorted((a, b) => byImportance(a, b, now));
    const { violating, others } = divide(important, budgets);
    let violations = 0;
    const reprieve = (pod: PodInfo): boolean => {
      restore(pod);
      if (handle.passesFilters(cycle, slot) === undefined) return true;
      withdraw(pod);
      return false;
    };
    for (const pod of violating) if (!reprieve(pod)) violations++;
    for (const pod of others) reprieve(pod);
    const victims = important.filter((pod) => away.has(pod));
    if (victims.length > 0) return { slot, victims, violations };
    throw new Error(`expected at least one victim pod on node ${JSON.stringify(cycle.nodes.name(slot))}`);
  } finally {
    for (const pod of away) handle.restore(cycle, pod, slot);
  }
}

/** Higher priority first, then who has run longer. */
function byImportance(a: PodInfo, b: PodInfo, now: number): number {
  return b.priority - a.priority || startOf(a, now) - startOf(b, now);
}

/** When a pod started; one that has not counts as starting now. */
export function startOf({ pod }: PodInfo, now: number): number {
  return tryParseTime(pod.status?.startTime) ?? now;
}

/** Sets apart the pods of which the loss would break a budget, each budget giving way to as many as it allows. */
export function divide(
  pods: readonly PodInfo[],
  budgets: readonly Budget[],
): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const left = budgets.map(({ allowed }) => allowed);
  const [violating, others]: [PodInfo[], PodInfo[]] = [[], []];
  for (const info of pods) {
    const { namespace, name, labels } = info.pod.metadata;
    let broken = false;
    for (const [i, budget] of budgets.entries()) {
      if (!labels || Object.keys(labels).length === 0 || budget.namespace !== namespace) continue;
      if (budget.selector.empty || !budget.selector.matches(labels) || budget.disrupted.has(name)) continue;
      left[i] = (left[i] as number) - 1;
      if ((left[i] as number) < 0) broken = true;
    }
    (broken ? violating : others).push(info);
  }
  return { violating, others };
}
