import { deepClone, formatTime, notFound, parseTime } from "../../machinery/index.ts";
import type { Item } from "../cache/index.ts";
import type { ApiObject } from "../seams/index.ts";
import { itemKey, type WriteCall } from "./call.ts";
import { gcFinalizers } from "./gc-policy.ts";
import { type Change, checkPreconditions, type ObjectStorage } from "./storage.ts";

/** DELETE's options as the request has them. */
export interface DeleteRequest {
  readonly name: string;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly orphanDependents?: boolean | undefined;
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
}

export interface DeleteOutcome {
  /** The object as it last was, or as it is while it waits. */
  readonly item: Item;
  /** False: it is marked, and goes when its grace period is over and its finalizers are gone. */
  readonly removed: boolean;
}

/**
 * Deletes one object, or marks it as deleted when its kind has a grace period, finalizers stand in the way, or the
 * propagation policy adds one.
 */
export async function deleteObject(
  storage: ObjectStorage,
  call: WriteCall,
  request: DeleteRequest,
): Promise<DeleteOutcome> {
  const { resource } = call.served;
  const transform = async (current: Item | undefined): Promise<Change | undefined> => {
    if (!current) throw notFound(resource, request.name);
    checkPreconditions(resource, current, request.preconditions);
    const change = decide(call, request, current);
    if (change) await call.validateAdmission?.(undefined, current.object as unknown as ApiObject);
    return change;
  };
  const outcome = await storage.update(call.kind, itemKey(call.namespace, request.name), transform, call.dryRun);
  if (!outcome) throw notFound(resource, request.name);
  if (outcome.removed && !call.dryRun) {
    await call.kind.strategy.afterDelete?.(deepClone(outcome.item.object) as unknown as ApiObject);
  }
  return { item: outcome.item, removed: outcome.removed };
}

/** What the deletion makes of the object; undefined when it is under way already and this request changes nothing. */
function decide(call: WriteCall, request: DeleteRequest, current: Item): Change | undefined {
  const { kind } = call;
  const stored = current.object as unknown as ApiObject;
  if (kind.terminate && stored.metadata["deletionTimestamp"] === undefined) return terminate(call, request, stored);
  if (kind.terminate && kind.holdsBack?.(stored)) return undefined;
  const grace = graceOf(call, request, stored);
  if (grace === "pending") return undefined;
  const finalizers = gcFinalizers(kind.hub, stored, request);
  if (finalizers.length === 0 && (grace === undefined || grace.seconds === 0)) return { remove: true };
  const object = deepClone(stored);
  setFinalizers(object, finalizers);
  if (grace) setGrace(object, grace.deleteAt, grace.seconds);
  else markDeleting(object, call.now);
  return { to: object };
}

/** Namespaces are marked first and removed by whoever empties them. */
function terminate(call: WriteCall, request: DeleteRequest, stored: ApiObject): Change {
  const object = deepClone(stored);
  object.metadata["deletionTimestamp"] = formatTime(call.now);
  setFinalizers(object, gcFinalizers(call.kind.hub, stored, request));
  call.kind.terminate?.(object);
  return { to: object };
}

/** The grace that the kind gives. `pending`: one is running, and it is not to be shortened. */
function graceOf(
  call: WriteCall,
  request: DeleteRequest,
  stored: ApiObject,
): { seconds: number; deleteAt: number } | "pending" | undefined {
  const { strategy } = call.kind;
  if (!strategy.gracefulDelete) return undefined;
  const { deletionTimestamp, deletionGracePeriodSeconds: running } = stored.metadata as {
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
  };
  if (deletionTimestamp !== undefined) {
    if (running === undefined) return undefined;
    const wanted = request.gracePeriodSeconds;
    if (wanted === undefined || wanted >= running) return "pending";
    const seconds = Math.max(wanted, 0);
    return { seconds, deleteAt: parseTime(deletionTimestamp) - (running - seconds) * 1000 };
  }
  const seconds = strategy.gracefulDelete(stored, request.gracePeriodSeconds);
  return seconds === undefined ? undefined : { seconds, deleteAt: call.now + seconds * 1000 };
}

function setGrace(object: ApiObject, deleteAt: number, seconds: number): void {
  const { metadata } = object;
  if (metadata["deletionTimestamp"] === undefined) bumpGeneration(metadata);
  metadata["deletionTimestamp"] = formatTime(deleteAt);
  metadata["deletionGracePeriodSeconds"] = seconds;
}

/** For kinds without grace that have to wait for finalizers. */
function markDeleting(object: ApiObject, now: number): void {
  const { metadata } = object;
  const marked = metadata["deletionTimestamp"] as string | undefined;
  if (marked === undefined) bumpGeneration(metadata);
  if (marked === undefined || parseTime(marked) > now) metadata["deletionTimestamp"] = formatTime(now);
  metadata["deletionGracePeriodSeconds"] = 0;
}

function bumpGeneration(metadata: ApiObject["metadata"]): void {
  const generation = metadata["generation"] as number | undefined;
  if (generation !== undefined && generation > 0) metadata["generation"] = generation + 1;
}

function setFinalizers(object: ApiObject, finalizers: readonly string[]): void {
  if (finalizers.length > 0) object.metadata["finalizers"] = [...finalizers];
  else delete object.metadata["finalizers"];
}
