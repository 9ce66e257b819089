import type { corev1 } from "../../../api/index.ts";
import { onceAborted } from "../../../kit/index.ts";
import type { NodeView } from "../../cache/node-view.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PluginHandle, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { failed, SKIP, type Status, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { claimsOf, notOwned } from "../volumes/claims.ts";
import { type PodClaims, VolumeBinder, type VolumePlan } from "./binder.ts";
import { decide, type Decision, isDone, revert, write } from "./decision.ts";
import { interests } from "./hints.ts";

const STATE = "VolumeBinding";
const UNBOUND = unresolvable("pod has unbound immediate PersistentVolumeClaims");

export interface VolumeBindingArgs {
  readonly bindTimeoutSeconds: number;
}

interface State {
  readonly claims: PodClaims;
  /** By node, for those that passed Filter. */
  readonly plans: Map<string, VolumePlan>;
  decision?: Decision;
}

/**
 * Volumes of pods: bound ones must be reachable from the node; others are bound to what can be reached from there, or are provisioned for it, before
 * the pod itself is bound.
 */
export class VolumeBinding implements SchedulerPlugin {
  readonly name = Names.VolumeBinding;
  readonly #handle: PluginHandle;
  readonly #binder: VolumeBinder;
  /** ms */
  readonly #timeout: number;

  constructor(args: VolumeBindingArgs, handle: PluginHandle) {
    this.#handle = handle;
    this.#timeout = args.bindTimeoutSeconds * 1000;
    this.#binder = handle.shared(STATE, () => new VolumeBinder(handle));
  }

  events(): readonly EventInterest[] {
    return interests();
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    const uses = claimsOf(cycle.pod);
    if (uses.length === 0) return { status: SKIP };
    const found: corev1.PersistentVolumeClaim[] = [];
    for (const use of uses) {
      const claim = this.#binder.claims.get(`${cycle.pod.metadata.namespace}/${use.name}`);
      const wrong = whyUnusable(cycle.pod, use, claim);
      if (wrong !== undefined) return { status: unresolvable(wrong) };
      if (claim) found.push(claim);
    }
    const claims = this.#binder.sort(found);
    if (claims.immediate.length > 0) return { status: UNBOUND };
    cycle.write(STATE, { claims, plans: new Map() } satisfies State);
    return undefined;
  }

  filter(cycle: SchedulingCycle, view: NodeView): Status | undefined {
    const state = cycle.read<State>(STATE);
    const { node } = view;
    if (!state || !node) return undefined;
    try {
      const plan = this.#binder.plan(state.claims, node);
      if (!("bindings" in plan)) return unresolvable(...plan);
      state.plans.set(view.name, plan);
      return undefined;
    } catch (error) {
      return failed(error);
    }
  }

  reserve(cycle: SchedulingCycle, node: string): Status | undefined {
    const state = cycle.read<State>(STATE);
    const plan = state?.plans.get(node);
    if (!state || !plan || state.claims.delayed.length === 0) return undefined;
    try {
      state.decision = decide(this.#binder, plan, node);
      return undefined;
    } catch (error) {
      return failed(error);
    }
  }

  unreserve(cycle: SchedulingCycle): void {
    const decision = cycle.read<State>(STATE)?.decision;
    if (decision) revert(this.#binder, decision);
  }

  preBindPreFlight(cycle: SchedulingCycle): Status | undefined {
    return cycle.read<State>(STATE)?.decision ? undefined : SKIP;
  }

  async preBind(cycle: SchedulingCycle, node: string, signal: AbortSignal): Promise<Status | undefined> {
    const decision = cycle.read<State>(STATE)?.decision;
    if (!decision) return undefined;
    try {
      await write(this.#handle.client, decision);
      await this.#untilBound(cycle, decision, node, signal);
      return undefined;
    } catch (error) {
      return failed(error);
    }
  }

  async #untilBound(cycle: SchedulingCycle, decision: Decision, node: string, signal: AbortSignal): Promise<void> {
    let late = false;
    let wake = (): void => undefined;
    const timer = this.#handle.env.clock.setTimer(this.#timeout, () => {
      late = true;
      wake();
    });
    const stop = this.#binder.onChange(() => wake());
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => (wake = resolve));
        const slot = cycle.nodes.find(node);
        const object = slot === undefined ? undefined : cycle.nodes.node(slot);
        if (!object) throw new Error(`binding volumes: failed to get node ${JSON.stringify(node)}`);
        if (isDone(this.#binder, decision, object)) return;
        if (late) throw new Error("binding volumes: context deadline exceeded");
        if (!cycle.cache.pod(cycle.info.uid)) throw new Error("binding volumes: pod does not exist any more");
        if (signal.aborted) throw new Error("binding volumes: the scheduler is stopping");
        await Promise.race([changed, onceAborted(signal)]);
      }
    } finally {
      timer.cancel();
      stop();
    }
  }
}

function whyUnusable(
  pod: corev1.Pod,
  { name, ephemeral }: { readonly name: string; readonly ephemeral: boolean },
  claim: corev1.PersistentVolumeClaim | undefined,
): string | undefined {
  const quoted = JSON.stringify(name);
  if (!claim) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
      : `persistentvolumeclaim ${quoted} not found`;
  }
  if (claim.status?.phase === "Lost") {
    return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? "")}`;
  }
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`;
  return ephemeral ? notOwned(pod, claim) : undefined;
}
