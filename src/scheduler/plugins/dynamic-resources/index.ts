import { type resourcev1, resources } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import { errorText } from "../../../kit/index.ts";
import { parseDuration } from "../../../machinery/index.ts";
import { type NodeMatcher, nodeSelector } from "../../cache/node-selector.ts";
import type { NodeView } from "../../cache/node-view.ts";
import type { PodInfo } from "../../cache/pod-info.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type {
  EventInterest,
  PluginHandle,
  PostFilterResult,
  PreFilterResult,
  SchedulerPlugin,
} from "../../framework/plugin.ts";
import { failed, SKIP, type Status, unresolvable, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { normalizeByMax } from "../normalize.ts";
import { allocate, NoAllocation } from "./allocator.ts";
import { ClaimTracker, keyOf } from "./claim-tracker.ts";
import { DeviceSelectors } from "./device-cel.ts";
import { interests } from "./hints.ts";
import { claimsOfPod, isReservedFor } from "./pod-claims.ts";
import { shown } from "./requests.ts";
import { SliceIndex } from "./slice-index.ts";
import { deallocate, releaseClaim, reserveClaim } from "./write.ts";

type Claim = resourcev1.ResourceClaim;

const STATE = "DynamicResources";
/** As many alternatives a request can have. */
const MAX_ALTERNATIVES = 8;
const UNAVAILABLE = unresolvable("resourceclaim not available on the node");
const NOT_ALL = unresolvable("cannot allocate all claims");
const TIMED_OUT = unresolvable("timed out trying to allocate devices");
const NOTHING_TO_FREE: PostFilterResult = { status: unschedulable("no new claims to deallocate") };

export interface DynamicResourcesArgs {
  readonly filterTimeout?: string;
}

/** What all profiles share: a device must not be given away twice. */
interface Shared {
  readonly tracker: ClaimTracker;
  readonly slices: SliceIndex;
  readonly selectors: DeviceSelectors;
}

/** A claim of the pod, and what is found out about it. */
interface Use {
  claim: Claim;
  /** Where its devices are; undefined: everywhere, or not allocated. */
  readonly reachable: NodeMatcher | undefined;
  /** Decided in this cycle, to be written. */
  allocation?: resourcev1.AllocationResult;
}

interface State {
  readonly uses: readonly Use[];
  /** Those without devices. */
  readonly unallocated: readonly Use[];
  /** By node, for those that passed; in the order of `unallocated`. */
  readonly plans: Map<string, readonly resourcev1.AllocationResult[]>;
  /** Allocated, but not for some node. */
  readonly unavailable: Set<Use>;
}

class Timeout extends Error {}

/** Devices: what a pod's claims ask for must be there, and is allocated, before the pod is bound. */
export class DynamicResources implements SchedulerPlugin {
  readonly name = Names.DynamicResources;
  readonly #handle: PluginHandle;
  readonly #shared: Shared;
  readonly #classes: Lister<resourcev1.DeviceClass>;
  /** ms; 0: for ever. */
  readonly #timeout: number;

  constructor({ filterTimeout = "10s" }: DynamicResourcesArgs, handle: PluginHandle) {
    this.#handle = handle;
    this.#timeout = parseDuration(filterTimeout);
    this.#classes = handle.informer(resources.deviceclasses).lister;
    this.#shared = handle.shared(STATE, () => ({
      tracker: new ClaimTracker(handle),
      slices: new SliceIndex(handle),
      selectors: new DeviceSelectors(),
    }));
  }

  events(): readonly EventInterest[] {
    return interests(this.#shared.tracker);
  }

  preEnqueue({ pod }: PodInfo): Status | undefined {
    if (!pod.spec.resourceClaims?.length) return undefined;
    const claims = claimsOfPod(pod, this.#shared.tracker);
    return typeof claims === "string" ? unresolvable(claims) : undefined;
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    if (!cycle.pod.spec.resourceClaims?.length) return { status: SKIP };
    const claims = claimsOfPod(cycle.pod, this.#shared.tracker);
    if (typeof claims === "string") return { status: unresolvable(claims) };
    if (claims.length === 0) return { status: SKIP };
    for (const claim of claims) {
      const why = claim.status?.allocation ? undefined : this.#whyNotAllocatable(claim);
      if (why !== undefined) return { status: unresolvable(why) };
    }
    const uses = claims.map((claim): Use => {
      const selector = claim.status?.allocation?.nodeSelector;
      return { claim, reachable: selector && nodeSelector(selector) };
    });
    const unallocated = uses.filter(({ claim }) => !claim.status?.allocation);
    cycle.write(STATE, { uses, unallocated, plans: new Map(), unavailable: new Set() } satisfies State);
    return undefined;
  }

  filter(cycle: SchedulingCycle, { node, name }: NodeView): Status | undefined {
    const state = cycle.read<State>(STATE);
    if (!state || !node) return undefined;
    const lacking = state.uses.filter(({ reachable }) => reachable && !reachable.matches(node));
    if (state.unallocated.length > 0) {
      const plan = this.#plan(
        state.unallocated.map(({ claim }) => claim),
        node,
      );
      if (!Array.isArray(plan)) return plan as Status;
      state.plans.set(name, plan);
    }
    for (const use of lacking) state.unavailable.add(use);
    return lacking.length > 0 ? UNAVAILABLE : undefined;
  }

  async postFilter(cycle: SchedulingCycle): Promise<PostFilterResult> {
    const state = cycle.read<State>(STATE);
    if (!state) return NOTHING_TO_FREE;
    for (const { claim } of state.unavailable) {
      const users = claim.status?.reservedFor ?? [];
      if (!users.every(({ uid }) => uid === cycle.info.uid)) continue;
      await deallocate(this.#handle.client, claim);
      return { status: unschedulable("deallocation of ResourceClaim completed") };
    }
    return { status: unschedulable("still not schedulable") };
  }

  preScore(cycle: SchedulingCycle): Status | undefined {
    return cycle.read<State>(STATE)?.unallocated.length ? undefined : SKIP;
  }

  /** More for alternatives that come early in the requests' lists. */
  score(cycle: SchedulingCycle, { name }: NodeView): number {
    const state = cycle.read<State>(STATE);
    const plan = state?.plans.get(name);
    if (!state || !plan) return 0;
    return state.unallocated.reduce((sum, { claim }, i) => sum + rankOf(claim, plan[i]), 0);
  }

  normalizeScores(_: SchedulingCycle, _slots: Int32Array, count: number, scores: Float64Array): void {
    normalizeByMax(scores, count, false);
  }

  reserve(cycle: SchedulingCycle, node: string): Status | undefined {
    const state = cycle.read<State>(STATE);
    if (!state || state.unallocated.length === 0) return undefined;
    const plan = state.plans.get(node);
    if (!plan) return failed("claim allocation not found for node");
    for (const [i, use] of state.unallocated.entries()) {
      const allocation = plan[i] as resourcev1.AllocationResult;
      use.allocation = allocation;
      this.#shared.tracker.setPending(use.claim.metadata.uid, allocation);
    }
    return undefined;
  }

  unreserve(cycle: SchedulingCycle): void {
    const { tracker } = this.#shared;
    for (const { claim, allocation } of cycle.read<State>(STATE)?.uses ?? []) {
      if (allocation && tracker.settle(claim.metadata.uid)) tracker.restore(keyOf(claim));
      if (!claim.status?.allocation || !isReservedFor(claim, cycle.pod)) continue;
      releaseClaim(this.#handle.client, claim, cycle.pod).catch((error: unknown) => {
        // It is tried again when the pod is.
        this.#handle.env.log.error("Claim not released", { claim: shown(claim), error: errorText(error) });
      });
    }
  }

  preBindPreFlight(cycle: SchedulingCycle): Status | undefined {
    return cycle.read<State>(STATE) ? undefined : SKIP;
  }

  async preBind(cycle: SchedulingCycle, _node: string, signal: AbortSignal): Promise<Status | undefined> {
    const { tracker } = this.#shared;
    for (const use of cycle.read<State>(STATE)?.uses ?? []) {
      const { claim, allocation } = use;
      if (isReservedFor(claim, cycle.pod)) continue;
      try {
        use.claim = await reserveClaim(this.#handle.client, claim, cycle.pod, allocation, signal);
        tracker.assume(use.claim);
      } catch (error) {
        return failed(error);
      } finally {
        if (allocation) tracker.settle(claim.metadata.uid);
      }
    }
    return undefined;
  }

  #whyNotAllocatable(claim: Claim): string | undefined {
    if (this.#shared.tracker.isPending(claim.metadata.uid)) {
      return `resource claim ${shown(claim)} is in the process of being allocated`;
    }
    for (const { name, exactly, firstAvailable } of claim.spec.devices.requests ?? []) {
      const alternatives = exactly
        ? [{ name, deviceClassName: exactly.deviceClassName }]
        : (firstAvailable ?? []).map((sub) => ({ name: `${name}/${sub.name}`, deviceClassName: sub.deviceClassName }));
      if (alternatives.length === 0) return `resource claim ${shown(claim)}, request ${name}: unknown request type`;
      for (const one of alternatives) {
        if (this.#classes.get(one.deviceClassName)) continue;
        return `request ${one.name}: device class ${one.deviceClassName} does not exist`;
      }
    }
    return undefined;
  }

  #plan(
    claims: readonly Claim[],
    node: NonNullable<NodeView["node"]>,
  ): readonly resourcev1.AllocationResult[] | Status {
    const { clock } = this.#handle.env;
    const { tracker, slices, selectors } = this.#shared;
    const end = this.#timeout > 0 ? clock.monotonic() + this.#timeout : Infinity;
    try {
      const found = allocate(node, claims, {
        slices,
        selectors,
        deviceClass: (name) => this.#classes.get(name),
        isInUse: (device) => tracker.isInUse(device),
        checkTime: () => {
          if (clock.monotonic() > end) throw new Timeout();
        },
      });
      return found ?? NOT_ALL;
    } catch (error) {
      if (error instanceof Timeout) return TIMED_OUT;
      return error instanceof NoAllocation ? unresolvable(error.message) : failed(error);
    }
  }
}

function rankOf({ spec }: Claim, allocation: resourcev1.AllocationResult | undefined): number {
  const taken = new Set(allocation?.devices.results?.map(({ request }) => request));
  let rank = 0;
  for (const { name, firstAvailable = [] } of spec.devices.requests ?? []) {
    for (const [i, sub] of firstAvailable.entries()) if (taken.has(`${name}/${sub.name}`)) rank += MAX_ALTERNATIVES - i;
  }
  return rank;
}
