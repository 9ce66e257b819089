import { type corev1, resources, type storagev1 } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { splitKey } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CLAIM } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { isPodTerminal } from "../common/pods.ts";
import { claimKeyOf, classOf, defaultClass } from "../common/volumes.ts";
import { boundClaim, boundStatus, boundVolume, unboundStatus, unboundVolume } from "./binding.ts";
import { bestVolume } from "./match.ts";
import { type ClaimStep, planClaim, planVolume, reclaimFailure, type Report } from "./plan.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

const CLAIM = "claim:";
const VOLUME = "volume:";
/** Volumes that nobody has claimed, by class. */
const FREE = "freeByClass";
/** Volumes by the claim that they are bound to or kept for. */
const CLAIMED = "claimedBy";
/** Claims without a volume, by class. */
const UNBOUND = "unboundByClass";
/** Claims by the volume that they name. */
const NAMING = "volumeName";
const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner";

/**
 * Binds claims to volumes, asks provisioners for what is missing, and releases volumes whose claims have gone. Everything goes through
 * one worker, so that no two claims take the same volume.
 */
export class VolumeBinder {
  readonly #context: ControllerContext;
  readonly #claims: Informer<Claim>;
  readonly #volumes: Informer<Volume>;
  readonly #classes: Informer<storagev1.StorageClass>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #claimClient: ResourceClient<Claim>;
  readonly #volumeClient: ResourceClient<Volume>;
  readonly #claimLedger: WriteLedger<Claim>;
  readonly #volumeLedger: WriteLedger<Volume>;
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#claims = caches.informer(resources.persistentvolumeclaims);
    this.#volumes = caches.informer(resources.persistentvolumes);
    this.#classes = caches.informer(resources.storageclasses);
    this.#pods = caches.podsByClaim();
    caches.index(this.#volumes, FREE, (volume) => (volume.spec.claimRef === undefined ? [classOf(volume)] : []));
    caches.index(this.#volumes, CLAIMED, (volume) => {
      const key = claimKeyOf(volume);
      return key === undefined ? [] : [key];
    });
    caches.index(this.#claims, UNBOUND, (claim) => (claim.spec.volumeName ? [] : [classOf(claim)]));
    caches.index(this.#claims, NAMING, ({ spec }) => (spec.volumeName ? [spec.volumeName] : []));
    this.#claimClient = client.resource(resources.persistentvolumeclaims);
    this.#volumeClient = client.resource(resources.persistentvolumes);
    this.#claimLedger = new WriteLedger(this.#claims, this.#claimClient, env, (claim) => this.#wakeClaim(claim));
    this.#volumeLedger = new WriteLedger(this.#volumes, this.#volumeClient, env, (volume) => this.#wakeVolume(volume));
    this.#loop = new Loop({
      context,
      workers: 1,
      informers: [this.#claims, this.#volumes, this.#classes, this.#pods],
      reconcile: (key, signal) =>
        key.startsWith(CLAIM)
          ? this.#reconcileClaim(key.slice(CLAIM.length), signal)
          : this.#reconcileVolume(key.slice(VOLUME.length), signal),
      close: () => {
        this.#claimLedger.close();
        this.#volumeLedger.close();
      },
    });
    this.#follow();
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeClaim(claim: Claim): void {
    this.#loop.add(CLAIM + cacheKey(claim));
  }

  #wakeVolume(volume: Volume): void {
    this.#loop.add(VOLUME + volume.metadata.name);
  }

