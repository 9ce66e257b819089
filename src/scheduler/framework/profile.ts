import { CodedError, errorText } from "../../kit/index.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { Nominator } from "../queue/nominator.ts";
import type { SchedulingCycle } from "./cycle.ts";
import type { NodeVerdicts } from "./diagnosis.ts";
import { MAX_NODE_SCORE, type PostFilterResult, type SchedulerPlugin } from "./plugin.ts";
import { failed, isRejected, messageOf, saidBy, type Status, unresolvable } from "./status.ts";

/** A plugin in the Score list. */
export interface WeightedPlugin {
  readonly plugin: SchedulerPlugin;
  readonly weight: number;
}

/** The plugins of a profile, by extension point, in order. */
export interface ProfilePlugins {
  readonly preEnqueue: readonly SchedulerPlugin[];
  readonly queueSort: readonly SchedulerPlugin[];
  readonly preFilter: readonly SchedulerPlugin[];
  readonly filter: readonly SchedulerPlugin[];
  readonly postFilter: readonly SchedulerPlugin[];
  readonly preScore: readonly SchedulerPlugin[];
  readonly score: readonly WeightedPlugin[];
  readonly reserve: readonly SchedulerPlugin[];
  readonly permit: readonly SchedulerPlugin[];
  readonly preBind: readonly SchedulerPlugin[];
  readonly bind: readonly SchedulerPlugin[];
  readonly postBind: readonly SchedulerPlugin[];
}

/** What all PreFilters said together. */
export interface PreFilterOutcome {
  readonly status?: Status;
  readonly nodeNames?: ReadonlySet<string>;
  /** Who named nodes. */
  readonly plugins: ReadonlySet<string>;
}

/** The sides of PostFilter that the scheduler acts upon. */
export interface PostFilterOutcome {
  readonly nominatedNode?: string;
  readonly message: string;
}

/** One scheduler name with its plugins: runs them at each extension point and says who said what. */
export class Profile {
  readonly name: string;
  readonly plugins: ProfilePlugins;
  readonly percentageOfNodesToScore: number | undefined;
  readonly #cache: ClusterCache;
  readonly #nominator: () => Nominator;
  readonly #withHooks: readonly SchedulerPlugin[];
  #scratch = new Int32Array(0);
  #scores = new Float64Array(0);
  #totals = new Float64Array(0);
  readonly #one = new Int32Array(1);

  constructor(
    name: string,
    plugins: ProfilePlugins,
    options: {
      readonly cache: ClusterCache;
      readonly nominator: () => Nominator;
      readonly percentageOfNodesToScore?: number | undefined;
    },
  ) {
    this.name = name;
    this.plugins = plugins;
    this.percentageOfNodesToScore = options.percentageOfNodesToScore;
    this.#cache = options.cache;
    this.#nominator = options.nominator;
    this.#withHooks = plugins.preFilter.filter((plugin) => plugin.addPod || plugin.removePod);
  }

  /** Every plugin once. */
  all(): Set<SchedulerPlugin> {
    const { score, ...lists } = this.plugins;
    return new Set([...Object.values(lists).flat(), ...score.map(({ plugin }) => plugin)]);
  }

  /** The PreEnqueue plugin that holds the pod, `first` being asked first. */
  gate(info: PodInfo, first: string): string | undefined {
    const plugins = this.plugins.preEnqueue;
    const ordered =
      first === "" ? plugins : plugins.toSorted((a, b) => Number(b.name === first) - Number(a.name === first));
    return ordered.find((plugin) => plugin.preEnqueue?.(info) !== undefined)?.name;
  }

