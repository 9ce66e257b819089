import type { CelType } from "./types.ts";
import { type CelValue, isMap, Optional } from "./values.ts";

/** One form of a function: for arguments of certain types. */
export interface Overload {
  readonly name: string;
  /** Called as `first.name(rest)`. */
  readonly member: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  call(...args: CelValue[]): CelValue;
  /** How much work it is, for arguments of these sizes, beyond 1; used while running and for the worst case. */
  readonly work?: (sizes: readonly number[]) => number;
  /** How large the result is at most. */
  readonly grows?: (sizes: readonly number[]) => number;
}

/** Functions by name; members and others apart. */
export interface Functions {
  readonly members: ReadonlyMap<string, readonly Overload[]>;
  readonly globals: ReadonlyMap<string, readonly Overload[]>;
}

/** Libraries put together. */
export function functionsOf(...libraries: readonly (readonly Overload[])[]): Functions {
  const tables = { members: new Map<string, Overload[]>(), globals: new Map<string, Overload[]>() };
  for (const overload of libraries.flat()) {
    const table = overload.member ? tables.members : tables.globals;
    const known = table.get(overload.name);
    if (known) known.push(overload);
    else table.set(overload.name, [overload]);
  }
  return tables;
}

type Extras = Pick<Overload, "work" | "grows">;

/** A function that is called by its name alone, such as `size(x)`. */
export function fn(
  name: string,
  args: readonly CelType[],
  result: CelType,
  call: Overload["call"],
  extras: Extras = {},
): Overload {
  return { name, member: false, args, result, call, ...extras };
}

/** A function of its first argument, such as `x.size()`. */
export function method(
  name: string,
  args: readonly CelType[],
  result: CelType,
  call: Overload["call"],
  extras: Extras = {},
): Overload {
  return { name, member: true, args, result, call, ...extras };
}

/** How large a value is, as costs count: characters, bytes, items or entries; 1 for all else. */
export function sizeOf(value: CelValue): number {
  if (typeof value === "string" || value instanceof Uint8Array || Array.isArray(value)) return value.length;
  if (isMap(value)) return value.size;
  return value instanceof Optional && value.present ? sizeOf(value.value) : 1;
}

/** What reading through a text or list costs, a unit of size. */
export const TRAVERSAL = 0.1;

/** Reads its first argument through. */
export const reads: Extras = { work: ([size = 0]) => Math.ceil(size * TRAVERSAL) };

/** Reads all its arguments through. */
export const readsAll: Extras = { work: (sizes) => sizes.reduce((sum, size) => sum + Math.ceil(size * TRAVERSAL), 0) };

/** Makes another text or list of its first argument's size. */
export const copies: Extras = { ...reads, grows: ([size = 0]) => size };