  #follow(): void {
    this.#claims.handle({
      added: (claim) => this.#wakeClaim(claim),
      updated: (claim) => this.#wakeClaim(claim),
      deleted: (claim) => {
        for (const volume of this.#volumes.lister.byIndex(CLAIMED, cacheKey(claim))) this.#wakeVolume(volume);
      },
    });
    this.#volumes.handle({
      added: (volume) => this.#volumeChanged(volume),
      updated: (volume) => this.#volumeChanged(volume),
      deleted: (volume) => this.#wakeClaimsOf(volume),
    });
    const classChanged = ({ metadata }: storagev1.StorageClass): void => {
      this.#wakeUnbound(metadata.name);
      this.#wakeUnbound("");
    };
    this.#classes.handle({ added: classChanged, updated: classChanged });
  }

  #volumeChanged(volume: Volume): void {
    this.#wakeVolume(volume);
    this.#wakeClaimsOf(volume);
    if (volume.spec.claimRef === undefined && volume.status.phase === "Available") this.#wakeUnbound(classOf(volume));
  }

  #wakeClaimsOf(volume: Volume): void {
    const key = claimKeyOf(volume);
    if (key !== undefined) this.#loop.add(CLAIM + key);
    for (const claim of this.#claims.lister.byIndex(NAMING, volume.metadata.name)) this.#wakeClaim(claim);
  }

  #wakeUnbound(storageClass: string): void {
    for (const claim of this.#claims.lister.byIndex(UNBOUND, storageClass)) this.#wakeClaim(claim);
  }

  async #reconcileClaim(key: string, signal: AbortSignal): Promise<number | undefined> {
    const claim = this.#claimLedger.get(key);
    if (claim === undefined) return undefined;
    const step = planClaim(claim, {
      match: (waits) => bestVolume(claim, this.#candidates(claim), waits),
      volume: (name) => this.#volumeLedger.get(name),
      class: (name) => this.#classes.lister.get(name),
      defaultClass: () => defaultClass(this.#classes.lister.list()),
      waitingPods: () => this.#waitingPods(key),
    });
    await this.#takeClaimStep(claim, step, signal);
    // What keeps a claim waiting is told again and again, so that whoever looks finds it.
    const settled = step.do === "bind" || step.do === "lose";
    return settled ? undefined : this.#context.config.pvClaimBinderSyncPeriodMs;
  }

  /** Volumes kept for the claim, and those of its class that nobody has claimed. */
  *#candidates(claim: Claim): Generator<Volume> {
    const { lister } = this.#volumes;
    for (const volume of lister.byIndex(CLAIMED, cacheKey(claim))) yield this.#volumeLedger.current(volume);
    for (const volume of lister.byIndex(FREE, classOf(claim))) yield this.#volumeLedger.current(volume);
  }

  #waitingPods(claimKey: string): string[] {
    const pods = [...this.#pods.lister.byIndex(BY_CLAIM, claimKey)];
    return pods.filter((pod) => !isPodTerminal(pod) && !pod.spec.nodeName).map(({ metadata }) => metadata.name);
  }

  async #takeClaimStep(claim: Claim, step: ClaimStep, signal: AbortSignal): Promise<void> {
    switch (step.do) {
      case "bind":
        await this.#bind(step.volume, claim, signal);
        break;
      case "pend":
        if (step.report !== undefined) this.#tellClaim(claim, step.report);
        await this.#writeClaimStatus(claim, unboundStatus(claim, "Pending"), signal);
        break;
      case "lose":
        if (claim.status.phase === "Lost") break;
        await this.#writeClaimStatus(claim, unboundStatus(claim, "Lost"), signal);
        this.#tellClaim(claim, step.report);
        break;
      case "assignClass":
        await this.#writeClaim({ ...claim, spec: { ...claim.spec, storageClassName: step.name } }, signal);
        break;
      case "provision":
        await this.#provision(claim, step.provisioner, signal);
    }
  }

  #tellClaim(claim: Claim, { warning, reason, message }: Report): void {
    const { events } = this.#context;
    events[warning ? "warning" : "normal"](resources.persistentvolumeclaims, claim, reason, message);
  }

  #tellVolume(volume: Volume, { warning, reason, message }: Report): void {
    const { events } = this.#context;
    events[warning ? "warning" : "normal"](resources.persistentvolumes, volume, reason, message);
  }

  /** First the volume, so that nobody else takes it; whatever fails is taken up by the next round. */
  async #bind(volume: Volume, claim: Claim, signal: AbortSignal): Promise<void> {
    let boundTo = boundVolume(volume, claim);
    if (boundTo !== volume) boundTo = await this.#writeVolume(boundTo, signal);
    boundTo = await this.#writePhase(boundTo, "Bound", "", signal);
    let bound = boundClaim(claim, boundTo);
    if (bound !== claim) bound = await this.#writeClaim(bound, signal);
    await this.#writeClaimStatus(bound, boundStatus(bound, boundTo), signal);
  }

  async #provision(claim: Claim, provisioner: string, signal: AbortSignal): Promise<void> {
    const { annotations } = claim.metadata;
    if (annotations?.[PROVISIONER] !== provisioner) {
      const changed = { ...annotations, [BETA_PROVISIONER]: provisioner, [PROVISIONER]: provisioner };
      try {
        await this.#writeClaim({ ...claim, metadata: { ...claim.metadata, annotations: changed } }, signal);
      } catch (error) {
        const message = `Error saving claim: ${errorText(error)}`;
        this.#tellClaim(claim, { warning: true, reason: "ProvisioningFailed", message });
        throw error;
      }
    }
    const message =
      `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system ` +
      `administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    this.#tellClaim(claim, { warning: false, reason: "ExternalProvisioning", message });
  }

  async #reconcileVolume(name: string, signal: AbortSignal): Promise<undefined> {
    const volume = this.#volumeLedger.get(name);
    if (volume === undefined) return;
    const claim = await this.#claimOf(volume, signal);
    const step = planVolume(volume, claim);
    switch (step.do) {
      case "phase":
        await this.#writePhase(volume, step.phase, "", signal);
        break;
      case "wakeClaim":
        this.#loop.add(CLAIM + step.key);
        break;
      case "reclaim":
        await this.#reclaim(volume, signal);
        break;
      case "unbind":
        await this.#writePhase(await this.#writeVolume(unboundVolume(volume), signal), "Available", "", signal);
        break;
      case "tell":
        this.#tellVolume(volume, step.volume);
        if (claim !== undefined) this.#tellClaim(claim, step.claim);
    }
  }

  /** The claim that a volume is bound to. Before it is given up for lost, the server is asked. */
  async #claimOf(volume: Volume, signal: AbortSignal): Promise<Claim | undefined> {
    const key = claimKeyOf(volume);
    const uid = volume.spec.claimRef?.uid;
    if (key === undefined || !uid) return undefined;
    const cached = this.#claimLedger.get(key);
    if (cached?.metadata.uid === uid) return cached;
    if (volume.status.phase === "Released" || volume.status.phase === "Failed") return undefined;
    try {
      const live = await this.#claimClient.get(splitKey(key), { signal });
      return live.metadata.uid === uid ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #reclaim(volume: Volume, signal: AbortSignal): Promise<void> {
    const over = volume.status.phase === "Released" || volume.status.phase === "Failed";
    const released = over ? volume : await this.#writePhase(volume, "Released", "", signal);
    const failure = reclaimFailure(released);
    if (failure === undefined || released.status.phase === "Failed") return;
    await this.#writePhase(released, "Failed", failure.message, signal);
    this.#tellVolume(released, failure);
  }

  async #writeVolume(volume: Volume, signal: AbortSignal): Promise<Volume> {
    const written = await this.#volumeClient.update(volume, { signal });
    this.#volumeLedger.wrote(written);
    return written;
  }

  async #writePhase(
    volume: Volume,
    phase: NonNullable<Volume["status"]["phase"]>,
    message: string,
    signal: AbortSignal,
  ): Promise<Volume> {
    if (volume.status.phase === phase) return volume;
    const { message: _before, ...kept } = volume.status;
    const status = { ...kept, phase, ...(message === "" ? {} : { message }) };
    const written = await this.#volumeClient.update({ ...volume, status }, { subresource: "status", signal });
    this.#volumeLedger.wrote(written);
    return written;
  }

  async #writeClaim(claim: Claim, signal: AbortSignal): Promise<Claim> {
    const written = await this.#claimClient.update(claim, { signal });
    this.#claimLedger.wrote(written);
    return written;
  }

  async #writeClaimStatus(claim: Claim, status: Claim["status"], signal: AbortSignal): Promise<void> {
    if (status === claim.status) return;
    try {
      const written = await this.#claimClient.update({ ...claim, status }, { subresource: "status", signal });
      this.#claimLedger.wrote(written);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
