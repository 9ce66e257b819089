import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";
import { parseDuration } from "../values/duration.ts";
import { Quantity } from "../values/quantity.ts";
import { isPlainTime, parseMicroTime, parseTime } from "../values/time.ts";
import { base64Error } from "./base64.ts";
import { goTypeOf, goValueOf } from "./go-types.ts";
import type { Shape, TypeTable } from "./model.ts";
import { typeTable } from "./type-table.ts";

type Fields = Readonly<Record<string, unknown>>;

/** As many findings as upstream collects. */
const MAX_FINDINGS = 100;

/** Where the walk is, and what it found. One a call. */
interface Walk {
  /** From the root: field names, list positions, and map keys in a list of one. */
  readonly path: (string | number | readonly [key: string])[];
  /** The struct that holds the value, as Go names it. */
  owner: string;
  readonly findings: Set<string>;
}

/** How {@link validateStructure} checks. */
export interface StructureOptions {
  /** Checks against this type instead of the one that the object's apiVersion and kind name. */
  readonly type?: TypeTable | string;
}

/**
 * Checks a decoded object against its type. Gives the fields that the type does not have, in upstream's words (`unknown field
 * "spec.foo"`), for the caller to refuse, warn of or ignore. Throws {@link ParseError} in the words of Go's JSON decoder
 * when a value has the wrong type. Objects of unknown types pass.
 */
export function validateStructure(object: object, options: StructureOptions = {}): string[] {
  const table = tableFor(object, options.type);
  if (!table) return [];
  const walk: Walk = { path: [], owner: "", findings: new Set() };
  if (Array.isArray(object)) throw new ParseError(`json: cannot unmarshal array into Go value of type ${table.goName}`);
  checkStruct(object as Fields, table, walk);
  return [...walk.findings];
}

/** The type to walk an object by: the one given, else the one that it names. */
export function tableFor(object: object, type: TypeTable | string | undefined): TypeTable | undefined {
  if (type !== undefined) return typeof type === "string" ? typeTable(type) : type;
  const { apiVersion, kind } = object as Fields;
  return typeof apiVersion === "string" && typeof kind === "string" ? typeTable({ apiVersion, kind }) : undefined;
}

function checkStruct(object: Fields, table: TypeTable, walk: Walk): void {
  for (const key in object) {
    const value = object[key];
    const field = table.byName.get(key);
    if (field === undefined) {
      if (walk.findings.size < MAX_FINDINGS) walk.findings.add(`unknown field ${quote(pathText(walk, key))}`);
    } else if (value !== null && value !== undefined && !isFine(field.shape, value)) {
      const owner = walk.owner;
      walk.owner = table.name.slice(table.name.lastIndexOf(".") + 1);
      walk.path.push(key);
      check(field.shape, value, walk);
      walk.path.pop();
      walk.owner = owner;
    }
  }
}

/** The common scalars, decided without bookkeeping. */
function isFine(shape: Shape, value: unknown): boolean {
  return shape.kind === "string" ? typeof value === "string" : shape.kind === "boolean" && typeof value === "boolean";
}

function check(shape: Shape, value: unknown, walk: Walk): void {
  switch (shape.kind) {
    case "string":
      if (typeof value !== "string") throw mismatch(shape, value, walk);
      return;
    case "struct":
      if (typeof value !== "object" || Array.isArray(value)) throw mismatch(shape, value, walk);
      return checkStruct(value as Fields, shape.table, walk);
    case "list":
      if (!Array.isArray(value)) throw mismatch(shape, value, walk);
      return checkList(shape.item, value, walk);
    case "map":
      if (typeof value !== "object" || Array.isArray(value)) throw mismatch(shape, value, walk);
      return checkMap(shape.item, value as Fields, walk);
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(shape, value, walk);
      return;
    case "double":
      if (typeof value !== "number" && typeof value !== "bigint") throw mismatch(shape, value, walk);
      return;
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
      return checkInteger(shape, value, walk);
    case "any":
    case "raw":
    case "fields":
    case "json":
      return;
    default:
      return checkSpecial(shape, value, walk);
  }
}

