import type { corev1, storagev1 } from "../../api/index.ts";
import { claimKeyOf, classOf, hasClass } from "../common/volumes.ts";
import { isFor, mismatch, modesDiffer } from "./match.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

/** Set once a claim has been bound for the first time. */
export const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
/** Set where the binding was this controller's choice, which it may take back. */
export const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";
/** The node that the scheduler chose for a claim that waits for its first consumer. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";
/** Who provisioned a volume. */
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";

/** Something to tell in an event. */
export interface Report {
  readonly warning: boolean;
  readonly reason: string;
  readonly message: string;
}

const normal = (reason: string, message: string): Report => ({ warning: false, reason, message });
const warning = (reason: string, message: string): Report => ({ warning: true, reason, message });

/** What to do about a claim. */
export type ClaimStep =
  | { readonly do: "bind"; readonly volume: Volume }
  | { readonly do: "pend"; readonly report?: Report }
  | { readonly do: "lose"; readonly report: Report }
  | { readonly do: "assignClass"; readonly name: string }
  /** Asks the provisioner of that name for a volume. */
  | { readonly do: "provision"; readonly provisioner: string };

/** What a decision about a claim is made of. */
export interface ClaimWorld {
  /** The best volume for the claim, knowing whether it waits for its first consumer. */
  match(waits: boolean): Volume | undefined;
  volume(name: string): Volume | undefined;
  class(name: string): storagev1.StorageClass | undefined;
  defaultClass(): storagev1.StorageClass | undefined;
  /** Names of pods that use the claim and have no node yet. */
  waitingPods(): readonly string[];
}

export function planClaim(claim: Claim, world: ClaimWorld): ClaimStep {
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return planBound(claim, world);
  const { volumeName } = claim.spec;
  return volumeName ? planNamed(claim, volumeName, world) : planUnbound(claim, world);
}

function planUnbound(claim: Claim, world: ClaimWorld): ClaimStep {
  const storageClass = world.class(classOf(claim));
  const waits = storageClass?.volumeBindingMode === "WaitForFirstConsumer";
  const volume = world.match(waits);
  if (volume !== undefined) return { do: "bind", volume };
  const byDefault = hasClass(claim) ? undefined : world.defaultClass();
  if (byDefault !== undefined) return { do: "assignClass", name: byDefault.metadata.name };
  if (waits && claim.metadata.annotations?.[SELECTED_NODE] === undefined) {
    return { do: "pend", report: waitingReport(world.waitingPods()) };
  }
  const name = classOf(claim);
  if (name === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return { do: "pend", report: normal("FailedBinding", message) };
  }
  return planProvision(name, storageClass);
}

function waitingReport(pods: readonly string[]): Report {
  if (pods.length === 0)
    return normal("WaitForFirstConsumer", "waiting for first consumer to be created before binding");
  const which = pods.length > 1 ? `pods ${pods.join(",")}` : `pod ${pods[0]}`;
  return normal("WaitForPodScheduled", `waiting for ${which} to be scheduled`);
}

function planProvision(name: string, storageClass: storagev1.StorageClass | undefined): ClaimStep {
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io "${name}" not found`;
    return { do: "pend", report: warning("ProvisioningFailed", message) };
  }
  const { provisioner } = storageClass;
  // What used to be built in is served by drivers now; these names stand for no driver.
  if (provisioner.startsWith("kubernetes.io/")) {
    return { do: "pend", report: warning("ProvisioningFailed", `no volume plugin matched name: ${provisioner}`) };
  }
  return { do: "provision", provisioner };
}

/** The user asks for one volume. */
function planNamed(claim: Claim, name: string, world: ClaimWorld): ClaimStep {
  const volume = world.volume(name);
  if (volume === undefined) return { do: "pend" };
  if (volume.spec.claimRef === undefined) {
    const reason = mismatch(claim, volume);
    if (reason === undefined) return { do: "bind", volume };
    const message = `Cannot bind to requested volume "${name}": ${reason}`;
    return { do: "pend", report: warning("VolumeMismatch", message) };
  }
  if (isFor(volume, claim)) return { do: "bind", volume };
  return { do: "pend", report: warning("FailedBinding", `volume "${name}" already bound to a different claim.`) };
}

function planBound(claim: Claim, world: ClaimWorld): ClaimStep {
  const { volumeName } = claim.spec;
  if (!volumeName) {
    const message = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
    return { do: "lose", report: warning("ClaimLost", message) };
  }
  const volume = world.volume(volumeName);
  if (volume === undefined) {
    const message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
    return { do: "lose", report: warning("ClaimLost", message) };
  }
  const owner = volume.spec.claimRef;
  if (owner === undefined || owner.uid === claim.metadata.uid) return { do: "bind", volume };
  const message = "Two claims are bound to the same volume, this one is bound incorrectly";
  return { do: "lose", report: warning("ClaimMisbound", message) };
}

/** What to do about a volume. */
export type VolumeStep =
  | { readonly do: "phase"; readonly phase: "Available" | "Bound" }
  /** The claim's turn: it finishes the binding. */
  | { readonly do: "wakeClaim"; readonly key: string }
  /** Nobody has it any more. */
  | { readonly do: "reclaim" }
  /** Its claim has another volume. */
  | { readonly do: "unbind" }
  | { readonly do: "tell"; readonly volume: Report; readonly claim: Report };

/** `claim`: the one that the volume is bound to by name and uid, when it exists. */
export function planVolume(volume: Volume, claim: Claim | undefined): VolumeStep {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return { do: "phase", phase: "Available" };
  if (claim === undefined) return { do: "reclaim" };
  const { name } = volume.metadata;
  if (!claim.spec.volumeName) {
    if (!modesDiffer(claim, volume)) return { do: "wakeClaim", key: claimKeyOf(volume) ?? "" };
    const what = "due to incompatible volumeMode.";
    const own = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" ${what}`;
    const theirs = `Cannot bind PersistentVolume "${name}" to requested PersistentVolumeClaim ${what}`;
    return { do: "tell", volume: warning("VolumeMismatch", own), claim: warning("VolumeMismatch", theirs) };
  }
  if (claim.spec.volumeName === name) return { do: "phase", phase: "Bound" };
  const provisioned = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined;
  return provisioned && volume.spec.persistentVolumeReclaimPolicy === "Delete" ? { do: "reclaim" } : { do: "unbind" };
}

/** Why a volume cannot be reclaimed; `undefined` when there is nothing to do, or an external provisioner will do it. */
export function reclaimFailure({ metadata, spec }: Volume): Report | undefined {
  const policy = spec.persistentVolumeReclaimPolicy ?? "Retain";
  if (policy === "Retain") return undefined;
  if (policy === "Recycle") return warning("VolumeFailedRecycle", "No recycler plugin found for the volume!");
  const provisioner = metadata.annotations?.[PROVISIONED_BY];
  if (provisioner !== undefined && !provisioner.startsWith("kubernetes.io/")) return undefined;
  if (spec.csi !== undefined) return undefined;
  const message = `error getting deleter volume plugin for volume "${metadata.name}": no deletable volume plugin matched`;
  return warning("VolumeFailedDelete", message);
}
