import { type appsv1, type corev1, resources } from "../../api/index.ts";
import type { Informer, ResourceClient } from "../../client/index.ts";
import { errorText } from "../../kit/index.ts";
import { hasCause, isAlreadyExists, isConflict, isNotFound } from "../../machinery/index.ts";
import { throwAll } from "../common/bounded.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import type { WriteLedger } from "../common/ledger.ts";
import { claimName, claimOwners, type ClaimPod, claimsFor, isForeign } from "./claims.ts";
import { conformed, isWanted } from "./identity.ts";
import type { Step } from "./plan.ts";

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;
type Claim = corev1.PersistentVolumeClaim;

/** What {@link StatefulActions} writes and notes. */
export interface StatefulStores {
  readonly podLedger: WriteLedger<Pod>;
  readonly claims: Informer<Claim>;
  readonly claimLedger: WriteLedger<Claim>;
}

/** Takes the steps of a plan, with the events that `kubectl describe` shows. */
export class StatefulActions {
  readonly #context: ControllerContext;
  readonly #pods: ResourceClient<Pod>;
  readonly #claims: ResourceClient<Claim>;
  readonly #stores: StatefulStores;

  constructor(context: ControllerContext, stores: StatefulStores) {
    this.#context = context;
    this.#pods = context.client.resource(resources.pods);
    this.#claims = context.client.resource(resources.persistentvolumeclaims);
    this.#stores = stores;
  }

  /** The claim of that name with our own writes in view. */
  claim(namespace: string, name: string): Claim | undefined {
    return this.#stores.claimLedger.get(`${namespace}/${name}`);
  }

  async take(set: StatefulSet, step: Step, signal: AbortSignal): Promise<void> {
    if (step.do === "create") await this.#create(set, step, signal);
    else if (step.do === "delete") await this.#delete(set, step.pod, signal);
    else if (step.do === "claims") await this.#mendClaims(set, step, signal);
    else await this.#conform(set, step, signal);
  }

  async #create(set: StatefulSet, step: Step & { do: "create" }, signal: AbortSignal): Promise<void> {
    const { name } = step.pod.metadata;
    try {
      await this.#createClaims(set, step.ordinal, name, signal);
      this.#stores.podLedger.created(await this.#pods.create(step.pod, { signal }));
    } catch (error) {
      if (!isAlreadyExists(error) && !hasCause(error, "NamespaceTerminating") && !signal.aborted) {
        this.#tell(set, "Create", `Pod ${name} in`, error);
      }
      throw error;
    }
    await this.#ownClaims(set, step.pod, step.ordinal, signal);
    this.#tell(set, "Create", `Pod ${name} in`);
  }

  /** `what` happened, or failed to. */
  #tell(set: StatefulSet, verb: string, what: string, error?: unknown): void {
    const { events } = this.#context;
    const text = `${verb} ${what} StatefulSet ${set.metadata.name}`;
    if (error === undefined) {
      events.normal(resources.statefulsets, set, `Successful${verb}`, `${text} successful`);
    } else {
      events.warning(resources.statefulsets, set, `Failed${verb}`, `${text} failed error: ${errorText(error)}`);
    }
  }

  async #delete(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const what = `Pod ${pod.metadata.name} in`;
    try {
      await this.#pods.delete(keyOf(pod), { preconditions: { uid: pod.metadata.uid }, signal });
      this.#stores.podLedger.deleting(pod);
      this.#tell(set, "Delete", what);
    } catch (error) {
      // A conflict means that another pod of this name is there by now.
      if (isNotFound(error) || isConflict(error)) this.#stores.podLedger.deleting(pod);
      else {
        if (!signal.aborted) this.#tell(set, "Delete", what, error);
        throw error;
      }
    }
  }

  async #mendClaims(set: StatefulSet, step: Step & { do: "claims" }, signal: AbortSignal): Promise<void> {
    await this.#createClaims(set, step.ordinal, step.pod.metadata.name, signal);
    await this.#ownClaims(set, step.pod, step.ordinal, signal);
  }

  /** Creates the claims that are not there. Throws when one cannot be, or is on its way out. */
  async #createClaims(set: StatefulSet, ordinal: number, podName: string, signal: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const draft of claimsFor(set, ordinal)) {
      const { name, namespace } = draft.metadata;
      const existing = this.claim(namespace, name);
      if (existing?.metadata.deletionTimestamp !== undefined) failures.push(new Error(`pvc ${name} is being deleted`));
      if (existing !== undefined) continue;
      try {
        this.#stores.claimLedger.created(await this.#claims.create(draft, { signal }));
        const text = `Create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name} success`;
        this.#context.events.normal(resources.statefulsets, set, "SuccessfulCreate", text);
      } catch (error) {
        if (!isAlreadyExists(error) && !signal.aborted) {
          this.#tell(set, "Create", `Claim ${name} for Pod ${podName} in`, error);
        }
        failures.push(new Error(`failed to create PVC ${name}: ${errorText(error)}`, { cause: error }));
      }
    }
    throwAll(failures);
  }

  /** Gives the claims of a pod the owners that the retention policy asks for. */
  async #ownClaims(set: StatefulSet, pod: ClaimPod, ordinal: number, signal: AbortSignal): Promise<void> {
    const { events } = this.#context;
    try {
      for (const { metadata } of set.spec.volumeClaimTemplates ?? []) {
        const name = claimName(set, metadata.name, ordinal);
        const claim = this.claim(set.metadata.namespace, name);
        if (claim === undefined) continue;
        if (isForeign(set, claim, pod)) {
          const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
          events.warning(resources.statefulsets, set, "ConflictingController", message);
        }
        const change = claimOwners(set, claim, pod, isWanted(set, ordinal));
        if (change === undefined) continue;
        const ownerReferences = [...change.owners];
        const changed = { ...claim, metadata: { ...claim.metadata, ownerReferences } };
        this.#stores.claimLedger.wrote(await this.#claims.update(changed, { signal }));
      }
    } catch (error) {
      if (!signal.aborted) this.#tell(set, "Update", `Pod ${pod.metadata.name} in`, error);
      throw error;
    }
  }

  async #conform(set: StatefulSet, { pod, ordinal }: Step & { do: "conform" }, signal: AbortSignal): Promise<void> {
    const wanted = isWanted(set, ordinal);
    const changed = wanted ? conformed(set, pod) : undefined;
    if (changed === undefined) {
      await this.#ownClaims(set, pod, ordinal, signal);
      return;
    }
    await this.#createClaims(set, ordinal, pod.metadata.name, signal);
    await this.#ownClaims(set, pod, ordinal, signal);
    try {
      this.#stores.podLedger.wrote(await this.#pods.update(changed, { signal }));
      this.#tell(set, "Update", `Pod ${pod.metadata.name} in`);
    } catch (error) {
      if (!signal.aborted) this.#tell(set, "Update", `Pod ${pod.metadata.name} in`, error);
      throw error;
    }
  }
}
