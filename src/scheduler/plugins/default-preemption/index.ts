import { resources } from "../../../api/index.ts";
import type { PodInfo } from "../../cache/pod-info.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import { fitMessage, type NodeVerdicts } from "../../framework/diagnosis.ts";
import type { EventInterest, PluginHandle, PostFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { failed, type Status, unresolvable, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { budgetsOf, type Candidate, selectVictims } from "./candidates.ts";
import { Evictions } from "./eviction.ts";
import { pickCandidate } from "./pick.ts";

const NOT_HELPFUL = "Preemption is not helpful for scheduling";
const NOBODY: ReadonlySet<string> = new Set();

export interface DefaultPreemptionArgs {
  /** At least this share of the nodes that might do is looked at, and at least so many. */
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

/** Makes room for a pod that fits nowhere, at the cost of less important ones. */
export class DefaultPreemption implements SchedulerPlugin {
  readonly name = Names.DefaultPreemption;
  readonly #args: DefaultPreemptionArgs;
  readonly #handle: PluginHandle;
  readonly #pdbs;
  readonly #evictions: Evictions;

  constructor(args: DefaultPreemptionArgs, handle: PluginHandle) {
    this.#args = args;
    this.#handle = handle;
    this.#pdbs = handle.informer(resources.poddisruptionbudgets).lister;
    this.#evictions = new Evictions(handle);
  }

  events(): readonly EventInterest[] {
    // Other plugins refused the pod, and they know when to try again; here it only must not be held longer.
    return [{ event: { resource: "Pod", action: Action.Delete }, hint: () => "QueueSkip" }];
  }

  preEnqueue({ uid }: PodInfo): Status | undefined {
    if (!this.#evictions.isRunning(uid)) return undefined;
    return unresolvable("waiting for the preemption for this pod to be finished");
  }

  postFilter(cycle: SchedulingCycle, verdicts: NodeVerdicts): PostFilterResult | Promise<PostFilterResult> {
    this.#handle.metrics.preemptionAttempt();
    const obstacle = this.#whyNot(cycle, verdicts);
    if (obstacle !== undefined) return { status: unschedulable(`preemption: ${obstacle}`) };
    const search = this.#search(cycle, verdicts.withCode("Unschedulable"));
    if (search.candidates.length === 0) {
      if (search.error) return { status: failed(search.error) };
      return { status: unschedulable(`preemption: ${noCandidate(cycle, search.refused)}`), nominatedNode: "" };
    }
    const extenders = this.#handle.extenders.filter((one) => one.supportsPreemption && one.isInterested(cycle.pod));
    if (extenders.length === 0) return this.#preempt(cycle, search.candidates);
    return this.#withExtenders(cycle, search.candidates);
  }

  async #withExtenders(cycle: SchedulingCycle, found: readonly Candidate[]): Promise<PostFilterResult> {
    let candidates = found;
    for (const extender of this.#handle.extenders) {
      if (!extender.supportsPreemption || !extender.isInterested(cycle.pod) || candidates.length === 0) continue;
      try {
        candidates = await extender.processPreemption(cycle, candidates);
      } catch (error) {
        if (!extender.ignorable) return { status: failed(error) };
      }
    }
    return this.#preempt(cycle, candidates);
  }

  #preempt(cycle: SchedulingCycle, candidates: readonly Candidate[]): PostFilterResult {
    const best = pickCandidate(candidates, this.#handle.env.clock.now());
    if (!best) return { status: unschedulable("preemption: no candidate node for preemption") };
    const node = cycle.nodes.name(best.slot);
    this.#handle.metrics.preempting(best.victims.length);
    this.#evictions.start(cycle.info, node, best.victims);
    return { nominatedNode: node };
  }

  /** Why this pod may not preempt, if it may not. */
  #whyNot({ info, nodes }: SchedulingCycle, verdicts: NodeVerdicts): string | undefined {
    const { spec, status } = info.pod;
    if (spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
    const slot = status?.nominatedNodeName ? nodes.find(status.nominatedNodeName) : undefined;
    if (slot === undefined || verdicts.at(slot)?.code === "UnschedulableAndUnresolvable") return undefined;
    const leaving = nodes.pods(slot).some((pod) => pod.priority < info.priority && isPreempted(pod));
    return leaving ? "not eligible due to a terminating pod on the nominated node." : undefined;
  }

  #search(
    cycle: SchedulingCycle,
    slots: readonly number[],
  ): { readonly candidates: readonly Candidate[]; readonly refused: readonly Status[]; readonly error?: unknown } {
    const { minCandidateNodesPercentage, minCandidateNodesAbsolute } = this.#args;
    const share = Math.trunc((slots.length * minCandidateNodesPercentage) / 100);
    const enough = Math.min(slots.length, Math.max(share, minCandidateNodesAbsolute));
    const offset = slots.length > 0 ? this.#handle.env.random.int(slots.length) : 0;
    const budgets = budgetsOf(this.#pdbs.list());
    const [kind, violating]: [Candidate[], Candidate[]] = [[], []];
    const refused: Status[] = [];
    let error: unknown;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[(offset + i) % slots.length] as number;
      try {
        const found = selectVictims(cycle, this.#handle, slot, budgets);
        if ("code" in found) refused.push(found);
        else (found.violations === 0 ? kind : violating).push(found);
      } catch (problem) {
        error ??= problem;
      }
      if (kind.length > 0 && kind.length + violating.length >= enough) break;
    }
    return { candidates: [...kind, ...violating], refused, ...(error !== undefined && { error }) };
  }
}

function isPreempted({ pod }: PodInfo): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const target = pod.status?.conditions?.find((c) => c.type === "DisruptionTarget");
  return target?.status === "True" && target.reason === "PreemptionByScheduler";
}

function noCandidate({ nodes }: SchedulingCycle, refused: readonly Status[]): string {
  const histogram = new Map<string, number>();
  const add = (reason: string, by: number): unknown => histogram.set(reason, (histogram.get(reason) ?? 0) + by);
  for (const status of refused) for (const reason of status.reasons) add(reason, 1);
  if (refused.length < nodes.count) add(NOT_HELPFUL, nodes.count - refused.length);
  return fitMessage({ nodeCount: nodes.count, histogram, unschedulablePlugins: NOBODY, pendingPlugins: NOBODY });
}
