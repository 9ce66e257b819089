/**
 * Values of expressions: `bigint` is int, `number` is double, `string`, `boolean`, `null`, `Uint8Array` is bytes, arrays are lists; the
 * rest are the classes here.
 */
export type CelValue = unknown;

/** An unsigned integer. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds. */
export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value: what `type(x)` gives. */
export class TypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value that may be missing. */
export class Optional {
  readonly present: boolean;
  readonly value: CelValue;

  private constructor(present: boolean, value: CelValue) {
    this.present = present;
    this.value = value;
  }

  static readonly none = new Optional(false, undefined);

  static of(value: CelValue): Optional {
    return new Optional(true, value);
  }
}

/** A map, or an object with fields. */
export interface CelMap {
  readonly isCelMap: true;
  readonly size: number;
  get(key: CelValue): CelValue | undefined;
  has(key: CelValue): boolean;
  keys(): Iterable<CelValue>;
}

/** Values of Kubernetes' own types. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: Opaque): boolean;
}

/** An error of evaluation. The logical operators may swallow it. */
export class CelError extends Error {}

/** The budget is used up; nothing swallows this. */
export class CostError extends Error {
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

export function isMap(value: CelValue): value is CelMap {
  return typeof value === "object" && value !== null && (value as CelMap).isCelMap === true;
}

/** The name of a value's type. */
export function typeNameOf(value: CelValue): string {
  switch (typeof value) {
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    case "boolean":
      return "bool";
  }
  if (value === null) return "null_type";
  if (Array.isArray(value)) return "list";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Uint) return "uint";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof TypeValue) return "type";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof Opaque) return value.typeName;
  return "map";
}

/** A number of any of the three kinds, for comparisons across kinds. */
function numeric(value: CelValue): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** CEL's equality: numbers by value whatever their kind; values of different types are not equal. */
export function celEquals(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  const [x, y] = [numeric(a), numeric(b)];
  // oxlint-disable-next-line eqeqeq -- compares int with double exactly
  if (x !== undefined && y !== undefined) return x == y;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => celEquals(item, b[i]));
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Opaque) return b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
  if (a instanceof Optional) {
    return b instanceof Optional && a.present === b.present && (!a.present || celEquals(a.value, b.value));
  }
  return isMap(a) && isMap(b) && equalMaps(a, b);
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const other = b.get(key);
    if (other === undefined || !celEquals(a.get(key), other)) return false;
  }
  return true;
}

/** -1, 0 or 1; undefined: the two can't be ordered. */
export function celCompare(a: CelValue, b: CelValue): number | undefined {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined)
    return Number.isNaN(Number(x)) || Number.isNaN(Number(y)) ? undefined : order(x, y);
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return order(Number(a), Number(b));
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos);
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Math.sign(Buffer.compare(a, b));
  return undefined;
}

function order(x: bigint | number, y: bigint | number): number {
  return x < y ? -1 : x > y ? 1 : 0;
}

/** By code points, as Go orders text. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  const [x, y] = [a.codePointAt(at) ?? -1, b.codePointAt(at) ?? -1];
  return x < y ? -1 : 1;
}

/** A map made by an expression. Keys are told apart by value, ints and uints and doubles of the same value alike. */
export class PlainMap implements CelMap {
  readonly isCelMap = true;
  readonly #entries = new Map<string | bigint | boolean, readonly [key: CelValue, value: CelValue]>();

  static keyOf(key: CelValue): string | bigint | boolean | undefined {
    if (typeof key === "string" || typeof key === "bigint" || typeof key === "boolean") return key;
    if (key instanceof Uint) return key.value;
    return typeof key === "number" && Number.isInteger(key) ? BigInt(key) : undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: CelValue, value: CelValue): this {
    const id = PlainMap.keyOf(key);
    if (id === undefined) throw new CelError(`unsupported key type: ${typeNameOf(key)}`);
    this.#entries.set(id, [key, value]);
    return this;
  }

  get(key: CelValue): CelValue | undefined {
    const id = PlainMap.keyOf(key);
    return id === undefined ? undefined : this.#entries.get(id)?.[1];
  }

  has(key: CelValue): boolean {
    const id = PlainMap.keyOf(key);
    return id !== undefined && this.#entries.has(id);
  }

  *keys(): Generator<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }
}
