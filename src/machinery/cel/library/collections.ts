import { copies, fn, method, type Overload, reads } from "../functions.ts";
import {
  BOOL,
  type CelType,
  DOUBLE,
  DURATION,
  INT,
  listType,
  optionalType,
  STRING,
  TIMESTAMP,
  typeVar,
  UINT,
} from "../types.ts";
import { celCompare, celEquals, CelError, type CelValue, Duration, isMap, Optional, Uint } from "../values.ts";

const A = typeVar("A");
const LIST = listType(A);
type List = readonly CelValue[];
const ORDERED: readonly CelType[] = [INT, UINT, DOUBLE, BOOL, STRING, DURATION, TIMESTAMP];

function best(list: CelValue, sign: number, name: string): CelValue {
  const items = list as List;
  if (items.length === 0) throw new CelError(`${name} called on empty list`);
  return items.reduce((a, b) => ((celCompare(b, a) ?? 0) * sign > 0 ? b : a));
}

function sum(list: CelValue, zero: CelValue): CelValue {
  return (list as List).reduce((a, b) => {
    if (a instanceof Uint) return new Uint(a.value + (b as Uint).value);
    if (a instanceof Duration) return new Duration(a.nanos + (b as Duration).nanos);
    return typeof a === "bigint" ? a + (b as bigint) : (a as number) + (b as number);
  }, zero);
}

const ZEROS: readonly (readonly [CelType, CelValue])[] = [
  [INT, 0n],
  [UINT, new Uint(0n)],
  [DOUBLE, 0],
  [DURATION, new Duration(0n)],
];

function flatten(list: CelValue, depth: number): CelValue[] {
  return (list as List).flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1) : [item]));
}

function slice(list: CelValue, from: CelValue, to: CelValue): CelValue[] {
  const [items, start, end] = [list as List, Number(from), Number(to)];
  if (start < 0 || end < 0) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > items.length) throw new CelError(`cannot slice(${start}, ${end}), list is length ${items.length}`);
  return items.slice(start, end);
}

function distinct(list: CelValue): CelValue[] {
  const kept: CelValue[] = [];
  for (const item of list as List) if (!kept.some((one) => celEquals(one, item))) kept.push(item);
  return kept;
}

const quadratic = { work: ([a = 0, b = a]: readonly number[]): number => a * b };
const each = { work: ([size = 0]: readonly number[]): number => size };
const eachCopied = { ...each, grows: ([size = 0]: readonly number[]): number => size };

/** Kubernetes' and CEL's functions of lists. */
export const listsLibrary: readonly Overload[] = [
  ...ORDERED.flatMap((type) => [
    method(
      "isSorted",
      [listType(type)],
      BOOL,
      (list) => (list as List).every((item, i) => i === 0 || (celCompare((list as List)[i - 1], item) ?? 0) <= 0),
      each,
    ),
    method("min", [listType(type)], type, (list) => best(list, -1, "min"), each),
    method("max", [listType(type)], type, (list) => best(list, 1, "max"), each),
  ]),
  ...ZEROS.map(([type, zero]) => method("sum", [listType(type)], type, (list) => sum(list, zero), each)),
  method(
    "indexOf",
    [LIST, A],
    INT,
    (list, item) => BigInt((list as List).findIndex((one) => celEquals(one, item))),
    each,
  ),
  method(
    "lastIndexOf",
    [LIST, A],
    INT,
    (list, item) => BigInt((list as List).findLastIndex((one) => celEquals(one, item))),
    each,
  ),
  method("distinct", [LIST], LIST, distinct, { ...quadratic, grows: ([size = 0]) => size }),
  method("reverse", [LIST], LIST, (list) => (list as List).toReversed(), eachCopied),
  method("slice", [LIST, INT, INT], LIST, slice, copies),
  method("flatten", [listType(LIST)], LIST, (list) => flatten(list, 1), eachCopied),
  method("flatten", [LIST, INT], LIST, (list, depth) => flatten(list, Number(depth)), eachCopied),
  method("sort", [LIST], LIST, (list) => (list as List).toSorted((a, b) => celCompare(a, b) ?? 0), eachCopied),
  fn(
    "lists.range",
    [INT],
    listType(INT),
    (count) => {
      if ((count as bigint) > 1_000_000n) throw new CelError("lists.range is too large");
      return Array.from({ length: Math.max(0, Number(count)) }, (_, i) => BigInt(i));
    },
    { work: () => 10, grows: () => 1_000_000 },
  ),
];

const contains = (a: CelValue, b: CelValue): boolean =>
  (b as List).every((item) => (a as List).some((one) => celEquals(one, item)));

/** Lists as sets. */
export const setsLibrary: readonly Overload[] = [
  fn("sets.contains", [LIST, LIST], BOOL, contains, quadratic),
  fn("sets.equivalent", [LIST, LIST], BOOL, (a, b) => contains(a, b) && contains(b, a), {
    work: ([a = 0, b = 0]) => 2 * a * b,
  }),
  fn(
    "sets.intersects",
    [LIST, LIST],
    BOOL,
    (a, b) => (a as List).some((item) => (b as List).some((one) => celEquals(one, item))),
    quadratic,
  ),
];

const OPTIONAL = optionalType(A);

function held(value: CelValue): CelValue {
  const optional = value as Optional;
  if (!optional.present) throw new CelError("optional.none() dereference");
  return optional.value;
}

function isZero(value: CelValue): boolean {
  if (value === null || value === "" || value === false || value === 0 || value === 0n) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanos === 0n;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return isMap(value) && value.size === 0;
}

/** Values that may be missing. */
export const optionalsLibrary: readonly Overload[] = [
  fn("optional.none", [], OPTIONAL, () => Optional.none),
  fn("optional.of", [A], OPTIONAL, (value) => Optional.of(value)),
  fn("optional.ofNonZeroValue", [A], OPTIONAL, (value) => (isZero(value) ? Optional.none : Optional.of(value))),
  method("hasValue", [OPTIONAL], BOOL, (value) => (value as Optional).present),
  method("value", [OPTIONAL], A, held),
  method("or", [OPTIONAL, OPTIONAL], OPTIONAL, (a, b) => ((a as Optional).present ? a : b)),
  method("orValue", [OPTIONAL, A], A, (a, b) => ((a as Optional).present ? (a as Optional).value : b)),
  fn(
    "optional.unwrap",
    [listType(OPTIONAL)],
    LIST,
    (list) => (list as Optional[]).flatMap((one) => (one.present ? [one.value] : [])),
    reads,
  ),
  method("first", [LIST], OPTIONAL, (list) =>
    (list as List).length > 0 ? Optional.of((list as List)[0]) : Optional.none,
  ),
  method("last", [LIST], OPTIONAL, (list) =>
    (list as List).length > 0 ? Optional.of((list as List).at(-1)) : Optional.none,
  ),
];
