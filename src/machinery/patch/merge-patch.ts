import { badRequest } from "../errors/constructors.ts";
import { deepClone } from "../objects/clone.ts";
import { deepEqual } from "../objects/equal.ts";
import { getField, isJsonObject, type JsonObject, setField } from "../objects/fields.ts";

/**
 * Applies an RFC 7386 patch and gives the result; neither argument is changed, and unchanged parts are shared with the
 * document. Throws 400 when the patch is no object.
 */
export function mergePatch(document: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) {
    if (Array.isArray(patch)) return withoutNulls(patch);
    throw badRequest("Invalid JSON Patch");
  }
  return merge(isJsonObject(document) ? document : {}, patch);
}

function merge(target: Readonly<JsonObject>, patch: Readonly<JsonObject>): JsonObject {
  const out = { ...target };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    const old = getField(out, key);
    if (value === null) delete out[key];
    else if (isJsonObject(old) && isJsonObject(value)) setField(out, key, merge(old, value));
    else if (isJsonObject(old)) setField(out, key, deepClone(value));
    else setField(out, key, withoutNulls(value));
  }
  return out;
}

/** A copy without null fields, at any depth: what a patch adds has nothing to delete. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setField(out, key, withoutNulls(value[key]));
  return out;
}

/** The smallest RFC 7386 patch that turns `original` into `modified`; undefined when they are equal. */
export function createMergePatch(original: unknown, modified: unknown): unknown {
  if (deepEqual(original, modified)) return undefined;
  if (!isJsonObject(original) || !isJsonObject(modified)) return deepClone(modified);
  const patch: JsonObject = {};
  for (const key of Object.keys(modified)) {
    const change = createMergePatch(getField(original, key), modified[key]);
    if (change !== undefined) setField(patch, key, change);
  }
  for (const key of Object.keys(original)) {
    if (original[key] !== undefined && getField(modified, key) === undefined) setField(patch, key, null);
  }
  return patch;
}
