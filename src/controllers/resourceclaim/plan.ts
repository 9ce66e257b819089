import type { corev1, Draft, resourcev1 } from "../../api/index.ts";
import { getControllerOf } from "../../machinery/index.ts";
import { isPodTerminal } from "../common/pods.ts";

type Pod = corev1.Pod;
type PodClaim = corev1.PodResourceClaim;
type Claim = resourcev1.ResourceClaim;
type Consumer = resourcev1.ResourceClaimConsumerReference;

/** The annotation that says for which of its pod's claims a claim was made. */
export const POD_CLAIM = "resource.kubernetes.io/pod-claim-name";
/** The finalizer of claims that were allocated. */
export const FINALIZER = "resource.kubernetes.io/delete-protection";
const MOST_CONSUMERS = 256;
const LONGEST_PREFIX = 57;

/** The claim of a pod's claim by that name, as far as it has one. */
export type Lookup = (name: string) => Claim | undefined;

/** The name of the claim behind a pod's claim; `undefined`: not made yet; `null`: there will be none. */
export function claimNameOf({ status }: Pod, podClaim: PodClaim): string | null | undefined {
  if (podClaim.resourceClaimName !== undefined) return podClaim.resourceClaimName;
  const known = status.resourceClaimStatuses?.find(({ name }) => name === podClaim.name);
  return known === undefined ? undefined : (known.resourceClaimName ?? null);
}

/** Names of all claims that a pod uses, as far as they are known. */
export function claimNames(pod: Pod): string[] {
  const own = (pod.spec.resourceClaims ?? []).flatMap((podClaim) => claimNameOf(pod, podClaim) ?? []);
  const { extendedResourceClaimStatus } = pod.status;
  return extendedResourceClaimStatus === undefined ? own : [...own, extendedResourceClaimStatus.resourceClaimName];
}

/** Whether the claim was made for the pod. */
export function isMadeFor(claim: Claim, pod: Pod): boolean {
  const owner = getControllerOf(claim);
  return owner?.kind === "Pod" && owner.apiVersion === "v1" && owner.uid === pod.metadata.uid;
}

/** Whether the pod will not run, or not any more: it has ended, or was deleted before it had a node. */
export function isOver(pod: Pod): boolean {
  return isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
}

/** The pod's claims that must be made from their templates. */
export function missingClaims(pod: Pod, lookup: Lookup): (PodClaim & { resourceClaimTemplateName: string })[] {
  return (pod.spec.resourceClaims ?? []).filter(
    (podClaim): podClaim is PodClaim & { resourceClaimTemplateName: string } => {
      if (podClaim.resourceClaimTemplateName === undefined) return false;
      const name = claimNameOf(pod, podClaim);
      if (name === null) return false;
      const claim = name === undefined ? undefined : lookup(name);
      return claim === undefined || !isMadeFor(claim, pod);
    },
  );
}

/** Claims that are allocated and that a pod with a node, which no scheduler gave it, should use. */
export function unreserved(pod: Pod, lookup: Lookup): Claim[] {
  if (!pod.spec.nodeName || pod.metadata.deletionTimestamp !== undefined) return [];
  return (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
    const claim = lookup(claimNameOf(pod, podClaim) ?? "");
    if (claim?.status.allocation === undefined) return [];
    if (podClaim.resourceClaimName === undefined && !isMadeFor(claim, pod)) return [];
    const { reservedFor = [] } = claim.status;
    const isReserved = reservedFor.some(({ uid }) => uid === pod.metadata.uid);
    return isReserved || reservedFor.length >= MOST_CONSUMERS ? [] : [claim];
  });
}

/** The claim with the pod among those it is reserved for. */
export function reservedFor(claim: Claim, { metadata }: Pod): Claim {
  const consumer: Consumer = { resource: "pods", name: metadata.name, uid: metadata.uid };
  return { ...claim, status: { ...claim.status, reservedFor: [...(claim.status.reservedFor ?? []), consumer] } };
}

/** A claim after its template for one of the pod's claims; it goes with the pod. */
export function claimFrom(template: resourcev1.ResourceClaimTemplate, pod: Pod, podClaim: PodClaim): Draft<Claim> {
  const { name, namespace, uid } = pod.metadata;
  const { labels, annotations } = template.spec.metadata ?? {};
  return {
    metadata: {
      generateName: prefixOf(name, podClaim.name),
      namespace,
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid, controller: true }],
      annotations: { ...annotations, [POD_CLAIM]: podClaim.name },
      ...(labels === undefined ? {} : { labels }),
    },
    spec: template.spec.spec,
  };
}

/** Both names, each cut by the same share where they are too long together. */
function prefixOf(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`;
  if (whole.length <= LONGEST_PREFIX) return whole;
  const cut = (text: string): string => text.slice(0, Math.floor((text.length * LONGEST_PREFIX) / whole.length));
  return `${cut(pod)}-${cut(claim)}`;
}

/** What to do about a claim. */
export interface ClaimPlan {
  /** The status without consumers that are gone, and without its allocation when none is left; absent: as it is. */
  readonly status?: Claim["status"];
  /** Nothing is allocated any more, and so nothing protects the claim. */
  readonly unprotect: boolean;
  /** The claim was made for a pod that is over. */
  readonly remove: boolean;
}

/** `isGone`: whether a consumer is no longer one. `owner`: the pod that the claim was made for, as far as known. */
export function planClaim(claim: Claim, isGone: (consumer: Consumer) => boolean, owner: Pod | undefined): ClaimPlan {
  const { reservedFor: before = [], allocation, ...rest } = claim.status;
  const left = before.filter((consumer) => !isGone(consumer));
  const isProtected = (claim.metadata.finalizers ?? []).includes(FINALIZER);
  const idle = left.length === 0 && (before.length > 0 || claim.metadata.deletionTimestamp !== undefined);
  const deallocate = idle && isProtected;
  const status: Claim["status"] = {
    ...rest,
    ...(allocation === undefined || deallocate ? {} : { allocation }),
    ...(left.length === 0 ? {} : { reservedFor: left }),
  };
  const changed = left.length < before.length || (deallocate && allocation !== undefined);
  const reference = getControllerOf(claim);
  const isOrphan = owner !== undefined && (owner.metadata.uid !== reference?.uid || isOver(owner));
  return {
    ...(changed ? { status } : {}),
    unprotect: deallocate,
    remove: left.length === 0 && isOrphan && claim.metadata.deletionTimestamp === undefined,
  };
}
