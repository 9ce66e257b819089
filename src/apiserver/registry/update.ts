import {
  conflict,
  deepClone,
  invalid,
  invalidValue,
  nameIsPathSegment,
  notFound,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "../../machinery/index.ts";
import type { Random } from "../../kit/index.ts";
import type { Item, StoredObject } from "../cache/index.ts";
import type { ApiObject } from "../seams/index.ts";
import { itemKey, type WriteCall } from "./call.ts";
import { prepareCreate } from "./create.ts";
import { checkNamespace } from "./metadata.ts";
import { type Change, checkPreconditions, type ObjectStorage, type UpdateOutcome } from "./storage.ts";

/** How an update comes by the new object. */
export interface UpdateRequest {
  readonly name: string;
  /** Makes the new object, private to the call, of the stored one (absent: there is none). May be called repeatedly. */
  build(old: StoredObject | undefined): Promise<ApiObject>;
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
  /** A missing object is created whatever the kind's rule says (server-side apply). */
  readonly forceCreate?: boolean;
}

/**
 * Changes one object: strategy, validation, admission, commit; again from the start when somebody came between and the
 * caller did not insist on a resourceVersion. Removes the object when that was its last finalizer.
 */
export async function updateObject(
  storage: ObjectStorage,
  random: Random,
  call: WriteCall,
  request: UpdateRequest,
): Promise<UpdateOutcome> {
  const { resource } = call.served;
  const rollbacks: (() => void)[] = [];
  const undo = (): void => {
    for (const rollback of rollbacks.splice(0)) rollback();
  };
  const transform = async (current: Item | undefined): Promise<Change> => {
    undo();
    if (!current) {
      if (!resource.createOnUpdate && request.forceCreate !== true) throw notFound(resource, request.name);
      checkAbsent(resource, request);
      const created = await request.build(undefined);
      delete created.metadata["resourceVersion"];
      const rollback = await prepareCreate(random, call, created);
      if (rollback) rollbacks.push(rollback);
      return { to: created };
    }
    checkPreconditions(resource, current, request.preconditions);
    const object = await request.build(current.object);
    return replace(call, object, current, rollbacks);
  };
  try {
    const outcome = await storage.update(call.kind, itemKey(call.namespace, request.name), transform, call.dryRun);
    if (!outcome) throw notFound(resource, request.name);
    if (call.dryRun) undo();
    if (outcome.removed && !call.dryRun)
      await call.kind.strategy.afterDelete?.(deepClone(outcome.item.object) as unknown as ApiObject);
    return outcome;
  } catch (error) {
    undo();
    throw error;
  }
}

/** A PUT that names a UID can't create. */
function checkAbsent(resource: { group: string; resource: string }, request: UpdateRequest): void {
  const uid = request.preconditions?.uid;
  if (uid === undefined) return;
  throw conflict(resource, request.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: `);
}

async function replace(call: WriteCall, object: ApiObject, current: Item, rollbacks: (() => void)[]): Promise<Change> {
  const { strategy } = call.kind;
  const { resource } = call.served;
  const old = current.object as unknown as ApiObject;
  const { metadata } = object;
  checkResourceVersion(call, object, current);
  checkNamespace(call, metadata);
  keepSystemFields(metadata, old.metadata);
  const rollback = await strategy.begin?.(object, old, call);
  if (rollback) rollbacks.push(rollback);
  strategy.prepareForUpdate?.(object, old, call);
  metadata["uid"] ??= old.metadata["uid"];
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: resource.namespaced, checkName: nameIsPathSegment }),
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...(strategy.validateUpdate?.(object, old, call) ?? []),
  ];
  if (errors.length > 0) throw invalid(call.kind.hub, current.name, errors);
  for (const warning of strategy.warningsOnUpdate?.(object, old) ?? []) call.warn(warning);
  await call.validateAdmission?.(object, old);
  return emptied(call, object, old) ? { remove: true } : { to: object };
}

function checkResourceVersion(call: WriteCall, object: ApiObject, current: Item): void {
  const { resource } = call.served;
  const given = object.metadata["resourceVersion"];
  const now = String(current.revision);
  if (given === undefined || given === "" || given === "0") {
    if (resource.unconditionalUpdate) object.metadata["resourceVersion"] = now;
    else {
      const problem = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid({ group: resource.group, kind: resource.resource }, current.name, [problem]);
    }
  } else if (given !== now) throw conflict(resource, current.name);
}

/** What an update can't change is taken from the stored object. */
function keepSystemFields(metadata: ApiObject["metadata"], old: ApiObject["metadata"]): void {
  const keep = (field: string): void => {
    if (old[field] === undefined) delete metadata[field];
    else metadata[field] = old[field];
  };
  keep("generation");
  keep("creationTimestamp");
  if (old["deletionTimestamp"] !== undefined) keep("deletionTimestamp");
  if (metadata["deletionGracePeriodSeconds"] === undefined) keep("deletionGracePeriodSeconds");
  delete metadata["selfLink"];
}

/** Whether the stored object was only waiting for its finalizers, and the new one has none left. */
function emptied(call: WriteCall, object: ApiObject, old: ApiObject): boolean {
  if (listOf(object.metadata["finalizers"]).length > 0) return false;
  if (old.metadata["deletionTimestamp"] === undefined) return false;
  if (((old.metadata["deletionGracePeriodSeconds"] as number | undefined) ?? 0) !== 0) return false;
  return call.kind.holdsBack?.(object) !== true;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
