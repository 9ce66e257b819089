import { type autoscalingv1, type autoscalingv2, type corev1, type Resource, resources } from "../../api/index.ts";
import { type AnyObject, cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import {
  deepEqual,
  formatTime,
  isConflict,
  parseLabelSelector,
  Quantity,
  setCondition,
} from "../../machinery/index.ts";
import { splitKey } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import type { LabelClasses } from "../common/label-classes.ts";
import { Loop } from "../common/loop.ts";
import { Scales } from "../common/scales.ts";
import { changed, decide, type History, NO_HISTORY } from "./limits.ts";
import { measure, MetricFailure, type Subject } from "./measure.ts";
import { MetricsReader } from "./metrics.ts";
import type { Tolerances } from "./replicas.ts";

type Autoscaler = autoscalingv2.HorizontalPodAutoscaler;
type Condition = autoscalingv2.HorizontalPodAutoscalerCondition;
type Scale = autoscalingv1.Scale;

const TRIES = 5;

/** A round that ends early: the status says why, and the next round may do better. */
class RoundFailed extends Error {}

/** What the metrics want together. */
interface Wanted {
  readonly replicas: number;
  readonly metric: string;
}

/** One round's picture of an autoscaler, with the status that is growing. */
interface Round {
  readonly autoscaler: Autoscaler;
  conditions: readonly Condition[];
  metrics: autoscalingv2.MetricStatus[];
}

/** Keeps workloads at the size that their metrics ask for, looking at each of them once in a period. */
export class AutoscalerController {
  readonly #context: ControllerContext;
  readonly #autoscalers: Informer<Autoscaler>;
  readonly #classes: LabelClasses<corev1.Pod>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #client: ResourceClient<Autoscaler>;
  readonly #scales: Scales;
  readonly #reader: MetricsReader;
  readonly #loop: Loop;
  readonly #histories = new Map<string, History>();
  /** The selector of each autoscaler's pods, as far as known. */
  readonly #selectors = new Map<string, ReturnType<typeof parseLabelSelector>>();

  constructor(context: ControllerContext) {
    const { caches, client, env, config } = context;
    this.#context = context;
    this.#autoscalers = caches.informer(resources.horizontalpodautoscalers);
    this.#pods = caches.pods();
    this.#classes = caches.podClasses();
    this.#client = client.resource(resources.horizontalpodautoscalers);
    this.#scales = new Scales(client, env);
    this.#reader = new MetricsReader(client, this.#scales);
    this.#loop = new Loop({
      context,
      informers: [this.#autoscalers, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
    const later = (autoscaler: Autoscaler): void => this.#loop.addAfter(cacheKey(autoscaler), config.hpaSyncPeriodMs);
    this.#autoscalers.handle({
      added: later,
      updated: later,
      deleted: (autoscaler) => {
        this.#histories.delete(cacheKey(autoscaler));
        this.#selectors.delete(cacheKey(autoscaler));
      },
    });
  }

  get component(): Component {
    return this.#loop;
  }

  /** Failures wait for the next period like everything else: metrics do not come any sooner. */
  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const autoscaler = this.#autoscalers.lister.get(key);
    if (autoscaler === undefined) return undefined;
    const { env, config } = this.#context;
    const round: Round = { autoscaler, conditions: autoscaler.status.conditions ?? [], metrics: [] };
    try {
      await this.#sync(key, round, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      env.log.warn("Cannot scale by metrics", { horizontalPodAutoscaler: key, error: errorText(error) });
    }
    return config.hpaSyncPeriodMs;
  }

  async #sync(key: string, round: Round, signal: AbortSignal): Promise<void> {
    const { autoscaler } = round;
    const target = await this.#scaleOf(round, signal);
    const current = target.scale.spec.replicas ?? 0;
    this.#histories.set(key, this.#histories.get(key) ?? this.#initial(current));
    const { minReplicas: min = 1, maxReplicas: max } = autoscaler.spec;
    let desired = current;
    let reason = "";
    let failure: unknown;
    if (current === 0 && min !== 0) {
      const message = "scaling is disabled since the replica count of the target is zero";
      this.#condition(round, "ScalingActive", false, "ScalingDisabled", message);
    } else if (current > max) {
      [desired, reason] = [max, "Current number of replicas above Spec.MaxReplicas"];
    } else if (current < min) {
      [desired, reason] = [min, "Current number of replicas below Spec.MinReplicas"];
    } else {
      const wanted = await this.#wanted(key, round, target.scale, signal);
      failure = wanted.failure;
      reason = wanted.replicas > current ? `${wanted.metric} above target` : "All metrics below target";
      desired = this.#normalize(key, round, current, wanted.replicas);
    }
    const rescaled = desired !== current;
    if (rescaled) await this.#rescale(key, round, target, desired, reason, signal);
    await this.#writeStatus(round, { currentReplicas: current, desiredReplicas: desired, rescaled }, signal);
    if (failure !== undefined) throw failure;
  }

  #initial(current: number): History {
    return { ...NO_HISTORY, recommendations: [{ replicas: current, at: this.#now() }] };
  }

  /** The scale of the target; when it cannot be had, the round ends. */
  async #scaleOf(round: Round, signal: AbortSignal): Promise<{ resource: Resource<AnyObject>; scale: Scale }> {
    const { events } = this.#context;
    const { autoscaler } = round;
    const { kind, name, apiVersion = "v1" } = autoscaler.spec.scaleTargetRef;
    const { namespace } = autoscaler.metadata;
    try {
      const resource = await this.#scales.resourceOf({ apiVersion, kind }, signal);
      if (resource === undefined) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
      const scale = await this.#scales.get(resource, { namespace, name }, signal);
      const message = "the HPA controller was able to get the target's current scale";
      this.#condition(round, "AbleToScale", true, "SucceededGetScale", message);
      return { resource, scale };
    } catch (error) {
      if (signal.aborted) throw error;
      const text = errorText(error);
      events.warning(resources.horizontalpodautoscalers, autoscaler, "FailedGetScale", text);
      const message = `the HPA controller was unable to get the target's current scale: ${text}`;
      this.#condition(round, "AbleToScale", false, "FailedGetScale", message);
      await this.#writeStatus(round, undefined, signal);
      const what = `${kind}/${namespace}/${name}`;
      throw new RoundFailed(`failed to query scale subresource for ${what}: ${text}`, { cause: error });
    }
  }

  /** The largest size that any metric wants. A metric that fails may not keep others from growing, but from shrinking. */
  async #wanted(key: string, round: Round, scale: Scale, signal: AbortSignal): Promise<Wanted & { failure?: unknown }> {
    const { events } = this.#context;
    const { autoscaler } = round;
    const specs = autoscaler.spec.metrics ?? [];
    const failures: MetricFailure[] = [];
    let wanted: Wanted = { replicas: 0, metric: "" };
    try {
      const subject = this.#subject(key, round, scale);
      for (const spec of specs) {
        try {
          const found = await measure(this.#reader, spec, subject, signal);
          round.metrics.push(found.status);
          if (wanted.replicas === 0 || found.replicas > wanted.replicas) {
            wanted = { replicas: found.replicas, metric: found.name };
          }
        } catch (error) {
          if (!(error instanceof MetricFailure)) throw error;
          events.warning(resources.horizontalpodautoscalers, autoscaler, error.reason, error.message);
          round.metrics.push({ type: "" });
          failures.push(error);
        }
      }
      const [first] = failures;
      const summary = `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first?.summary}`;
      const shrinks = wanted.replicas < (scale.spec.replicas ?? 0);
      if (failures.length >= specs.length || (failures.length > 0 && shrinks)) {
        const message = `the HPA was unable to compute the replica count: ${first?.message ?? "no metrics"}`;
        this.#condition(round, "ScalingActive", false, first?.reason ?? "InvalidMetricSourceType", message);
        throw new RoundFailed(summary);
      }
      const message = `the HPA was able to successfully calculate a replica count from ${wanted.metric}`;
      this.#condition(round, "ScalingActive", true, "ValidMetricFound", message);
      return first === undefined ? wanted : { ...wanted, failure: new RoundFailed(summary) };
    } catch (error) {
      if (!(error instanceof RoundFailed)) throw error;
      const { desiredReplicas } = autoscaler.status;
      const sizes = { currentReplicas: scale.spec.replicas ?? 0, desiredReplicas, rescaled: false };
      await this.#writeStatus(round, sizes, signal);
      events.warning(resources.horizontalpodautoscalers, autoscaler, "FailedComputeMetricsReplicas", error.message);
      throw error;
    }
  }

  /** Whose metrics to ask for. Throws when the scale's selector is missing, unreadable, or selects what others scale. */
  #subject(key: string, round: Round, scale: Scale): Subject {
    const { config } = this.#context;
    const { autoscaler } = round;
    const { namespace } = autoscaler.metadata;
    const { selector: text = "", replicas } = scale.status;
    if (text === "") {
      const message = "the HPA target's scale is missing a selector";
      throw this.#badSelector(round, "SelectorRequired", "InvalidSelector", "selector is required", message);
    }
    let selector: ReturnType<typeof parseLabelSelector>;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      const message = `couldn't convert selector into a corresponding internal selector object: ${errorText(error)}`;
      throw this.#badSelector(round, "InvalidSelector", "InvalidSelector", message, message);
    }
    this.#selectors.set(key, selector);
    const classes = [...this.#classes.inNamespace(namespace)].filter(({ labels }) => selector.matches(labels));
    const rivals = [...this.#selectors].filter(
      ([other, theirs]) =>
        splitKey(other).namespace === namespace && classes.some(({ labels }) => theirs.matches(labels)),
    );
    if (rivals.length > 1) {
      const names = rivals
        .map(([other]) => other)
        .toSorted()
        .join(" ");
      const message = `pods by selector ${text} are controlled by multiple HPAs: [${names}]`;
      throw this.#badSelector(round, "AmbiguousSelector", "AmbiguousSelector", message, message);
    }
    const pods = classes.flatMap(({ members }) => [...members].flatMap((pod) => this.#pods.lister.get(pod) ?? []));
    const situation = {
      pods,
      current: scale.spec.replicas ?? 0,
      tolerances: this.#tolerances(autoscaler),
      cpuInitializationPeriodMs: config.hpaCpuInitializationPeriodMs,
      initialReadinessDelayMs: config.hpaInitialReadinessDelayMs,
      now: this.#now(),
    };
    return { namespace, selector: text, statusReplicas: replicas, situation };
  }

  #badSelector(round: Round, event: string, reason: string, message: string, condition: string): RoundFailed {
    const { events } = this.#context;
    events.warning(resources.horizontalpodautoscalers, round.autoscaler, event, message);
    this.#condition(round, "ScalingActive", false, reason, condition);
    return new RoundFailed(message);
  }

  #tolerances({ spec }: Autoscaler): Tolerances {
    const { hpaTolerance, featureGates } = this.#context.config;
    const configurable = featureGates["HPAConfigurableTolerance"] ?? true;
    const own = (rules: autoscalingv2.HPAScalingRules | undefined): number =>
      !configurable || rules?.tolerance === undefined ? hpaTolerance : Quantity.parse(rules.tolerance).toNumber();
    return { up: own(spec.behavior?.scaleUp), down: own(spec.behavior?.scaleDown) };
  }

  /** The size to take, given what the metrics want. */
  #normalize(key: string, round: Round, current: number, desired: number): number {
    const { minReplicas: min = 1, maxReplicas: max, behavior } = round.autoscaler.spec;
    const decision = decide(
      {
        current,
        desired,
        min,
        max,
        behavior,
        downscaleStabilizationMs: this.#context.config.hpaDownscaleStabilizationMs,
        now: this.#now(),
      },
      this.#histories.get(key) ?? NO_HISTORY,
    );
    this.#histories.set(key, decision.history);
    const { able, limited } = decision;
    this.#condition(round, "AbleToScale", true, able.reason, able.message);
    this.#condition(round, "ScalingLimited", limited.status, limited.reason, limited.message);
    return decision.replicas;
  }

  async #rescale(
    key: string,
    round: Round,
    target: { readonly resource: Resource; readonly scale: Scale },
    replicas: number,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { events } = this.#context;
    const { autoscaler } = round;
    const current = target.scale.spec.replicas ?? 0;
    try {
      await this.#writeScale(target.resource, target.scale, replicas, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const text = errorText(error);
      const said = `New size: ${replicas}; reason: ${reason}; error: ${text}`;
      events.warning(resources.horizontalpodautoscalers, autoscaler, "FailedRescale", said);
      const message = `the HPA controller was unable to update the target scale: ${text}`;
      this.#condition(round, "AbleToScale", false, "FailedUpdateScale", message);
      const { desiredReplicas } = autoscaler.status;
      await this.#writeStatus(round, { currentReplicas: current, desiredReplicas, rescaled: false }, signal);
      const { kind, name } = autoscaler.spec.scaleTargetRef;
      const what = `${kind}/${autoscaler.metadata.namespace}/${name}`;
      throw new RoundFailed(`failed to rescale ${what}: ${text}`, { cause: error });
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    this.#condition(round, "AbleToScale", true, "SucceededRescale", message);
    const said = `New size: ${replicas}; reason: ${reason}`;
    events.normal(resources.horizontalpodautoscalers, autoscaler, "SuccessfulRescale", said);
    const history = this.#histories.get(key) ?? NO_HISTORY;
    const after = changed(history, autoscaler.spec.behavior, current, replicas, this.#now());
    this.#histories.set(key, after);
  }

  async #writeScale(resource: Resource, scale: Scale, replicas: number, signal: AbortSignal): Promise<void> {
    const { name, namespace = "" } = scale.metadata;
    let latest = scale;
    for (let tries = 1; ; tries++) {
      try {
        await this.#scales.update(resource, { ...latest, spec: { ...latest.spec, replicas } }, signal);
        return;
      } catch (error) {
        if (!isConflict(error) || tries === TRIES) throw error;
        latest = await this.#scales.get(resource, { namespace, name }, signal);
      }
    }
  }

  #condition(round: Round, type: string, status: boolean, reason: string, message: string): void {
    const next = { type, status: status ? "True" : "False", reason, message };
    round.conditions = setCondition<Condition>(round.conditions, next, this.#now());
  }

  /** Writes the status if anything changed; without `sizes` only its conditions. */
  async #writeStatus(
    { autoscaler, conditions, metrics }: Round,
    sizes: { currentReplicas: number; desiredReplicas: number; rescaled: boolean } | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { currentMetrics: before, ...kept } = autoscaler.status;
    const status: Autoscaler["status"] = { ...kept, conditions: [...conditions] };
    if (sizes !== undefined) {
      const { rescaled, ...counts } = sizes;
      Object.assign(status, counts, rescaled ? { lastScaleTime: formatTime(this.#now()) } : {});
    }
    const after = sizes === undefined ? (before ?? []) : metrics;
    if (deepEqual(status, { ...kept, conditions: kept.conditions ?? [] }) && deepEqual(before ?? [], after)) return;
    try {
      const body = { ...autoscaler, status: { ...status, currentMetrics: after } };
      await this.#client.update(body, { subresource: "status", signal });
    } catch (error) {
      const { events } = this.#context;
      events.warning(resources.horizontalpodautoscalers, autoscaler, "FailedUpdateStatus", errorText(error));
      throw new Error(`failed to update status for ${autoscaler.metadata.name}: ${errorText(error)}`, { cause: error });
    }
  }

  #now(): number {
    return this.#context.env.clock.now();
  }
}
