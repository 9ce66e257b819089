import { type corev1, type resourcev1, resources } from "../../../api/index.ts";
import type { Client } from "../../../client/index.ts";
import { errorText } from "../../../kit/index.ts";
import { isConflict } from "../../../machinery/index.ts";
import { shown } from "./requests.ts";

type Claim = resourcev1.ResourceClaim;

/** Keeps a claim that is allocated from going away. */
export const FINALIZER = "resource.kubernetes.io/delete-protection";
/** Tries before conflicts are given up on, as client-go's default. */
const TRIES = 5;

/** Writes an allocation, if there is a new one, and reserves the claim for the pod. */
export async function reserveClaim(
  client: Client,
  given: Claim,
  pod: corev1.Pod,
  allocation: resourcev1.AllocationResult | undefined,
  signal: AbortSignal,
): Promise<Claim> {
  let claim = given;
  for (let attempt = 1; ; attempt++) {
    try {
      return await write(client, claim, pod, allocation, signal);
    } catch (error) {
      if (!isConflict(error) || attempt === TRIES) {
        const what = allocation ? "add allocation and reservation" : "add reservation";
        throw new Error(`${what} to claim ${shown(given)}: ${errorText(error)}`, { cause: error });
      }
    }
    const { namespace, name } = given.metadata;
    claim = await client.resource(resources.resourceclaims).get({ namespace, name }, { signal });
  }
}

async function write(
  client: Client,
  given: Claim,
  { metadata }: corev1.Pod,
  allocation: resourcev1.AllocationResult | undefined,
  signal: AbortSignal,
): Promise<Claim> {
  const claims = client.resource(resources.resourceclaims);
  let claim = given;
  if (claim.metadata.deletionTimestamp !== undefined) {
    throw new Error(`claim ${shown(claim)} got deleted in the meantime`);
  }
  if (allocation) {
    if (claim.status?.allocation) throw new Error(`claim ${shown(claim)} got allocated elsewhere in the meantime`);
    const finalizers = claim.metadata.finalizers ?? [];
    if (!finalizers.includes(FINALIZER)) {
      const protectedOne = { ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, FINALIZER] } };
      claim = await claims.update(protectedOne, { signal });
    }
  }
  const reservedFor = [
    ...(claim.status?.reservedFor ?? []),
    { resource: "pods", name: metadata.name, uid: metadata.uid },
  ];
  const status = { ...claim.status, ...(allocation && { allocation }), reservedFor };
  return claims.update({ ...claim, status }, { subresource: "status", signal });
}

/** Takes the reservation for a pod back. */
export async function releaseClaim(client: Client, { metadata }: Claim, pod: corev1.Pod): Promise<void> {
  const { namespace, name, uid } = metadata;
  const body = {
    metadata: { uid },
    status: { reservedFor: [{ $patch: "delete", uid: pod.metadata.uid }] },
  };
  await client
    .resource(resources.resourceclaims)
    .patch({ namespace, name }, { type: "strategic", body }, { subresource: "status" });
}

/** Frees the devices of a claim that nobody uses, so that it can be allocated elsewhere. */
export async function deallocate(client: Client, claim: Claim): Promise<void> {
  const { allocation: _a, reservedFor: _r, devices: _d, ...status } = claim.status;
  await client.resource(resources.resourceclaims).update({ ...claim, status }, { subresource: "status" });
}
