import { type corev1, type discoveryv1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import type { Selected } from "../common/selected.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { endpointChange } from "./endpoint.ts";
import { zoneShares, type ZoneShares } from "./hints.ts";
import { CONTROLLER, MANAGED_BY, planSlices, SERVICE_NAME, type SlicePlan } from "./plan.ts";
import { TriggerTimes } from "./trigger-time.ts";

type Service = corev1.Service;
type Slice = discoveryv1.EndpointSlice;

const BY_SERVICE = "service";
/** Foreign changes of slices are answered with a pause, so that two writers cannot chase each other. */
const SLICE_DELAY_MS = 1000;

/** Keeps the EndpointSlices of Services with selectors equal to the pods that they select. */
export class EndpointSliceController {
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<corev1.Node>;
  readonly #slices: Informer<Slice>;
  readonly #selected: Selected<Service, corev1.Pod>;
  readonly #client: ResourceClient<Slice>;
  readonly #ledger: WriteLedger<Slice>;
  readonly #triggers = new TriggerTimes();
  /** The version of each slice that we wrote last: its coming back through the informer is no news. */
  readonly #mine = new Map<string, string>();
  /** Slices that we delete. */
  readonly #removed = new Set<string>();
  readonly #loop: Loop;
  #shares: ZoneShares | "stale" = "stale";

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#services = caches.informer(resources.services);
    this.#nodes = caches.informer(resources.nodes);
    this.#slices = caches.informer(resources.endpointslices);
    caches.index(this.#slices, BY_SERVICE, (slice) => [serviceKeyOf(slice)].filter((key) => key !== undefined));
    this.#selected = caches.servicePods();
    this.#client = client.resource(resources.endpointslices);
    this.#ledger = new WriteLedger(this.#slices, this.#client, env, (slice) => this.#wakeServiceOf(slice, 0));
    this.#loop = new Loop({
      context,
      informers: [this.#selected, this.#nodes, this.#slices],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => this.#ledger.close(),
    });
    this.#loop.follow(this.#services);
    this.#followPods();
    this.#followSlices();
    this.#followNodes();
  }

  get component(): Component {
    return this.#loop;
  }

  #followPods(): void {
    const wake = (namespace: string, labels: Readonly<Record<string, string>> | undefined): void => {
      for (const service of this.#selected.selecting(namespace, labels)) this.#loop.add(cacheKey(service));
    };
    const touched = ({ metadata }: corev1.Pod): void => wake(metadata.namespace, metadata.labels);
    this.#context.caches.pods().handle({
      added: touched,
      deleted: touched,
      updated: (pod, before) => {
        const change = endpointChange(pod, before);
        if (!change.any) return;
        touched(pod);
        if (change.labels) touched(before);
      },
    });
  }

  #followSlices(): void {
    const changed = (slice: Slice, before?: Slice): void => {
      if (this.#mine.get(slice.metadata.uid) === slice.metadata.resourceVersion) return;
      if (isOurs(slice)) this.#wakeServiceOf(slice, SLICE_DELAY_MS);
      if (before !== undefined && isOurs(before)) this.#wakeServiceOf(before, SLICE_DELAY_MS);
    };
    this.#slices.handle({
      // Those of the beginning are looked at with their Services.
      added: (slice, initial) => {
        if (!initial) changed(slice);
      },
      updated: changed,
      deleted: (slice) => {
        this.#mine.delete(slice.metadata.uid);
        if (!this.#removed.delete(slice.metadata.uid)) changed(slice);
      },
    });
  }

  #followNodes(): void {
    const ready = (node: corev1.Node): string | undefined =>
      node.status.conditions?.find((condition) => condition.type === "Ready")?.status;
    const zone = (node: corev1.Node): string | undefined => node.metadata.labels?.["topology.kubernetes.io/zone"];
    const stale = (): void => void (this.#shares = "stale");
    this.#nodes.handle({
      added: stale,
      deleted: stale,
      updated: (node, before) => {
        if (ready(node) !== ready(before) || zone(node) !== zone(before)) stale();
      },
    });
  }

  #wakeServiceOf(slice: Slice, delay: number): void {
    const key = serviceKeyOf(slice);
    if (key !== undefined) this.#loop.addAfter(key, delay);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = this.#services.lister.get(key);
    if (service === undefined) {
      this.#triggers.forget(key);
      return;
    }
    if (service.spec.type === "ExternalName" || service.spec.selector === undefined) return;
    const pods = [...this.#selected.by(key)];
    const triggerTime = this.#triggers.note(key, service, pods);
    const plan = planSlices({
      service,
      pods,
      existing: this.#slicesOf(service, key),
      nodeOf: (name) => this.#nodes.lister.get(name),
      maxPerSlice: this.#context.config.maxEndpointsPerSlice,
      shares: this.#currentShares(),
      ...(triggerTime === undefined ? {} : { triggerTime }),
    });
    try {
      await this.#carryOut(plan, signal);
      this.#tell(service, plan);
      if (plan.skipped.length > 0) throw new Error(plan.skipped.join("; "));
    } catch (error) {
      if (!signal.aborted) {
        const message = `Error updating Endpoint Slices for Service ${key}: ${errorText(error)}`;
        this.#context.events.warning(resources.services, service, "FailedToUpdateEndpointSlices", message);
      }
      throw error;
    }
  }

  #slicesOf(service: Service, key: string): Slice[] {
    return this.#ledger
      .view(this.#slices.lister.byIndex(BY_SERVICE, key), service.metadata.uid)
      .filter((slice) => isOurs(slice) && slice.metadata.deletionTimestamp === undefined);
  }

  #currentShares(): ZoneShares {
    if (this.#shares === "stale") this.#shares = zoneShares(this.#nodes.lister.list());
    return this.#shares;
  }

  async #carryOut(plan: SlicePlan, signal: AbortSignal): Promise<void> {
    for (const slice of plan.create) {
      const created = await this.#client.create(slice, { signal });
      this.#mine.set(created.metadata.uid, created.metadata.resourceVersion);
      this.#ledger.created(created);
    }
    for (const slice of plan.update) {
      const updated = await this.#client.update(slice, { signal });
      this.#mine.set(updated.metadata.uid, updated.metadata.resourceVersion);
      this.#ledger.wrote(updated);
    }
    for (const slice of plan.remove) {
      this.#removed.add(slice.metadata.uid);
      await this.#client
        .delete(keyOf(slice), { preconditions: { uid: slice.metadata.uid }, signal })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      this.#ledger.deleting(slice);
    }
  }

  #tell(service: Service, plan: SlicePlan): void {
    for (const { type, reason, message } of plan.events) {
      this.#context.events[type](resources.services, service, reason, message);
    }
  }
}

function isOurs(slice: Slice): boolean {
  return slice.metadata.labels?.[MANAGED_BY] === CONTROLLER;
}

function serviceKeyOf(slice: Slice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME] ?? "";
  return name === "" ? undefined : `${slice.metadata.namespace}/${name}`;
}
