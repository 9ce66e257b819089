import { type corev1, resources, type storagev1 } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import type { PluginHandle } from "../../framework/plugin.ts";
import { Assumed } from "../volumes/assumed.ts";
import { classOf, classOfVolume, isFullyBound, SELECTED_NODE, waitsForConsumer } from "../volumes/claims.ts";
import { allowsTopology, findVolume, hasCapacity, reachable, storageOf } from "../volumes/matching.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

/** A pod's claims by what is to be done about them. */
export interface PodClaims {
  readonly bound: readonly Claim[];
  /** To be bound where the pod will be. */
  readonly delayed: readonly Claim[];
  /** To be bound by others, before the pod can be scheduled. */
  readonly immediate: readonly Claim[];
}

/** What has to be done for a pod to have its volumes on one node. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: Claim; readonly volume: Volume }[];
  readonly provisions: readonly Claim[];
}

export const REASONS = {
  node: "node(s) didn't match PersistentVolume's node affinity",
  bind: "node(s) didn't find available persistent volumes to bind",
  space: "node(s) did not have enough free storage",
  missing: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
} as const;

const NO_PROVISIONER = "kubernetes.io/no-provisioner";
const BY_CLASS = "scheduler/storageClass";

function byClass(volume: Volume): readonly string[] {
  return [classOfVolume(volume)];
}

/** Knows volumes and claims as they are, and as they will be once what was decided here is done. */
export class VolumeBinder {
  readonly claims: Assumed<Claim>;
  readonly volumes: Assumed<Volume>;
  readonly #claims: Lister<Claim>;
  readonly #volumes: Lister<Volume>;
  readonly #classes: Lister<storagev1.StorageClass>;
  readonly #drivers: Lister<storagev1.CSIDriver>;
  readonly #capacities: Lister<storagev1.CSIStorageCapacity>;

  readonly #listeners = new Set<() => void>();

  constructor(handle: Pick<PluginHandle, "informer">) {
    const claims = handle.informer(resources.persistentvolumeclaims);
    const volumes = handle.informer(resources.persistentvolumes);
    volumes.addIndex(BY_CLASS, byClass);
    const tell = (): void => {
      for (const listener of this.#listeners) listener();
    };
    const changed = { added: tell, updated: tell, deleted: tell };
    claims.handle(changed);
    volumes.handle(changed);
    this.#claims = claims.lister;
    this.#volumes = volumes.lister;
    this.claims = new Assumed(claims.lister);
    this.volumes = new Assumed(volumes.lister);
    this.#classes = handle.informer(resources.storageclasses).lister;
    this.#drivers = handle.informer(resources.csidrivers).lister;
    this.#capacities = handle.informer(resources.csistoragecapacities).lister;
  }

  /** Calls whenever a claim or a volume has changed. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As the server has it. */
  claim(key: string): Claim | undefined {
    return this.#claims.get(key);
  }

  /** As the server has it. */
  volume(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  /** Sorts the claims of a pod. */
  sort(claims: readonly Claim[]): PodClaims {
    const [bound, delayed, immediate]: [Claim[], Claim[], Claim[]] = [[], [], []];
    for (const claim of claims) {
      if (isFullyBound(claim)) bound.push(claim);
      else if (!claim.spec.volumeName && waitsForConsumer(this.#classes.get(classOf(claim)))) delayed.push(claim);
      else immediate.push(claim);
    }
    return { bound, delayed, immediate };
  }

  /** What would have to be done on a node; or why it cannot be, as reasons. Throws for a claim that cannot be understood. */
  plan({ bound, delayed }: PodClaims, node: corev1.Node): VolumePlan | readonly string[] {
    const refused = this.#whyNotBound(bound, node);
    const [found, why] = delayed.length > 0 ? this.#planDelayed(delayed, node) : [NOTHING_TO_DO, undefined];
    // As upstream lists them.
    const reasons = [refused === REASONS.node && refused, why, refused === REASONS.missing && refused];
    const given = reasons.filter((reason): reason is string => typeof reason === "string");
    return given.length > 0 ? given : found;
  }

  #whyNotBound(claims: readonly Claim[], node: corev1.Node): string | undefined {
    for (const { spec } of claims) {
      const volume = this.volumes.get(spec.volumeName ?? "");
      if (!volume) return REASONS.missing;
      if (!reachable(volume, node)) return REASONS.node;
    }
    return undefined;
  }

  #planDelayed(claims: readonly Claim[], node: corev1.Node): [plan: VolumePlan, why: string | undefined] {
    const [search, provisions]: [Claim[], Claim[]] = [[], []];
    for (const claim of claims) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE];
      if (selected === undefined) search.push(claim);
      else if (selected === node.metadata.name) provisions.push(claim);
      else return [NOTHING_TO_DO, REASONS.bind];
    }
    const bindings: { claim: Claim; volume: Volume }[] = [];
    const taken = new Set<string>();
    const bySize = (a: Claim, b: Claim): number =>
      storageOf(a.spec.resources?.requests).cmp(storageOf(b.spec.resources?.requests));
    for (const claim of search.toSorted(bySize)) {
      const volume = findVolume(claim, this.#ofClass(classOf(claim)), node, taken);
      if (volume) {
        taken.add(volume.metadata.name);
        bindings.push({ claim, volume });
      } else provisions.push(claim);
    }
    for (const claim of provisions) {
      const why = this.#whyNotProvisioned(claim, node);
      if (why !== undefined) return [NOTHING_TO_DO, why];
    }
    return [{ bindings, provisions }, undefined];
  }

  #ofClass(name: string): Iterable<Volume> {
    return this.volumes.replaced(this.#volumes.byIndex(BY_CLASS, name), ({ metadata }) => metadata.name);
  }

  #whyNotProvisioned(claim: Claim, node: corev1.Node): string | undefined {
    const { namespace, name } = claim.metadata;
    const className = classOf(claim);
    if (className === "") throw new Error(`no class for claim ${JSON.stringify(`${namespace}/${name}`)}`);
    const storageClass = this.#classes.get(className);
    if (!storageClass) throw new Error(`failed to find storage class ${JSON.stringify(className)}`);
    const { provisioner } = storageClass;
    if (!provisioner || provisioner === NO_PROVISIONER || !allowsTopology(storageClass, node)) return REASONS.bind;
    const requests = claim.spec.resources?.requests;
    if (!requests?.["storage"] || this.#drivers.get(provisioner)?.spec.storageCapacity !== true) return undefined;
    const size = storageOf(requests);
    for (const capacity of this.#capacities.list()) {
      if (hasCapacity(capacity, className, size, node)) return undefined;
    }
    return REASONS.space;
  }
}

const NOTHING_TO_DO: VolumePlan = Object.freeze({ bindings: [], provisions: [] });
