import { type corev1, resources } from "../../../api/index.ts";
import type { Client } from "../../../client/index.ts";
import { isFullyBound, SELECTED_NODE } from "../volumes/claims.ts";
import { isMeantFor, reachable } from "../volumes/matching.ts";
import type { VolumeBinder, VolumePlan } from "./binder.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

const BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";

/** A plan as objects to be written; once written, they are the server's. */
export interface Decision {
  readonly node: string;
  readonly volumes: Volume[];
  readonly bindings: readonly Claim[];
  readonly provisions: Claim[];
}

/** Turns a plan into what is to be written, and counts on it from now on. Throws when something has changed meanwhile. */
export function decide(binder: VolumeBinder, plan: VolumePlan, node: string): Decision {
  const volumes = plan.bindings.map(({ claim, volume }) => boundTo(volume, claim));
  const provisions = plan.provisions.map((claim) => withSelectedNode(claim, node));
  const decision = { node, volumes, bindings: plan.bindings.map(({ claim }) => claim), provisions };
  try {
    for (const volume of volumes)
      assume(binder.volumes.assume(volume.metadata.name, volume), "PersistentVolume", volume);
    for (const claim of provisions) assume(binder.claims.assume(keyOf(claim), claim), "PersistentVolumeClaim", claim);
  } catch (error) {
    revert(binder, decision);
    throw error;
  }
  return decision;
}

/** Counts on a decision no more. */
export function revert(binder: VolumeBinder, { volumes, provisions }: Decision): void {
  for (const { metadata } of volumes) binder.volumes.revert(metadata.name);
  for (const claim of provisions) binder.claims.revert(keyOf(claim));
}

/** Writes a decision. What was written before a failure stays: it may still come to good. */
export async function write(client: Client, { volumes, provisions }: Decision): Promise<void> {
  for (const [i, volume] of volumes.entries()) {
    volumes[i] = await client.resource(resources.persistentvolumes).update(volume);
  }
  for (const [i, claim] of provisions.entries()) {
    provisions[i] = await client.resource(resources.persistentvolumeclaims).update(claim);
  }
}

/** Whether all is bound, as far as the watch shows. Throws when it will not be: the pod must be scheduled anew. */
export function isDone(binder: VolumeBinder, decision: Decision, node: corev1.Node): boolean {
  const { volumes, bindings, provisions } = decision;
  for (const [i, written] of volumes.entries()) {
    const volume = binder.volume(written.metadata.name);
    const claim = binder.claim(keyOf(bindings[i] as Claim));
    if (!volume || !claim) throw new Error("failed to check binding: PersistentVolume or claim is gone");
    if (isOlder(volume, written)) return false;
    check(volume, node);
    if (!volume.spec.claimRef?.uid)
      throw new Error(`ClaimRef got reset for pv ${JSON.stringify(volume.metadata.name)}`);
    if (!isFullyBound(claim)) return false;
  }
  for (const written of provisions) {
    const claim = binder.claim(keyOf(written));
    if (!claim) throw new Error("failed to check provisioning pvc: it is gone");
    if (isOlder(claim, written)) return false;
    if (claim.metadata.annotations?.[SELECTED_NODE] !== decision.node) {
      throw new Error(`provisioning failed for PVC ${JSON.stringify(claim.metadata.name)}`);
    }
    const volume = claim.spec.volumeName ? binder.volume(claim.spec.volumeName) : undefined;
    if (claim.spec.volumeName && !volume) return false;
    if (volume) check(volume, node);
    if (!isFullyBound(claim)) return false;
  }
  return true;
}

function check(volume: Volume, node: corev1.Node): void {
  if (reachable(volume, node)) return;
  const [a, b] = [JSON.stringify(volume.metadata.name), JSON.stringify(node.metadata.name)];
  throw new Error(`pv ${a} node affinity doesn't match node ${b}: no matching NodeSelectorTerms`);
}

interface Versioned {
  readonly metadata: { readonly resourceVersion: string };
}

function isOlder(seen: Versioned, written: Versioned): boolean {
  return BigInt(seen.metadata.resourceVersion) < BigInt(written.metadata.resourceVersion);
}

function keyOf({ metadata }: Claim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function assume(done: boolean, kind: string, { metadata }: { readonly metadata: { readonly name: string } }): void {
  if (!done) throw new Error(`${kind} ${JSON.stringify(metadata.name)} has changed meanwhile`);
}

function boundTo(volume: Volume, claim: Claim): Volume {
  const meant = isMeantFor(volume, claim);
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const claimRef =
    volume.spec.claimRef?.uid === uid && meant
      ? volume.spec.claimRef
      : { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
  const annotations = meant
    ? volume.metadata.annotations
    : { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" };
  return {
    ...volume,
    metadata: { ...volume.metadata, ...(annotations && { annotations }) },
    spec: { ...volume.spec, claimRef },
  };
}

function withSelectedNode(claim: Claim, node: string): Claim {
  const annotations = { ...claim.metadata.annotations, [SELECTED_NODE]: node };
  return { ...claim, metadata: { ...claim.metadata, annotations } };
}
