import { badRequest } from "../errors/constructors.ts";
import { goKind, goPrint } from "../errors/go-print.ts";
import { ParseError } from "../errors/parse-error.ts";
import { failure } from "../errors/status-error.ts";
import { deepClone } from "../objects/clone.ts";
import { getField, isJsonObject, type JsonObject, setField } from "../objects/fields.ts";
import type { Shape, TypeTable } from "../schema/model.ts";
import { typeTable } from "../schema/type-table.ts";
import { patchFailed } from "./json-patch.ts";
import { holdsObjects, keyOf, ListOfListsError, orderItems, partition, takeField, unique } from "./strategic-order.ts";
import { type FieldMerge, mergeOfField, mergeOfList } from "./strategic-schema.ts";

const DIRECTIVE = "$patch";
const RETAIN = "$retainKeys";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList";
const ORDER = "$setElementOrder";

/** A patch whose directives make no sense: upstream answers 400. */
class BadDirectiveError extends ParseError {}

/** Whether a merge applies a patch to an object, or joins two patches, whose directives must then survive. */
export interface MergeMode {
  readonly joinPatches?: boolean;
}

/**
 * Applies a strategic merge patch to an object of a built-in type and gives the result; neither argument is changed.
 * Throws a `StatusError`: 400 for bad directives, 422 for lists of lists, 500 for what upstream answers 500 to (a missing merge key, an
 * unknown field that holds an object); and {@link ParseError} when the type is not built in.
 */
export function strategicMergePatch(object: unknown, patch: unknown, type: string | TypeTable): unknown {
  const table = typeof type === "string" ? typeTable(type) : type;
  if (!table) throw new ParseError("strategic merge patch format is not supported");
  if (!isJsonObject(patch))
    throw badRequest(`json: cannot unmarshal ${goKind(patch)} into Go value of type map[string]interface {}`);
  const target = isJsonObject(object) ? (deepClone(object) as JsonObject) : {};
  try {
    return mergeObjects(target, deepClone(patch), { kind: "struct", table }, {});
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    if (error instanceof BadDirectiveError) throw badRequest(error.message);
    if (error instanceof ListOfListsError) throw patchFailed(error);
    throw failure({ code: 500, message: error.message }, { cause: error });
  }
}

/** Merges `patch` into `original`. Both are taken over and changed. */
export function mergeObjects(original: JsonObject, patch: JsonObject, shape: Shape, mode: MergeMode): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return applyDirective(patch);
  applyRetainKeys(original, patch, mode);
  applyOrders(original, patch, shape, mode);
  for (const key of Object.keys(patch)) mergeField(original, key, patch[key], shape, mode);
  return original;
}

function applyDirective(patch: JsonObject): JsonObject {
  const directive = takeField(patch, DIRECTIVE);
  if (directive === "replace") return patch;
  if (directive === "delete") return {};
  throw new ParseError(
    `unknown patch type: ${goPrint(directive)} in map: ${goPrint({ ...patch, [DIRECTIVE]: directive })}`,
  );
}

function mergeField(original: JsonObject, name: string, value: unknown, shape: Shape, mode: MergeMode): void {
  const deletes = name.startsWith(DELETE_PRIMITIVES);
  if (deletes && mode.joinPatches) return setField(original, name, value);
  const key = deletes ? suffixOf(name, DELETE_PRIMITIVES, "invalid patch format of primitive list") : name;
  if (value === null) {
    delete original[key];
    if (!mode.joinPatches) return;
  }
  const old = getField(original, key);
  const alike = kindOf(old) === kindOf(value);
  if (!Object.hasOwn(original, key) || !alike) {
    if (!deletes) setOrDrop(original, key, mode.joinPatches ? value : withoutNulls(value));
    return;
  }
  if (isJsonObject(old) && isJsonObject(value)) {
    const merge = mergeOfField(shape, key);
    setField(original, key, merge.replace ? value : mergeObjects(old, value, merge.shape, mode));
  } else if (Array.isArray(old) && Array.isArray(value)) {
    const merge = mergeOfList(shape, key);
    const merged: unknown = merge.merge || deletes ? mergeLists(old, value, merge, deletes, mode) : value;
    setField(original, key, merged);
  } else setOrDrop(original, key, value);
}

/** `object`, `array` or the scalar's type: values of different kinds are replaced, not merged. */
function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value === "bigint" ? "number" : typeof value;
}

function suffixOf(name: string, prefix: string, problem: string): string {
  if (name.charAt(prefix.length) !== "/") throw new BadDirectiveError(problem);
  return name.slice(prefix.length + 1);
}

function setOrDrop(object: JsonObject, key: string, value: unknown): void {
  const { keep, rest } = withoutDirectives(value);
  if (keep) setField(object, key, rest);
  else delete object[key];
}

/** What is left of a value that is added as it is: objects with a directive vanish. */
function withoutDirectives(value: unknown): { keep: boolean; rest: unknown } {
  if (Array.isArray(value)) {
    const items = value.map(withoutDirectives).filter((item) => item.keep);
    return { keep: true, rest: items.map((item) => item.rest) };
  }
  if (!isJsonObject(value)) return { keep: true, rest: value };
  if (Object.hasOwn(value, DIRECTIVE)) return { keep: false, rest: undefined };
  const out: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field = withoutDirectives(value[key]);
    if (field.keep) setField(out, key, field.rest);
  }
  return { keep: true, rest: out };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setField(out, key, withoutNulls(value[key]));
  return out;
}

