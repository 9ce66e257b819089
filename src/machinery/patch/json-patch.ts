import { stringifyJson } from "../codec/json.ts";
import { badRequest, requestTooLarge } from "../errors/constructors.ts";
import { ParseError } from "../errors/parse-error.ts";
import { failure, type StatusError } from "../errors/status-error.ts";
import { utf8Length } from "../field/text-rules.ts";
import { deepClone } from "../objects/clone.ts";
import { deepEqual } from "../objects/equal.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { addAt, findPlace, getAt, type Place, removeAt, setAt } from "./json-pointer.ts";

/** As many operations as upstream takes in one patch. */
export const MAX_PATCH_OPERATIONS = 10_000;
/** What all `copy` operations of a patch together may add, in bytes of JSON. */
export const MAX_COPIED_BYTES = 3 * 1024 * 1024;

/**
 * Applies an RFC 6902 patch and gives the result; neither the document nor the patch is changed, and they share
 * nothing with it. Throws a `StatusError` as the server answers it: 400 when it is no patch, 413 beyond 10,000 operations, 422 when it
 * does not apply (the cause says why).
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest(`json: cannot unmarshal ${kindOf(patch)} into Go value of type jsonpatch.Patch`);
  if (patch.length > MAX_PATCH_OPERATIONS) {
    const counts = `${MAX_PATCH_OPERATIONS}, got ${patch.length}`;
    throw requestTooLarge(`The allowed maximum operations in a JSON patch is ${counts}`);
  }
  const state = { root: deepClone(document), copied: 0 };
  try {
    for (const operation of patch as unknown[]) apply(state, operation);
  } catch (error) {
    throw error instanceof ParseError ? patchFailed(error) : error;
  }
  return state.root;
}

/** 422 without a reason why, as upstream answers a patch that does not apply. */
export function patchFailed(cause: Error): StatusError {
  const message = "the server rejected our request due to an error in our request";
  return failure({ code: 422, reason: "Invalid", message, details: {} }, { cause });
}

function kindOf(value: unknown): string {
  return typeof value === "boolean" ? "bool" : value === null ? "null" : typeof value;
}

interface State {
  root: unknown;
  copied: number;
}

function apply(state: State, operation: unknown): void {
  const op = isJsonObject(operation) ? operation : {};
  switch (op["op"]) {
    case "add":
      return run("add", pathOf(op, "path"), (place) => addAt(place, valueOf(op)), state);
    case "remove":
      return run("remove", pathOf(op, "path"), removeAt, state);
    case "replace":
      return replace(state, op);
    case "move":
      return move(state, op);
    case "copy":
      return copy(state, op);
    case "test":
      return test(state, op);
    default:
      throw new ParseError(`Unexpected kind: ${typeof op["op"] === "string" ? op["op"] : "unknown"}`);
  }
}

function pathOf(op: JsonObject, field: "path" | "from"): string {
  const path = op[field];
  if (typeof path !== "string") throw new ParseError(`operation missing ${field} field: missing value`);
  return path;
}

function valueOf(op: JsonObject): unknown {
  return op["value"] === undefined ? null : deepClone(op["value"]);
}

function placeOf(state: State, path: string, action: string): Place {
  const place = findPlace(state.root, path);
  if (!place) throw new ParseError(`${action} operation does not apply: doc is missing path: "${path}": missing value`);
  return place;
}

function run(action: string, path: string, change: (place: Place) => void, state: State): void {
  const place = placeOf(state, path, action);
  try {
    change(place);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ParseError(`error in ${action} for path: '${path}': ${error.message}`, { cause: error });
  }
}

function replace(state: State, op: JsonObject): void {
  const path = pathOf(op, "path");
  if (path !== "") return run("replace", path, (place) => setAt(place, valueOf(op)), state);
  const value = valueOf(op);
  if (typeof value !== "object" || value === null)
    throw new ParseError("replace operation value must be object or array");
  state.root = value;
}

function move(state: State, op: JsonObject): void {
  const from = placeOf(state, pathOf(op, "from"), "move");
  const value = getAt(from) ?? null;
  removeAt(from);
  run("move", pathOf(op, "path"), (place) => addAt(place, value), state);
}

function copy(state: State, op: JsonObject): void {
  const value = getAt(placeOf(state, pathOf(op, "from"), "copy")) ?? null;
  state.copied += utf8Length(stringifyJson(value));
  if (state.copied > MAX_COPIED_BYTES) {
    const sizes = `${state.copied}, exceeding the limit ${MAX_COPIED_BYTES}`;
    throw new ParseError(`Unable to complete the copy, the accumulated size increase of copy is ${sizes}`);
  }
  run("copy", pathOf(op, "path"), (place) => addAt(place, deepClone(value)), state);
}

function test(state: State, op: JsonObject): void {
  const path = pathOf(op, "path");
  const actual = path === "" ? state.root : getAt(placeOf(state, path, "test"));
  if (!deepEqual(actual ?? null, op["value"] ?? null))
    throw new ParseError(`testing value ${path} failed: test failed`);
}
