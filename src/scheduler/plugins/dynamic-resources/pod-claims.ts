import type { corev1, resourcev1 } from "../../../api/index.ts";
import { isControlledBy } from "../../../machinery/index.ts";
import type { ClaimTracker } from "./claim-tracker.ts";

type Claim = resourcev1.ResourceClaim;

/** The claims of a pod, in its order; a text says why they cannot be used as yet. */
export function claimsOfPod(pod: corev1.Pod, tracker: ClaimTracker): Claim[] | string {
  const claims: Claim[] = [];
  for (const use of pod.spec.resourceClaims ?? []) {
    const found = findClaim(pod, use, tracker);
    if (typeof found === "string") return found;
    if (found) claims.push(found);
  }
  return claims;
}

/** Undefined: none was made because none is needed. */
function findClaim(pod: corev1.Pod, use: corev1.PodResourceClaim, tracker: ClaimTracker): Claim | string | undefined {
  const { namespace, name: podName } = pod.metadata;
  let name = use.resourceClaimName;
  if (name === undefined) {
    if (use.resourceClaimTemplateName === undefined) {
      return `pod "${namespace}/${podName}", spec.resourceClaim "${use.name}": none of the supported fields are set`;
    }
    const status = pod.status?.resourceClaimStatuses?.find((one) => one.name === use.name);
    if (!status) return `pod "${namespace}/${podName}": ResourceClaim not created yet`;
    name = status.resourceClaimName;
    if (name === undefined) return undefined;
  }
  const claim = tracker.get(`${namespace}/${name}`);
  if (!claim) return `could not find ResourceClaim "${namespace}/${name}"`;
  if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim "${name}" is being deleted`;
  if (use.resourceClaimName === undefined && !isControlledBy(claim, pod)) {
    return `ResourceClaim ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
  }
  return claim;
}

/** Whether a claim is reserved for a pod already. */
export function isReservedFor({ status }: Claim, { metadata }: corev1.Pod): boolean {
  return status?.reservedFor?.some(({ uid }) => uid === metadata.uid) === true;
}
