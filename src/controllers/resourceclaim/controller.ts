import { type corev1, type resourcev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { getControllerOf, hasCause, isNotFound } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import {
  claimFrom,
  claimNameOf,
  claimNames,
  FINALIZER,
  isOver,
  type Lookup,
  missingClaims,
  planClaim,
  POD_CLAIM,
  reservedFor,
  unreserved,
} from "./plan.ts";

type Claim = resourcev1.ResourceClaim;
type Consumer = resourcev1.ResourceClaimConsumerReference;
type Pod = corev1.Pod;

const POD = "pod:";
const CLAIM = "claim:";
/** Pods by the resource claims (`namespace/name`) that they use. */
const BY_RESOURCE_CLAIM = "resourceClaim";
const FIELD_MANAGER = "ResourceClaimController";

/** Makes claims to devices from pods' templates, and takes them back when pods are over. Allocating is the scheduler's. */
export class ResourceClaimController {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<Claim>;
  readonly #templates: Informer<resourcev1.ResourceClaimTemplate>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #claimClient: ResourceClient<Claim>;
  readonly #ledger: WriteLedger<Claim>;
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#pods = caches.pods();
    this.#claims = caches.owned(resources.resourceclaims);
    this.#templates = caches.informer(resources.resourceclaimtemplates);
    caches.index(this.#pods, BY_RESOURCE_CLAIM, (pod) =>
      claimNames(pod).map((name) => `${pod.metadata.namespace}/${name}`),
    );
    this.#podClient = client.resource(resources.pods);
    this.#claimClient = client.resource(resources.resourceclaims);
    this.#ledger = new WriteLedger(this.#claims, this.#claimClient, env, (claim) => this.#claimChanged(claim));
    this.#loop = new Loop({
      context,
      informers: [this.#pods, this.#claims, this.#templates],
      reconcile: (key, signal) =>
        key.startsWith(POD)
          ? this.#reconcilePod(key.slice(POD.length), signal)
          : this.#reconcileClaim(key.slice(CLAIM.length), signal),
      close: () => this.#ledger.close(),
    });
    const podChanged = (pod: Pod): void => this.#podChanged(pod, isOver(pod));
    this.#pods.handle({ added: podChanged, updated: podChanged, deleted: (pod) => this.#podChanged(pod, true) });
    const claimChanged = (claim: Claim): void => this.#claimChanged(claim);
    this.#claims.handle({ added: claimChanged, updated: claimChanged, deleted: claimChanged });
  }

  get component(): Component {
    return this.#loop;
  }

  #podChanged(pod: Pod, over: boolean): void {
    const { namespace } = pod.metadata;
    if (over) for (const name of claimNames(pod)) this.#loop.add(`${CLAIM}${namespace}/${name}`);
    if (pod.spec.resourceClaims === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const lookup = this.#lookupIn(namespace);
    if (missingClaims(pod, lookup).length > 0 || unreserved(pod, lookup).length > 0) {
      this.#loop.add(POD + cacheKey(pod));
    }
  }

  #claimChanged(claim: Claim): void {
    this.#loop.add(CLAIM + cacheKey(claim));
    for (const pod of this.#pods.lister.byIndex(BY_RESOURCE_CLAIM, cacheKey(claim))) this.#podChanged(pod, false);
  }

  #lookupIn(namespace: string): Lookup {
    return (name) => (name === "" ? undefined : this.#ledger.get(`${namespace}/${name}`));
  }

  async #reconcilePod(key: string, signal: AbortSignal): Promise<undefined> {
    const pod = this.#pods.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isOver(pod)) return;
    const lookup = this.#lookupIn(pod.metadata.namespace);
    const made = new Map<string, string>();
    for (const podClaim of missingClaims(pod, lookup)) {
      try {
        made.set(podClaim.name, (await this.#claimFor(pod, podClaim, signal)).metadata.name);
      } catch (error) {
        if (hasCause(error, "NamespaceTerminating") || signal.aborted) throw error;
        const message = `PodResourceClaim ${podClaim.name}: ${errorText(error)}`;
        this.#context.events.warning(resources.pods, pod, "FailedResourceClaimCreation", message);
        throw new Error(`pod ${key}, ${message}`, { cause: error });
      }
    }
    if (made.size > 0) await this.#tellPod(pod, made, signal);
    for (const claim of unreserved(pod, lookup)) {
      const options = { subresource: "status", signal };
      this.#ledger.wrote(await this.#claimClient.update(reservedFor(claim, pod), options));
    }
  }

  /** The claim for one of the pod's claims: made before, when the pod only was not told, or now. */
  async #claimFor(
    pod: Pod,
    podClaim: corev1.PodResourceClaim & { resourceClaimTemplateName: string },
    signal: AbortSignal,
  ): Promise<Claim> {
    const { uid, namespace } = pod.metadata;
    const own = this.#ledger.view(this.#claims.lister.byIndex(BY_CONTROLLER, uid), uid);
    const known = own.find(({ metadata }) => metadata.annotations?.[POD_CLAIM] === podClaim.name);
    if (known !== undefined) return known;
    const { resourceClaimTemplateName: name } = podClaim;
    const template = this.#templates.lister.get(`${namespace}/${name}`);
    if (template === undefined) {
      const cause = `resourceclaimtemplate.resource.k8s.io "${name}" not found`;
      throw new Error(`resource claim template "${name}": ${cause}`);
    }
    const created = await this.#claimClient.create(claimFrom(template, pod, podClaim), { signal });
    this.#ledger.created(created);
    return created;
  }

  /** Names all claims that were made for the pod: what is not named any more would be taken out. */
  async #tellPod(pod: Pod, made: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const { name, namespace } = pod.metadata;
    const resourceClaimStatuses = (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
      if (podClaim.resourceClaimTemplateName === undefined) return [];
      const resourceClaimName = made.get(podClaim.name) ?? claimNameOf(pod, podClaim);
      return resourceClaimName ? [{ name: podClaim.name, resourceClaimName }] : [];
    });
    const body = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, status: { resourceClaimStatuses } };
    const options = { subresource: "status", fieldManager: FIELD_MANAGER, signal };
    await this.#podClient.patch({ name, namespace }, { type: "apply", body, force: true }, options);
  }

  async #reconcileClaim(key: string, signal: AbortSignal): Promise<undefined> {
    const claim = this.#ledger.get(key);
    if (claim === undefined) return;
    const gone = new Set<string>();
    for (const consumer of claim.status.reservedFor ?? []) {
      if (await this.#isGone(claim, consumer, signal)) gone.add(consumer.uid);
    }
    const owner = getControllerOf(claim);
    const ownerPod =
      owner?.kind === "Pod" ? this.#pods.lister.get(`${claim.metadata.namespace}/${owner.name}`) : undefined;
    const plan = planClaim(claim, ({ uid }) => gone.has(uid), ownerPod);
    let latest = claim;
    try {
      if (plan.status !== undefined) {
        latest = await this.#claimClient.update({ ...latest, status: plan.status }, { subresource: "status", signal });
        this.#ledger.wrote(latest);
      }
      if (plan.unprotect) {
        const finalizers = (latest.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
        const freed = { ...latest, metadata: { ...latest.metadata, finalizers } };
        this.#ledger.wrote(await this.#claimClient.update(freed, { signal }));
      }
      if (plan.remove) {
        await this.#claimClient.delete(keyOf(claim), { preconditions: { uid: claim.metadata.uid }, signal });
        this.#ledger.deleting(claim);
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Whether the pod for which a claim is reserved needs it no more; of one that is not in the cache the server is asked. */
  async #isGone(claim: Claim, { apiGroup, resource, name, uid }: Consumer, signal: AbortSignal): Promise<boolean> {
    if (apiGroup || resource !== "pods") {
      throw new Error(`unsupported ReservedFor entry: ${resource}.${apiGroup ?? ""} ${name}`);
    }
    const { namespace } = claim.metadata;
    const cached = this.#pods.lister.get(`${namespace}/${name}`);
    if (cached !== undefined) return cached.metadata.uid !== uid || isOver(cached);
    try {
      return (await this.#podClient.get({ namespace, name }, { signal })).metadata.uid !== uid;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }
}