  runPreFilter(cycle: SchedulingCycle): PreFilterOutcome {
    const naming = new Set<string>();
    let names: ReadonlySet<string> | undefined;
    let refused: Status | undefined;
    for (const plugin of this.plugins.preFilter) {
      const result = ask(cycle, plugin, "PreFilter", () => plugin.preFilter?.(cycle));
      const status = result?.status;
      if (status?.code === "Skip") {
        cycle.skippedFilters.add(plugin.name);
        continue;
      }
      if (status?.code === "UnschedulableAndUnresolvable") {
        return { status: saidBy(status, plugin.name), plugins: new Set() };
      }
      if (status?.code === "Unschedulable") {
        // Preemption may follow, for which every PreFilter must have run.
        refused = saidBy(status, plugin.name);
        continue;
      }
      if (status) throw pluginFailed("PreFilter", plugin.name, messageOf(status), status.error);
      if (!result?.nodeNames) continue;
      naming.add(plugin.name);
      names = names ? names.intersection(result.nodeNames) : result.nodeNames;
      if (names.size === 0) return { status: unresolvable(noneNamed(naming)), nodeNames: names, plugins: naming };
    }
    return { ...(refused && { status: refused }), ...(names && { nodeNames: names }), plugins: naming };
  }

  /**
   * Runs all filters over the first `count` of `slots`, which are closed up to those that passed. Returns how many they are. The
   * others get verdicts. Nominated pods are not taken into account.
   */
  runFilters(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number {
    let left = count;
    for (const plugin of this.plugins.filter) {
      if (left === 0) break;
      if (cycle.skippedFilters.has(plugin.name)) continue;
      const refused = ask(cycle, plugin, "Filter", () => filterAll(cycle, plugin, slots, left, verdicts));
      if (refused > 0) left = closeUp(slots, left, verdicts);
    }
    return left;
  }

  /** The filters for one node, as the columns now stand. */
  runFiltersOn(cycle: SchedulingCycle, slot: number): Status | undefined {
    const scratch = this.#scratchFor(cycle);
    this.#one[0] = slot;
    scratch[slot] = 0;
    return this.runFilters(cycle, this.#one, 1, scratch) === 1 ? undefined : cycle.refusal(scratch[slot] as number);
  }

  /** The filters for one node, both with and without the pods nominated to it that this pod must yield to. */
  runFiltersWithNominated(cycle: SchedulingCycle, slot: number): Status | undefined {
    return this.withNominated(cycle, slot) ?? this.runFiltersOn(cycle, slot);
  }

  /** What the filters say of one node with the nominated pods on it that this pod must yield to; undefined when there are none. */
  withNominated(cycle: SchedulingCycle, slot: number): Status | undefined {
    const { info } = cycle;
    const pods = this.#nominator()
      .on(this.#cache.nodes.name(slot))
      .filter((other) => other.priority >= info.priority && other.uid !== info.uid && other.slot < 0);
    if (pods.length === 0) return undefined;
    for (const pod of pods) this.restore(cycle, pod, slot);
    try {
      return this.runFiltersOn(cycle, slot);
    } finally {
      for (const pod of pods) this.withdraw(cycle, pod);
    }
  }

  /** What-if: takes a pod off its node. */
  withdraw(cycle: SchedulingCycle, pod: PodInfo): void {
    const slot = this.#cache.withdraw(pod);
    for (const plugin of this.#withHooks) {
      if (!cycle.skippedFilters.has(plugin.name)) plugin.removePod?.(cycle, pod, cycle.nodes.view(slot));
    }
  }

  /** What-if: puts a pod on a node. */
  restore(cycle: SchedulingCycle, pod: PodInfo, slot: number): void {
    this.#cache.restore(pod, slot);
    for (const plugin of this.#withHooks) {
      if (!cycle.skippedFilters.has(plugin.name)) plugin.addPod?.(cycle, pod, cycle.nodes.view(slot));
    }
  }

  /** Runs PostFilters until one has an answer. */
  async runPostFilter(cycle: SchedulingCycle, verdicts: NodeVerdicts): Promise<PostFilterOutcome> {
    const reasons: string[] = [];
    let nominated: string | undefined;
    for (const plugin of this.plugins.postFilter) {
      let result: PostFilterResult | undefined;
      try {
        const answer = plugin.postFilter?.(cycle, verdicts);
        result = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        return { message: errorText(error) };
      }
      const status = result?.status;
      const message = messageOf(status);
      if (status === undefined || status.code === "UnschedulableAndUnresolvable") {
        return { message, ...(result?.nominatedNode !== undefined && { nominatedNode: result.nominatedNode }) };
      }
      if (!isRejected(status)) return { message };
      nominated = result?.nominatedNode ?? nominated;
      reasons.push(...status.reasons);
    }
    return { message: reasons.join(", "), ...(nominated !== undefined && { nominatedNode: nominated }) };
  }

  /** Whether choosing among nodes means anything. */
  get scores(): boolean {
    return this.plugins.score.length > 0;
  }

  /** The weighted sums of all scores for the first `count` of `slots`, at the same index; valid until the next call. */
  runScores(cycle: SchedulingCycle, slots: Int32Array, count: number): Float64Array {
    for (const plugin of this.plugins.preScore) {
      const status = ask(cycle, plugin, "PreScore", () => plugin.preScore?.(cycle, slots, count));
      if (status?.code === "Skip") cycle.skippedScores.add(plugin.name);
      else if (status) throw pluginFailed("PreScore", plugin.name, messageOf(status), status.error);
    }
    if (this.#totals.length < count) {
      this.#totals = new Float64Array(cycle.nodes.capacity);
      this.#scores = new Float64Array(cycle.nodes.capacity);
    }
    const [totals, scores] = [this.#totals, this.#scores];
    totals.fill(0, 0, count);
    for (const { plugin, weight } of this.plugins.score) {
      if (cycle.skippedScores.has(plugin.name)) continue;
      ask(cycle, plugin, "Score", () => scoreAll(cycle, plugin, slots, count, scores));
      addWeighted(totals, scores, count, weight, plugin.name);
    }
    return totals;
  }

  /** Reserves with all, in order; a refusal is the answer. Whoever calls unreserves then. */
  runReserve(cycle: SchedulingCycle, node: string): Status | undefined {
    for (const plugin of this.plugins.reserve) {
      const status = attempt("Reserve", plugin.name, () => plugin.reserve?.(cycle, node));
      if (status) return status;
    }
    return undefined;
  }

  /** Undoes reservations, last first. */
  runUnreserve(cycle: SchedulingCycle, node: string): void {
    for (const plugin of this.plugins.reserve.toReversed()) plugin.unreserve?.(cycle, node);
  }

  /** Asks every Permit plugin: a refusal, or those that want to hold the pod, with how long. */
  runPermit(
    cycle: SchedulingCycle,
    node: string,
  ): { readonly status?: Status; readonly holders: ReadonlyMap<string, number> } {
    const holders = new Map<string, number>();
    for (const plugin of this.plugins.permit) {
      const status = attempt("Permit", plugin.name, () => plugin.permit?.(cycle, node));
      if (status?.code === "Wait") holders.set(plugin.name, status.timeout ?? 0);
      else if (status) return { status, holders };
    }
    return { holders };
  }

  /** Whether any PreBind has work to do; or why it cannot go on. */
  runPreBindPreFlight(cycle: SchedulingCycle, node: string): Status | boolean {
    let work = false;
    for (const plugin of this.plugins.preBind) {
      const status = attempt("PreBindPreFlight", plugin.name, () => plugin.preBindPreFlight?.(cycle, node));
      if (status?.code === "Skip") continue;
      if (status) return status;
      work ||= plugin.preBind !== undefined;
    }
    return work;
  }

  async runPreBind(cycle: SchedulingCycle, node: string, signal: AbortSignal): Promise<Status | undefined> {
    for (const plugin of this.plugins.preBind) {
      try {
        const status = await plugin.preBind?.(cycle, node, signal);
        if (status) return judged("PreBind", plugin.name, status);
      } catch (error) {
        return fault("PreBind", plugin.name, error);
      }
    }
    return undefined;
  }

  /** The first Bind that does not pass the pod on. */
  async runBind(cycle: SchedulingCycle, node: string, signal: AbortSignal): Promise<Status | undefined> {
    for (const plugin of this.plugins.bind) {
      try {
        const status = await plugin.bind?.(cycle, node, signal);
        if (status?.code === "Skip") continue;
        return judged("Bind", plugin.name, status);
      } catch (error) {
        return fault("Bind", plugin.name, error);
      }
    }
    return failed("no Bind plugin took the pod");
  }

  runPostBind(cycle: SchedulingCycle, node: string): void {
    for (const plugin of this.plugins.postBind) plugin.postBind?.(cycle, node);
  }

  #scratchFor(cycle: SchedulingCycle): Int32Array {
    if (this.#scratch.length < cycle.nodes.capacity) this.#scratch = new Int32Array(cycle.nodes.capacity);
    return this.#scratch;
  }
}

/** A fault of a plugin, in upstream's words; the pod is tried again after a back-off. Code `PluginFailed`. */
export function pluginFailed(point: string, plugin: string, message: string, cause: unknown): CodedError {
  return new CodedError("PluginFailed", faultOf(point, plugin, message), { cause, details: { point, plugin } });
}

function faultOf(point: string, plugin: string, message: string): string {
  const name = JSON.stringify(plugin);
  if (point === "Filter") return `running ${name} filter plugin: ${message}`;
  if (point === "Score") return `running Score plugins: plugin ${name} failed with: ${message}`;
  return `running ${point} plugin ${name}: ${message}`;
}

function ask<T>(cycle: SchedulingCycle, plugin: SchedulerPlugin, point: string, question: () => T): T {
  cycle.asking = plugin;
  try {
    return question();
  } catch (error) {
    throw pluginFailed(point, plugin.name, errorText(error), error);
  }
}

function attempt(point: string, plugin: string, question: () => Status | undefined): Status | undefined {
  try {
    return judged(point, plugin, question());
  } catch (error) {
    return fault(point, plugin, error);
  }
}

/** What a plugin said, with its name; a fault is said to be one of its extension point. */
function judged(point: string, plugin: string, status: Status | undefined): Status | undefined {
  return status?.code === "Error"
    ? fault(point, plugin, status.error ?? messageOf(status))
    : status && saidBy(status, plugin);
}

function fault(point: string, plugin: string, error: unknown): Status {
  return { code: "Error", reasons: [faultOf(point, plugin, errorText(error))], error, plugin };
}

function noneNamed(plugins: ReadonlySet<string>): string {
  const names = [...plugins].toSorted();
  const [only] = names;
  return names.length === 1
    ? `node(s) didn't satisfy plugin ${only}`
    : `node(s) didn't satisfy plugin(s) [${names.join(" ")}] simultaneously`;
}

function filterAll(
  cycle: SchedulingCycle,
  plugin: SchedulerPlugin,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
): number {
  if (plugin.filterNodes) return plugin.filterNodes(cycle, slots, count, verdicts);
  if (!plugin.filter) return 0;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    const status = plugin.filter(cycle, cycle.nodes.view(slot));
    if (!status) continue;
    if (!isRejected(status)) throw new Error(messageOf(status), { cause: status.error });
    verdicts[slot] = cycle.rejection(status);
    refused++;
  }
  return refused;
}

function closeUp(slots: Int32Array, count: number, verdicts: Int32Array): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    if (verdicts[slot] === 0) slots[kept++] = slot;
  }
  return kept;
}

function scoreAll(
  cycle: SchedulingCycle,
  plugin: SchedulerPlugin,
  slots: Int32Array,
  count: number,
  scores: Float64Array,
): void {
  if (plugin.scoreNodes) plugin.scoreNodes(cycle, slots, count, scores);
  else for (let i = 0; i < count; i++) scores[i] = plugin.score?.(cycle, cycle.nodes.view(slots[i] as number)) ?? 0;
  plugin.normalizeScores?.(cycle, slots, count, scores);
}

function addWeighted(totals: Float64Array, scores: Float64Array, count: number, weight: number, plugin: string): void {
  let min = 0;
  let max = 0;
  for (let i = 0; i < count; i++) {
    const score = scores[i] as number;
    if (score < min) min = score;
    else if (score > max) max = score;
    totals[i] = (totals[i] as number) + weight * score;
  }
  if (min >= 0 && max <= MAX_NODE_SCORE) return;
  const wrong = min < 0 ? min : max;
  const range = `it should in the range of [0, ${MAX_NODE_SCORE}] after normalizing`;
  throw new CodedError("PluginFailed", `plugin ${JSON.stringify(plugin)} returns an invalid score ${wrong}, ${range}`);
}
