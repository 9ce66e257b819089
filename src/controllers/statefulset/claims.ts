import type { appsv1, corev1, Draft, GroupVersionKind, metav1 } from "../../api/index.ts";
import { newControllerRef } from "../../machinery/index.ts";
import type { MetaObject } from "../common/claims.ts";

type StatefulSet = appsv1.StatefulSet;
type Claim = corev1.PersistentVolumeClaim;

const SET: GroupVersionKind = ["apps", "v1", "StatefulSet"];
const POD: GroupVersionKind = ["", "v1", "Pod"];

/** Whoever may own a claim; a pod that is not there yet has no uid. */
export interface ClaimPod {
  readonly metadata: { readonly name: string; readonly uid?: string };
}

/** The name of the claim that the template `template` gives the pod of number `ordinal`. */
export function claimName(set: MetaObject, template: string, ordinal: number): string {
  return `${template}-${set.metadata.name}-${ordinal}`;
}

/** The claims of the pod of number `ordinal`. */
export function claimsFor(
  set: StatefulSet,
  ordinal: number,
): (Draft<Claim> & { metadata: { name: string; namespace: string } })[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const { annotations, ownerReferences, finalizers } = metadata;
    const labels = { ...metadata.labels, ...set.spec.selector.matchLabels };
    return {
      metadata: {
        name: claimName(set, metadata.name, ordinal),
        namespace: set.metadata.namespace,
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(ownerReferences === undefined ? {} : { ownerReferences }),
        ...(finalizers === undefined ? {} : { finalizers }),
      },
      spec,
    };
  });
}

interface Policy {
  readonly whenDeleted: boolean;
  readonly whenScaled: boolean;
}

/** Which ends of a pod its claims share. */
function policyOf({ spec }: StatefulSet): Policy {
  const policy = spec.persistentVolumeClaimRetentionPolicy;
  return { whenDeleted: policy?.whenDeleted === "Delete", whenScaled: policy?.whenScaled === "Delete" };
}

/** Whether an owner of the claim bears the name of a pod that is gone: it must vanish before the pod comes back. */
export function isStale(set: StatefulSet, claim: Claim, pod: ClaimPod): boolean {
  return policyOf(set).whenScaled && hasStaleOwner(claim, pod, POD);
}

function hasStaleOwner({ metadata }: Claim, owner: ClaimPod, kind: GroupVersionKind): boolean {
  const reference = metadata.ownerReferences?.find((candidate) => names(candidate, owner, kind));
  return reference !== undefined && reference.uid !== owner.metadata.uid;
}

function names(reference: metav1.OwnerReference, { metadata }: ClaimPod, kind: GroupVersionKind): boolean {
  const apiVersion = kind[0] === "" ? kind[1] : `${kind[0]}/${kind[1]}`;
  return reference.apiVersion === apiVersion && reference.kind === kind[2] && reference.name === metadata.name;
}

/** The owners that a claim should have, when it has others. */
export interface ClaimOwners {
  readonly owners: readonly metav1.OwnerReference[];
}

/**
 * Whether another controller owns the claim, so that the retention policy is not for us to enforce. It does not matter
 * while claims are retained anyway.
 */
export function isForeign(set: StatefulSet, claim: Claim, pod: ClaimPod): boolean {
  const policy = policyOf(set);
  if (!policy.whenDeleted && !policy.whenScaled) return false;
  return (claim.metadata.ownerReferences ?? []).some((reference) => {
    if (names(reference, set, SET)) return reference.uid !== set.metadata.uid;
    if (names(reference, pod, POD)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

/**
 * The owners by which the claim goes with the set or the pod as the retention policy says; `undefined` when it has them.
 * `wanted`: whether the set still wants the pod.
 */
export function claimOwners(set: StatefulSet, claim: Claim, pod: ClaimPod, wanted: boolean): ClaimOwners | undefined {
  // Left over from an earlier set or pod of the name: whoever made it so, garbage collection comes first.
  if (hasStaleOwner(claim, set, SET) || hasStaleOwner(claim, pod, POD)) return undefined;
  const references = claim.metadata.ownerReferences ?? [];
  const ours = (reference: metav1.OwnerReference): boolean =>
    reference.uid === set.metadata.uid || reference.uid === pod.metadata.uid;
  const others = references.filter((reference) => !names(reference, set, SET) && !names(reference, pod, POD));
  if (isForeign(set, claim, pod)) return references.some(ours) ? { owners: others } : undefined;
  const policy = policyOf(set);
  const bySet = policy.whenDeleted && (wanted || !policy.whenScaled);
  const byPod = policy.whenScaled && !wanted;
  const owned = (uid: string | undefined): boolean =>
    uid !== undefined && references.some((reference) => reference.uid === uid);
  const plain = references.some((reference) => ours(reference) && reference.controller !== true);
  if (!plain && owned(set.metadata.uid) === bySet && owned(pod.metadata.uid) === byPod) return undefined;
  const owners = [...others];
  if (bySet) owners.push(newControllerRef(set, SET));
  const { name, uid } = pod.metadata;
  if (byPod && uid !== undefined) owners.push(newControllerRef({ metadata: { name, uid } }, POD));
  return { owners };
}
