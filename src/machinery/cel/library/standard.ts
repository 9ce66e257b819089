import { fn, method, type Overload, reads, readsAll, sizeOf, TRAVERSAL } from "../functions.ts";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listType,
  mapType,
  STRING,
  TIMESTAMP,
  TYPE,
  typeVar,
  UINT,
} from "../types.ts";
import {
  celCompare,
  celEquals,
  CelError,
  type CelMap,
  type CelValue,
  Duration,
  isMap,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
} from "../values.ts";
import { conversions } from "./conversions.ts";
import { matchText } from "./regex.ts";
import { timeFunctions } from "./time-functions.ts";

const A = typeVar("A");
const B = typeVar("B");
const LIST_A = listType(A);
const MAP = mapType(A, B);

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** An int that fits; throws otherwise. */
function int(value: bigint, what = "integer overflow"): bigint {
  if (value < MIN || value > MAX) throw new CelError(what);
  return value;
}

function uint(value: bigint): Uint {
  if (value < 0n || value >= 2n ** 64n) throw new CelError("unsigned integer overflow");
  return new Uint(value);
}

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError("division by zero");
  return int(a / b);
}

function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError("modulus by zero");
  return a % b;
}

type Op = (a: bigint, b: bigint) => bigint;

function arithmetic(name: string, whole: Op, double?: (a: number, b: number) => number): Overload[] {
  return [
    fn(name, [INT, INT], INT, (a, b) => int(whole(a as bigint, b as bigint))),
    fn(name, [UINT, UINT], UINT, (a, b) => uint(whole((a as Uint).value, (b as Uint).value))),
    ...(double ? [fn(name, [DOUBLE, DOUBLE], DOUBLE, (a, b) => double(a as number, b as number))] : []),
  ];
}

const join = { ...readsAll, grows: ([a = 0, b = 0]: readonly number[]) => a + b };
const least = { work: ([a = 1, b = 1]: readonly number[]) => Math.ceil(Math.min(a, b) * TRAVERSAL) };

const additions: Overload[] = [
  ...arithmetic(
    "_+_",
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  fn("_+_", [STRING, STRING], STRING, (a, b) => (a as string) + (b as string), join),
  fn("_+_", [BYTES, BYTES], BYTES, (a, b) => Uint8Array.of(...(a as Uint8Array), ...(b as Uint8Array)), join),
  fn("_+_", [LIST_A, LIST_A], LIST_A, (a, b) => [...(a as CelValue[]), ...(b as CelValue[])], join),
  fn("_+_", [DURATION, DURATION], DURATION, (a, b) => new Duration(int((a as Duration).nanos + (b as Duration).nanos))),
  fn("_+_", [TIMESTAMP, DURATION], TIMESTAMP, (a, b) => new Timestamp((a as Timestamp).nanos + (b as Duration).nanos)),
  fn("_+_", [DURATION, TIMESTAMP], TIMESTAMP, (a, b) => new Timestamp((a as Duration).nanos + (b as Timestamp).nanos)),
  ...arithmetic(
    "_-_",
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  fn("_-_", [DURATION, DURATION], DURATION, (a, b) => new Duration(int((a as Duration).nanos - (b as Duration).nanos))),
  fn("_-_", [TIMESTAMP, DURATION], TIMESTAMP, (a, b) => new Timestamp((a as Timestamp).nanos - (b as Duration).nanos)),
  fn("_-_", [TIMESTAMP, TIMESTAMP], DURATION, (a, b) => new Duration((a as Timestamp).nanos - (b as Timestamp).nanos)),
  ...arithmetic(
    "_*_",
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  ...arithmetic("_/_", divide, (a, b) => a / b),
  ...arithmetic("_%_", remainder),
  fn("-_", [INT], INT, (a) => int(-(a as bigint))),
  fn("-_", [DOUBLE], DOUBLE, (a) => -(a as number)),
  fn("!_", [BOOL], BOOL, (a) => !(a as boolean)),
];

const NUMBERS = [INT, UINT, DOUBLE];

const equality: Overload[] = [
  fn("_==_", [A, A], BOOL, (a, b) => celEquals(a, b), least),
  fn("_!=_", [A, A], BOOL, (a, b) => !celEquals(a, b), least),
  ...crossNumeric("_==_", (a, b) => celEquals(a, b)),
  ...crossNumeric("_!=_", (a, b) => !celEquals(a, b)),
];

function crossNumeric(name: string, call: Overload["call"]): Overload[] {
  return NUMBERS.flatMap((a) => NUMBERS.flatMap((b) => (a === b ? [] : [fn(name, [a, b], BOOL, call)])));
}

const ORDERED: readonly CelType[] = [BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION];
const ORDERINGS: Readonly<Record<string, (order: number) => boolean>> = {
  "_<_": (order) => order < 0,
  "_<=_": (order) => order <= 0,
  "_>_": (order) => order > 0,
  "_>=_": (order) => order >= 0,
};

const orderings: Overload[] = Object.entries(ORDERINGS).flatMap(([name, holds]) => {
  const call = (a: CelValue, b: CelValue): boolean => {
    const order = celCompare(a, b);
    return order !== undefined && holds(order);
  };
  return [...ORDERED.map((type) => fn(name, [type, type], BOOL, call, least)), ...crossNumeric(name, call)];
});

const contents: Overload[] = [
  fn("@in", [A, LIST_A], BOOL, (item, list) => (list as CelValue[]).some((one) => celEquals(one, item)), {
    work: ([, size = 0]) => size,
  }),
  fn("@in", [A, MAP], BOOL, (key, map) => isMap(map) && map.has(key)),
  ...[fn, method].flatMap((make) => [
    make("size", [STRING], INT, (text) => BigInt(codePoints(text as string)), reads),
    make("size", [BYTES], INT, (bytes) => BigInt((bytes as Uint8Array).length)),
    make("size", [LIST_A], INT, (list) => BigInt(sizeOf(list))),
    make("size", [MAP], INT, (map) => BigInt((map as CelMap).size)),
  ]),
];

/** How many code points a text has. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const product = ([a = 0, b = 0]: readonly number[]): number => Math.ceil(a * TRAVERSAL) * Math.ceil(b * TRAVERSAL);
const regexWork = ([text = 0, pattern = 0]: readonly number[]): number =>
  Math.ceil((text + 1) * TRAVERSAL) * Math.ceil(pattern * 0.25);

const texts: Overload[] = [
  method("contains", [STRING, STRING], BOOL, (text, part) => (text as string).includes(part as string), {
    work: product,
  }),
  method("startsWith", [STRING, STRING], BOOL, (text, part) => (text as string).startsWith(part as string), {
    work: ([, b = 0]) => Math.ceil(b * TRAVERSAL),
  }),
  method("endsWith", [STRING, STRING], BOOL, (text, part) => (text as string).endsWith(part as string), {
    work: ([, b = 0]) => Math.ceil(b * TRAVERSAL),
  }),
  method("matches", [STRING, STRING], BOOL, (text, pattern) => matchText(text as string, pattern as string), {
    work: regexWork,
  }),
  fn("matches", [STRING, STRING], BOOL, (text, pattern) => matchText(text as string, pattern as string), {
    work: regexWork,
  }),
];

const others: Overload[] = [
  fn("dyn", [A], DYN, (value) => value),
  fn("type", [A], TYPE, (value) => new TypeValue(typeNameOf(value))),
];

/** CEL's own functions and operators. */
export const standard: readonly Overload[] = [
  ...additions,
  ...equality,
  ...orderings,
  ...contents,
  ...texts,
  ...others,
  ...conversions,
  ...timeFunctions,
];
