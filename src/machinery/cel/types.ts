import { type CelValue, Duration, isMap, Opaque, Optional, Timestamp, TypeValue, Uint } from "./values.ts";

/** The type of an expression, as far as it is known; `max` bounds how many characters, items or entries it has. */
export type CelType =
  | { readonly kind: "dyn" | "null" | "bool" | "int" | "uint" | "double" | "timestamp" | "duration" | "type" }
  | { readonly kind: "string" | "bytes"; readonly max?: number }
  | { readonly kind: "list"; readonly item: CelType; readonly max?: number }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType; readonly max?: number }
  /** An object with declared fields; `open`: others may be there and are of any type. */
  | {
      readonly kind: "object";
      readonly name: string;
      readonly fields: ReadonlyMap<string, CelType>;
      readonly open?: boolean;
    }
  | { readonly kind: "opaque"; readonly name: string }
  | { readonly kind: "optional"; readonly of: CelType }
  /** Any one type, the same wherever its letter stands in a signature. */
  | { readonly kind: "var"; readonly name: string };

export const DYN: CelType = { kind: "dyn" };
export const NULL: CelType = { kind: "null" };
export const BOOL: CelType = { kind: "bool" };
export const INT: CelType = { kind: "int" };
export const UINT: CelType = { kind: "uint" };
export const DOUBLE: CelType = { kind: "double" };
export const STRING: CelType = { kind: "string" };
export const BYTES: CelType = { kind: "bytes" };
export const TIMESTAMP: CelType = { kind: "timestamp" };
export const DURATION: CelType = { kind: "duration" };
export const TYPE: CelType = { kind: "type" };

export function listType(item: CelType, max?: number): CelType {
  return { kind: "list", item, ...(max !== undefined && { max }) };
}

export function mapType(key: CelType, value: CelType, max?: number): CelType {
  return { kind: "map", key, value, ...(max !== undefined && { max }) };
}

export function opaqueType(name: string): CelType {
  return { kind: "opaque", name };
}

export function optionalType(of: CelType): CelType {
  return { kind: "optional", of };
}

export function typeVar(name: string): CelType {
  return { kind: "var", name };
}

const NAMES: Readonly<Record<string, string>> = { timestamp: "timestamp", duration: "duration", null: "null" };

/** A type as messages show it: `list(string)`. */
export function showType(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${showType(type.item)})`;
    case "map":
      return `map(${showType(type.key)}, ${showType(type.value)})`;
    case "object":
    case "opaque":
      return type.name;
    case "optional":
      return `optional_type(${showType(type.of)})`;
    case "var":
      return type.name;
    default:
      return NAMES[type.kind] ?? type.kind;
  }
}

/** Whether a value of `given` may stand where `wanted` is; variables are bound on the way. */
export function assignable(wanted: CelType, given: CelType, bound: Map<string, CelType>): boolean {
  if (wanted.kind === "var") {
    const known = bound.get(wanted.name);
    if (known && known.kind !== "dyn" && given.kind !== "dyn")
      return assignable(known, given, bound) || widen(wanted.name, known, given, bound);
    if (!known || known.kind === "dyn") bound.set(wanted.name, given);
    return true;
  }
  if (wanted.kind === "dyn" || given.kind === "dyn" || given.kind === "var") return true;
  if (given.kind === "null") return wanted.kind === "null" || !SCALAR.has(wanted.kind);
  if (wanted.kind === "null") return !SCALAR.has(given.kind);
  if (wanted.kind === "map" && given.kind === "object") return false;
  if (wanted.kind !== given.kind) return false;
  switch (wanted.kind) {
    case "list":
      return assignable(wanted.item, (given as typeof wanted).item, bound);
    case "map":
      return (
        assignable(wanted.key, (given as typeof wanted).key, bound) &&
        assignable(wanted.value, (given as typeof wanted).value, bound)
      );
    case "object":
    case "opaque":
      return wanted.name === (given as typeof wanted).name;
    case "optional":
      return assignable(wanted.of, (given as typeof wanted).of, bound);
    default:
      return true;
  }
}

/** A variable bound to a list of nothing known takes the better known one. */
function widen(name: string, known: CelType, given: CelType, bound: Map<string, CelType>): boolean {
  if (!assignable(given, known, new Map())) return false;
  bound.set(name, given);
  return true;
}

const SCALAR = new Set<CelType["kind"]>(["bool", "int", "uint", "double", "string", "bytes", "type"]);

/** The type with its variables replaced by what they were bound to. */
export function substitute(type: CelType, bound: ReadonlyMap<string, CelType>): CelType {
  switch (type.kind) {
    case "var":
      return bound.get(type.name) ?? DYN;
    case "list":
      return { ...type, item: substitute(type.item, bound) };
    case "map":
      return { ...type, key: substitute(type.key, bound), value: substitute(type.value, bound) };
    case "optional":
      return optionalType(substitute(type.of, bound));
    default:
      return type;
  }
}

/** A type that values of both have. */
export function joinTypes(a: CelType, b: CelType): CelType {
  if (a.kind === "null") return b;
  if (b.kind === "null") return a;
  return assignable(a, b, new Map()) ? (b.kind === "dyn" ? b : a) : DYN;
}

/** Whether a value may be an argument of that type. */
export function fits(type: CelType, value: CelValue): boolean {
  switch (type.kind) {
    case "dyn":
    case "var":
      return true;
    case "null":
      return value === null;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof Uint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return value instanceof Uint8Array;
    case "timestamp":
      return value instanceof Timestamp;
    case "duration":
      return value instanceof Duration;
    case "type":
      return value instanceof TypeValue;
    case "list":
      return (
        Array.isArray(value) &&
        (type.item.kind === "dyn" || type.item.kind === "var" || value.length === 0 || fits(type.item, value[0]))
      );
    case "map":
    case "object":
      return isMap(value);
    case "opaque":
      return value instanceof Opaque && value.typeName === type.name;
    case "optional":
      return value instanceof Optional;
  }
}