/** `$retainKeys`: the fields it does not name are cleared; what the patch sets must be among them. */
function applyRetainKeys(original: JsonObject, patch: JsonObject, mode: MergeMode): void {
  if (!Object.hasOwn(patch, RETAIN)) return;
  const keep = takeField(patch, RETAIN);
  if (mode.joinPatches) {
    setField(original, RETAIN, keep);
    return;
  }
  if (!Array.isArray(keep)) throw new BadDirectiveError("invalid patch format of retainKeys");
  const kept = new Set<unknown>(keep);
  for (const key of Object.keys(patch)) {
    const directive = key.startsWith(DELETE_PRIMITIVES) || key.startsWith(ORDER);
    if (patch[key] !== null && !directive && !kept.has(key))
      throw new BadDirectiveError("invalid patch format of retainKeys");
  }
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key];
}

/** `$setElementOrder/<list>`: merges the list at once and puts it in the order given. */
function applyOrders(original: JsonObject, patch: JsonObject, shape: Shape, mode: MergeMode): void {
  for (const name of Object.keys(patch)) {
    if (!name.startsWith(ORDER)) continue;
    const order = takeField(patch, name);
    if (mode.joinPatches) setField(original, name, order);
    const key = suffixOf(name, ORDER, "invalid patch format of setElementOrder list");
    const [old, value] = [getField(original, key), getField(patch, key)];
    for (const list of [order, old, value]) {
      if (list !== undefined && !Array.isArray(list)) {
        throw new ParseError(`expected a []interface {}, but received a ${goKind(list)}`);
      }
    }
    const merge = mergeOfList(shape, key);
    checkOrder((value ?? []) as unknown[], order as unknown[], merge.mergeKey);
    const merged = mergedList(old as unknown[] | undefined, value as unknown[] | undefined, merge, mode);
    if (!merged) continue;
    const [named, rest] = partition(merged, order as unknown[], merge.mergeKey);
    const orders = { asked: order as unknown[], server: (old ?? []) as unknown[] };
    setField(original, key, orderItems(named, rest, orders, merge.mergeKey));
    delete patch[key];
  }
}

function mergedList(
  old: unknown[] | undefined,
  value: unknown[] | undefined,
  merge: FieldMerge,
  mode: MergeMode,
): unknown[] | undefined {
  if (!old) return value && (withoutDirectives(value).rest as unknown[]);
  if (!value) return old;
  return merge.merge ? mergeLists([...old], value, merge, false, mode) : value;
}

/** The items of the patch must stand in the same order in the order list. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return;
  const items = patch.filter((item) => !(isJsonObject(item) && Object.hasOwn(item, DIRECTIVE)));
  let at = 0;
  for (const id of order.map((item) => (mergeKey === "" ? item : keyOf(item, mergeKey)))) {
    if (at < items.length && (mergeKey === "" ? items[at] : keyOf(items[at], mergeKey)) === id) at++;
  }
  if (at < items.length) {
    throw new ParseError(
      `The order in patch list:\n${goPrint(patch)}\n doesn't match ${ORDER} list:\n${goPrint(order)}\n`,
    );
  }
}

function mergeLists(old: unknown[], patch: unknown[], merge: FieldMerge, deletes: boolean, mode: MergeMode): unknown[] {
  if (old.length === 0 && patch.length === 0) return old;
  const { mergeKey } = merge;
  if (!holdsObjects(old, patch)) {
    if (deletes) return old.filter((item) => !patch.includes(item));
    const [named, rest] = partition(unique([...old, ...patch]), patch, "");
    return orderItems(named, rest, { asked: patch, server: old }, "");
  }
  if (mergeKey === "") throw new ParseError(`cannot merge lists without merge key for ${merge.shape.kind}`);
  const { kept, plain } = applyListDirectives(old, patch as JsonObject[], mergeKey);
  const merged = [...kept];
  for (const item of plain) {
    const key = keyOf(item, mergeKey);
    const at = merged.findIndex((other) => isJsonObject(other) && other[mergeKey] === key);
    const found = merged[at];
    if (isJsonObject(found)) merged[at] = mergeObjects(found, item, merge.shape, mode);
    else merged.push(item);
  }
  const [named, rest] = partition(merged, plain, mergeKey);
  return orderItems(named, rest, { asked: plain, server: kept }, mergeKey);
}

/** `$patch: delete` items take their like away; one `$patch: replace` makes the rest of the patch the whole list. */
function applyListDirectives(
  old: readonly unknown[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { kept: readonly unknown[]; plain: JsonObject[] } {
  let kept = old;
  let replace = false;
  const plain: JsonObject[] = [];
  for (const item of patch) {
    if (!Object.hasOwn(item, DIRECTIVE)) plain.push(item);
    else if (item[DIRECTIVE] === "delete") {
      const key = keyOf(item, mergeKey);
      kept = kept.filter((other) => keyOfAny(other, mergeKey) !== key);
    } else if (item[DIRECTIVE] === "replace") replace = true;
    else if (item[DIRECTIVE] === "merge") throw new ParseError("merging lists cannot yet be specified in the patch");
    else throw new ParseError(`unknown patch type: ${goPrint(item[DIRECTIVE])} in map: ${goPrint(item)}`);
  }
  return replace ? { kept: plain, plain: [] } : { kept, plain };
}

function keyOfAny(item: unknown, mergeKey: string): unknown {
  return isJsonObject(item) ? item[mergeKey] : undefined;
}
