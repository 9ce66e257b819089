import { type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { forEachBounded } from "../common/bounded.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CLAIM } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import { isPodTerminal } from "../common/pods.ts";
import { isClaimFor } from "../common/volumes.ts";
import { isGoing, isUnprotected, protectedBy, releasedFrom } from "./finalizer.ts";

type Claim = corev1.PersistentVolumeClaim;
type Pod = corev1.Pod;

const FINALIZER = "kubernetes.io/pvc-protection";
const CONCURRENCY = 16;

/**
 * Keeps claims that are deleted until no pod uses them. Claims of a namespace are decided together, so that the pods, of which the server must
 * be asked before a claim is let go, are listed once for all.
 */
export class ClaimProtection {
  readonly #claims: Informer<Claim>;
  readonly #pods: Informer<Pod>;
  readonly #client: ResourceClient<Claim>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #loop: Loop;
  /** Cache keys of claims to look at, by namespace. */
  readonly #pending = new Map<string, Set<string>>();

  constructor(context: ControllerContext) {
    const { caches, client } = context;
    this.#claims = caches.informer(resources.persistentvolumeclaims);
    this.#pods = caches.podsByClaim();
    this.#client = client.resource(resources.persistentvolumeclaims);
    this.#podClient = client.resource(resources.pods);
    this.#loop = new Loop({
      context,
      informers: [this.#claims, this.#pods],
      reconcile: (namespace, signal) => this.#reconcile(namespace, signal),
    });
    const changed = (claim: Claim): void => {
      if (isGoing(claim, FINALIZER) || isUnprotected(claim, FINALIZER)) this.#wake(claim);
    };
    this.#claims.handle({ added: changed, updated: changed });
    const freed = (pod: Pod): void => {
      if (isPodTerminal(pod) || isShutDown(pod) || !pod.spec.nodeName) this.#wakeClaimsOf(pod);
    };
    this.#pods.handle({
      added: freed,
      updated: (pod, before) => {
        if (pod.metadata.uid !== before.metadata.uid) this.#wakeClaimsOf(before);
        freed(pod);
      },
      deleted: (pod) => this.#wakeClaimsOf(pod),
    });
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeClaimsOf({ metadata, spec }: Pod): void {
    for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
      const claimName = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? "" : `${metadata.name}-${name}`);
      const claim = this.#claims.lister.get(`${metadata.namespace}/${claimName}`);
      if (claim !== undefined && isGoing(claim, FINALIZER)) this.#wake(claim);
    }
  }

  #wake(claim: Claim): void {
    const { namespace } = claim.metadata;
    const pending = this.#pending.get(namespace);
    if (pending === undefined) this.#pending.set(namespace, new Set([cacheKey(claim)]));
    else pending.add(cacheKey(claim));
    this.#loop.add(namespace);
  }

  async #reconcile(namespace: string, signal: AbortSignal): Promise<void> {
    const keys = this.#pending.get(namespace) ?? new Set<string>();
    this.#pending.delete(namespace);
    const going: Claim[] = [];
    try {
      for (const key of keys) {
        const claim = this.#claims.lister.get(key);
        if (claim === undefined) continue;
        if (isUnprotected(claim, FINALIZER)) await this.#client.update(protectedBy(claim, FINALIZER), { signal });
        else if (isGoing(claim, FINALIZER) && !this.#isUsed(claim)) going.push(claim);
      }
      if (going.length > 0) await this.#releaseUnused(namespace, going, signal);
    } catch (error) {
      const later = this.#pending.get(namespace) ?? new Set();
      this.#pending.set(namespace, new Set([...later, ...keys]));
      throw error;
    }
  }

  #isUsed(claim: Claim): boolean {
    for (const pod of this.#pods.lister.byIndex(BY_CLAIM, cacheKey(claim))) if (uses(pod, claim)) return true;
    return false;
  }

  /** Lets go of claims that no pod uses by the server's word: the cache may lack a pod that has just been scheduled. */
  async #releaseUnused(namespace: string, claims: readonly Claim[], signal: AbortSignal): Promise<void> {
    const { items } = await this.#podClient.list({ namespace, signal });
    const unused = claims.filter((claim) => !items.some((pod) => uses(pod, claim)));
    await forEachBounded(unused, CONCURRENCY, async (claim) => {
      await this.#client.update(releasedFrom(claim, FINALIZER), { signal });
    });
  }
}

/** Whether the pod has the claim's volume, or soon will. A node does not start pods whose claims are going. */
export function uses(pod: Pod, claim: Claim): boolean {
  if (!pod.spec.nodeName) return false;
  const { name } = claim.metadata;
  return (pod.spec.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === name) return true;
    if (volume.ephemeral === undefined || isShutDown(pod)) return false;
    return `${pod.metadata.name}-${volume.name}` === name && isClaimFor(claim, pod);
  });
}

/** Whether the node is done with the pod, or it was deleted by force: only its object is left. */
function isShutDown({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}