function checkList(item: Shape, list: readonly unknown[], walk: Walk): void {
  const at = walk.path.length;
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (value === null || isFine(item, value)) continue;
    walk.path[at] = i;
    check(item, value, walk);
  }
  walk.path.length = at;
}

function checkMap(item: Shape, map: Fields, walk: Walk): void {
  const at = walk.path.length;
  for (const key in map) {
    const value = map[key];
    if (value === null || isFine(item, value)) continue;
    walk.path[at] = [key];
    check(item, value, walk);
  }
  walk.path.length = at;
}

const LIMITS: Readonly<Record<string, readonly [low: number, high: number]>> = {
  int32: [-2147483648, 2147483647],
  int64: [-(2 ** 63), 2 ** 63 - 1024],
  uint32: [0, 4294967295],
  uint64: [0, 2 ** 64 - 2048],
};

function checkInteger(shape: Shape, value: unknown, walk: Walk): void {
  const [low, high] = LIMITS[shape.kind] ?? [0, 0];
  const fits =
    typeof value === "number" ? Number.isInteger(value) && value >= low && value <= high : shape.kind.endsWith("64");
  if ((typeof value !== "number" && typeof value !== "bigint") || !fits) throw mismatch(shape, value, walk);
}

/** The quantities that nearly everybody writes. */
const PLAIN_QUANTITY = /^[0-9]+(?:\.[0-9]+)?(?:m|[KMGT]i?)?$/;

function checkSpecial(shape: Shape, value: unknown, walk: Walk): void {
  switch (shape.kind) {
    case "quantity":
      if (typeof value === "string" && PLAIN_QUANTITY.test(value)) return;
      Quantity.parse(typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value));
      return;
    case "intOrString":
      if (typeof value !== "string") checkInteger({ kind: "int32" }, value, walk);
      return;
    case "schemaOrArray":
    case "schemaOrBool":
    case "schemaOrStrings":
      return checkSchema(shape.kind, value);
    default:
      if (typeof value !== "string") throw mismatch(shape, value, walk);
      return checkText(shape.kind, value);
  }
}

function checkText(kind: Shape["kind"], text: string): void {
  if (kind === "time") {
    if (!isPlainTime(text)) parseTime(text);
  } else if (kind === "microTime") parseMicroTime(text);
  else if (kind === "duration") parseDuration(text);
  else {
    const wrong = base64Error(text);
    if (wrong) throw new ParseError(wrong);
  }
}

/** A JSON schema inside a JSON schema, which upstream decodes anew and so without strictness. */
function checkSchema(kind: Shape["kind"], value: unknown): void {
  if (kind === "schemaOrBool" && (typeof value === "string" || typeof value === "number" || Array.isArray(value))) {
    throw new ParseError("boolean or JSON schema expected");
  }
  const type = "apiextensions.v1.JSONSchemaProps";
  if (kind === "schemaOrArray" && Array.isArray(value))
    for (const item of value) validateStructure(item as object, { type });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) validateStructure(value, { type });
}

function pathText(walk: Walk, last: string): string {
  let text = "";
  for (const step of walk.path) text += typeof step === "number" ? `[${step}]` : `.${String(step)}`;
  return `${text}.${last}`.slice(1);
}

/** Go's error. Its path has field names only: no positions, no map keys. */
function mismatch(shape: Shape, value: unknown, walk: Walk): ParseError {
  const integer = shape.kind.includes("int") && shape.kind !== "intOrString";
  const what = goValueOf(value, integer);
  return new ParseError(
    `json: cannot unmarshal ${what} into Go struct field ${walk.owner}.${fieldPath(walk)} of type ${goTypeOf(shape)}`,
  );
}

function fieldPath(walk: Walk): string {
  return walk.path.filter((step) => typeof step === "string").join(".");
}
