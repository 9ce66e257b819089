import {
  alreadyExists,
  deepClone,
  failure,
  formatTime,
  generateName,
  generateNameConflict,
  invalid,
  nameIsPathSegment,
  StatusError,
  validateObjectMeta,
} from "../../machinery/index.ts";
import type { Random } from "../../kit/index.ts";
import type { Item } from "../cache/index.ts";
import type { ApiObject } from "../seams/index.ts";
import { itemKey, type WriteCall } from "./call.ts";
import { checkNamespace } from "./metadata.ts";
import type { ObjectStorage } from "./storage.ts";

/** How often a name made from `generateName` is tried anew. */
const NAME_ATTEMPTS = 8;

/** Stores a new object, which is the callee's to change: metadata, strategy, admission, commit. */
export async function createObject(
  storage: ObjectStorage,
  random: Random,
  call: WriteCall,
  object: ApiObject,
): Promise<Item> {
  const base = object.metadata["generateName"];
  if (object.metadata.name || typeof base !== "string" || base === "") {
    const item = await attempt(storage, random, call, object);
    if (item) return item;
    throw await whyExists(storage, call, object.metadata.name ?? "");
  }
  for (let left = NAME_ATTEMPTS; ; left--) {
    const draft = left > 1 ? deepClone(object) : object;
    draft.metadata.name = generateName(base, (length) => random.suffix(length));
    const item = await attempt(storage, random, call, draft);
    if (item) return item;
    if (left === 1) throw generateNameConflict(call.served.resource, draft.metadata.name, 1);
  }
}

async function attempt(
  storage: ObjectStorage,
  random: Random,
  call: WriteCall,
  object: ApiObject,
): Promise<Item | undefined> {
  const rollback = await prepareCreate(random, call, object);
  try {
    const key = itemKey(call.namespace, object.metadata.name ?? "");
    const item = await storage.insert(call.kind, key, object, call.dryRun);
    if (!item || call.dryRun) rollback?.();
    return item;
  } catch (error) {
    rollback?.();
    throw error;
  }
}

/**
 * Everything between decoding and the commit of a new object. Returns how to give back what was allocated, for the
 * case that the commit fails; when this function itself fails, that has been done.
 */
export async function prepareCreate(
  random: Random,
  call: WriteCall,
  object: ApiObject,
): Promise<(() => void) | undefined> {
  const { strategy } = call.kind;
  const { metadata } = object;
  delete metadata["deletionTimestamp"];
  delete metadata["deletionGracePeriodSeconds"];
  delete metadata["selfLink"];
  if (metadata["resourceVersion"]) {
    throw failure({ code: 500, message: "resourceVersion should not be set on objects to be created" });
  }
  metadata["creationTimestamp"] = formatTime(call.now);
  metadata["uid"] = random.uuid();
  checkNamespace(call, metadata);
  // What begin allocates from follows the cache.
  if (strategy.begin) await call.kind.cache.ready();
  const rollback = await strategy.begin?.(object, undefined, call);
  try {
    strategy.prepareForCreate?.(object, call);
    validateNew(call, object);
    for (const warning of strategy.warningsOnCreate?.(object) ?? []) call.warn(warning);
    await call.validateAdmission?.(object, undefined);
    return rollback;
  } catch (error) {
    rollback?.();
    throw error;
  }
}

function validateNew(call: WriteCall, object: ApiObject): void {
  const { strategy, hub } = call.kind;
  const name = object.metadata.name ?? "";
  const own = strategy.validate?.(object, call) ?? [];
  if (own.length > 0) throw invalid(hub, name, own);
  const general = validateObjectMeta(object.metadata, { namespaced: hub.namespaced, checkName: nameIsPathSegment });
  if (general.length > 0) throw invalid(hub, name, general);
}

/** 409, saying so when the object that stands in the way is on its way out. */
async function whyExists(storage: ObjectStorage, call: WriteCall, name: string): Promise<StatusError> {
  const error = alreadyExists(call.served.resource, name);
  const standing = await storage.read(call.kind, itemKey(call.namespace, name));
  if (!standing?.object.metadata.deletionTimestamp) return error;
  return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` });
}
