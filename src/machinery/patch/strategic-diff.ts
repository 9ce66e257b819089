import { ParseError } from "../errors/parse-error.ts";
import { goPrint } from "../errors/go-print.ts";
import { deepClone } from "../objects/clone.ts";
import { deepEqual } from "../objects/equal.ts";
import { getField, isJsonObject, type JsonObject, setField } from "../objects/fields.ts";
import type { Shape, TypeTable } from "../schema/model.ts";
import { typeTable } from "../schema/type-table.ts";
import { mergeObjects } from "./strategic.ts";
import { holdsObjects, keyOf, unique } from "./strategic-order.ts";
import { type FieldMerge, mergeOfField, mergeOfList } from "./strategic-schema.ts";

/** What of the difference is wanted. */
interface DiffMode {
  readonly ignoreChanges?: boolean;
  readonly ignoreDeletions?: boolean;
}

function shapeOf(type: string | TypeTable): Shape {
  const table = typeof type === "string" ? typeTable(type) : type;
  if (!table) throw new ParseError("strategic merge patch format is not supported");
  return { kind: "struct", table };
}

/** The strategic merge patch that turns `original` into `modified`; empty when nothing changes. Throws {@link ParseError}. */
export function createStrategicPatch(original: JsonObject, modified: JsonObject, type: string | TypeTable): JsonObject {
  return deepClone(diffObjects(original, modified, shapeOf(type), {}, false));
}

/**
 * The patch of client-side apply: what `modified` says differently from `current`, and the deletion of what `original` (the configuration
 * applied last) had and `modified` has no more. Fields that others set in the meantime stay.
 */
export function createThreeWayPatch(
  documents: { readonly original: JsonObject; readonly modified: JsonObject; readonly current: JsonObject },
  type: string | TypeTable,
): JsonObject {
  const { original, modified, current } = documents;
  const shape = shapeOf(type);
  const changes = deepClone(diffObjects(current, modified, shape, { ignoreDeletions: true }, false));
  const deletions = deepClone(diffObjects(original, modified, shape, { ignoreChanges: true }, false));
  return mergeObjects(deletions, changes, shape, { joinPatches: true });
}

function diffObjects(
  original: JsonObject,
  modified: JsonObject,
  shape: Shape,
  mode: DiffMode,
  retainKeys: boolean,
): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(modified)) {
    const [old, value] = [getField(original, key), modified[key]];
    if (isJsonObject(old) && isJsonObject(value)) diffObjectField(patch, key, old, value, shape, mode);
    else if (Array.isArray(old) && Array.isArray(value)) diffListField(patch, key, old, value, shape, mode);
    else if (!mode.ignoreChanges && (!Object.hasOwn(original, key) || !deepEqual(old, value)))
      setField(patch, key, value);
  }
  const gone = Object.keys(original).filter((key) => !Object.hasOwn(modified, key));
  if (!mode.ignoreDeletions) for (const key of gone) setField(patch, key, null);
  const kept = Object.keys(modified).filter((key) => modified[key] !== null);
  if (retainKeys && kept.length > 0 && (Object.keys(patch).length > 0 || gone.length > 0)) {
    patch["$retainKeys"] = kept.toSorted();
  }
  return patch;
}

function diffObjectField(
  patch: JsonObject,
  key: string,
  old: JsonObject,
  value: JsonObject,
  shape: Shape,
  mode: DiffMode,
): void {
  const merge = lookup(() => mergeOfField(shape, key), old, value);
  if (!merge) return;
  if (merge.replace) {
    if (!mode.ignoreChanges) setField(patch, key, value);
    return;
  }
  const change = diffObjects(old, value, merge.shape, mode, merge.retainKeys);
  if (Object.keys(change).length > 0) setField(patch, key, change);
}

/** Fields that the type does not have matter only when they differ. */
function lookup(find: () => FieldMerge, old: unknown, value: unknown): FieldMerge | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof ParseError && deepEqual(old, value)) return undefined;
    throw error;
  }
}

function diffListField(
  patch: JsonObject,
  key: string,
  old: readonly unknown[],
  value: readonly unknown[],
  shape: Shape,
  mode: DiffMode,
): void {
  const merge = lookup(() => mergeOfList(shape, key), old, value);
  if (!merge) return;
  if (!merge.merge) {
    if (!mode.ignoreChanges && !deepEqual(old, value)) setField(patch, key, value);
    return;
  }
  if (old.length === 0) {
    if (value.length > 0 && !mode.ignoreChanges) setField(patch, key, value);
    return;
  }
  if (holdsObjects(old, value)) diffObjectLists(patch, key, old, value, merge, mode);
  else diffScalarLists(patch, key, old, value, mode);
}

function diffObjectLists(
  patch: JsonObject,
  key: string,
  old: readonly unknown[],
  value: readonly unknown[],
  merge: FieldMerge,
  mode: DiffMode,
): void {
  const { mergeKey } = merge;
  if (mergeKey === "") throw new ParseError(`cannot merge lists without merge key for ${merge.shape.kind}`);
  const byKey = (list: readonly unknown[]): Map<string, JsonObject> =>
    new Map(list.map((item) => [goPrint(keyOf(item, mergeKey)), item as JsonObject]));
  const [before, after] = [byKey(old), byKey(value)];
  const changes: unknown[] = [];
  for (const [id, item] of after) {
    const previous = before.get(id);
    if (previous) {
      const change = diffObjects(previous, item, merge.shape, mode, merge.retainKeys);
      if (Object.keys(change).length > 0) changes.push({ ...change, [mergeKey]: item[mergeKey] });
    } else if (!mode.ignoreChanges) changes.push(item);
  }
  if (!mode.ignoreDeletions) {
    for (const [id, item] of before) if (!after.has(id)) changes.push({ [mergeKey]: item[mergeKey], $patch: "delete" });
  }
  if (changes.length > 0) setField(patch, key, changes);
  const moved = !deepEqual([...before.keys()], [...after.keys()]);
  if (changes.length > 0 || (!mode.ignoreChanges && moved)) {
    patch[`$setElementOrder/${key}`] = value.map((item) => ({ [mergeKey]: (item as JsonObject)[mergeKey] }));
  }
}

function diffScalarLists(
  patch: JsonObject,
  key: string,
  old: readonly unknown[],
  value: readonly unknown[],
  mode: DiffMode,
): void {
  const added = mode.ignoreChanges ? [] : value.filter((item) => !old.includes(item));
  const removed = mode.ignoreDeletions ? [] : unique(old.filter((item) => !value.includes(item)));
  if (added.length > 0) setField(patch, key, added);
  if (removed.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = removed;
  if (removed.length > 0 || (!mode.ignoreChanges && !deepEqual(old, value))) patch[`$setElementOrder/${key}`] = value;
}
