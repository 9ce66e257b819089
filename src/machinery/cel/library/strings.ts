import { copies, fn, method, type Overload, reads, TRAVERSAL } from "../functions.ts";
import { DYN, INT, listType, STRING } from "../types.ts";
import {
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
import { formatSeconds, formatTimestamp } from "../times.ts";
import { showDouble } from "./conversions.ts";

const points = (text: CelValue): string[] => Array.from(text as string);

function charAt(text: CelValue, at: CelValue): string {
  const list = points(text);
  const index = Number(at);
  if (index < 0 || index > list.length) throw new CelError(`index out of range: ${index}`);
  return list[index] ?? "";
}

function substring(text: CelValue, from: CelValue, to?: CelValue): string {
  const list = points(text);
  const [start, end] = [Number(from), to === undefined ? list.length : Number(to)];
  if (start < 0 || start > list.length) throw new CelError(`index out of range: ${start}`);
  if (end < 0 || end > list.length) throw new CelError(`index out of range: ${end}`);
  if (start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  return list.slice(start, end).join("");
}

/** By code points; -1 when it is not there. */
function indexOf(text: CelValue, part: CelValue, from: CelValue | undefined, last: boolean): bigint {
  const [list, wanted] = [points(text), points(part)];
  const offset = from === undefined ? undefined : Number(from);
  if (offset !== undefined && (offset < 0 || offset > list.length)) throw new CelError(`index out of range: ${offset}`);
  const fits = (at: number): boolean => wanted.every((c, i) => list[at + i] === c);
  const highest = list.length - wanted.length;
  if (last) {
    for (let at = Math.min(highest, offset ?? highest); at >= 0; at--) if (fits(at)) return BigInt(at);
  } else {
    for (let at = offset ?? 0; at <= highest; at++) if (fits(at)) return BigInt(at);
  }
  return -1n;
}

function replace(text: string, from: string, to: string, limit: number): string {
  if (limit < 0) return text.replaceAll(from, () => to);
  let left = limit;
  return text.replaceAll(from, (part) => (left-- > 0 ? to : part));
}

function split(text: string, separator: string, limit: number): string[] {
  if (limit === 0) return [];
  const parts = separator === "" ? Array.from(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

const ascii = (text: string, upper: boolean): string =>
  upper
    ? text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase())
    : text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase());

const search = {
  work: ([a = 0, b = 0]: readonly number[]): number => Math.ceil(a * TRAVERSAL) * Math.ceil(b * TRAVERSAL),
};
const replaces = { ...reads, grows: ([text = 0, , to = 0]: readonly number[]): number => text * Math.max(1, to) };
const STRINGS = listType(STRING);
const joins = {
  work: ([size = 0]: readonly number[]): number => size,
  grows: ([size = 0, part = 0]: readonly number[]): number => size * 64 + size * part,
};

/** The strings extension. */
export const stringsLibrary: readonly Overload[] = [
  method("charAt", [STRING, INT], STRING, charAt, reads),
  method("indexOf", [STRING, STRING], INT, (text, part) => indexOf(text, part, undefined, false), search),
  method("indexOf", [STRING, STRING, INT], INT, (text, part, from) => indexOf(text, part, from, false), search),
  method("lastIndexOf", [STRING, STRING], INT, (text, part) => indexOf(text, part, undefined, true), search),
  method("lastIndexOf", [STRING, STRING, INT], INT, (text, part, from) => indexOf(text, part, from, true), search),
  method("lowerAscii", [STRING], STRING, (text) => ascii(text as string, false), copies),
  method("upperAscii", [STRING], STRING, (text) => ascii(text as string, true), copies),
  method(
    "replace",
    [STRING, STRING, STRING],
    STRING,
    (text, from, to) => replace(text as string, from as string, to as string, -1),
    replaces,
  ),
  method(
    "replace",
    [STRING, STRING, STRING, INT],
    STRING,
    (text, from, to, limit) => replace(text as string, from as string, to as string, Number(limit)),
    replaces,
  ),
  method("split", [STRING, STRING], STRINGS, (text, by) => split(text as string, by as string, -1), copies),
  method(
    "split",
    [STRING, STRING, INT],
    STRINGS,
    (text, by, limit) => split(text as string, by as string, Number(limit)),
    copies,
  ),
  method("substring", [STRING, INT], STRING, (text, from) => substring(text, from), copies),
  method("substring", [STRING, INT, INT], STRING, substring, copies),
  method("trim", [STRING], STRING, (text) => (text as string).trim(), copies),
  method("reverse", [STRING], STRING, (text) => points(text).toReversed().join(""), copies),
  method("join", [STRINGS], STRING, (list) => (list as string[]).join(""), joins),
  method("join", [STRINGS, STRING], STRING, (list, by) => (list as string[]).join(by as string), joins),
  method("format", [STRING, listType(DYN)], STRING, (text, args) => format(text as string, args as CelValue[]), {
    work: ([a = 0, b = 0]) => a + b,
    grows: ([a = 0, b = 0]) => a + b * 64,
  }),
  fn("strings.quote", [STRING], STRING, (text) => JSON.stringify(text), copies),
];

function format(text: string, args: readonly CelValue[]): string {
  let next = 0;
  return text.replaceAll(
    /%(?:%|(?:\.(\d+))?([a-zA-Z]))/g,
    (whole, precision: string | undefined, verb: string | undefined) => {
      if (verb === undefined) return "%";
      if (next >= args.length) throw new CelError(`index ${next} out of range`);
      return formatOne(verb, args[next++], precision === undefined ? undefined : Number(precision), whole);
    },
  );
}

function formatOne(verb: string, value: CelValue, precision: number | undefined, whole: string): string {
  const number = value instanceof Uint ? value.value : value;
  switch (verb) {
    case "s":
      return show(value);
    case "d":
      if (typeof number === "bigint") return String(number);
      break;
    case "f":
      if (typeof number === "number" || typeof number === "bigint") return Number(number).toFixed(precision ?? 6);
      break;
    case "e":
      if (typeof number === "number" || typeof number === "bigint") {
        return Number(number)
          .toExponential(precision ?? 6)
          .replace(/e([+-])(\d)$/, "e$10$2");
      }
      break;
    case "b":
      if (typeof number === "bigint") return number.toString(2);
      if (typeof number === "boolean") return number ? "1" : "0";
      break;
    case "o":
      if (typeof number === "bigint") return number.toString(8);
      break;
    case "x":
    case "X": {
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
      const hex =
        typeof number === "bigint"
          ? number.toString(16)
          : bytes instanceof Uint8Array
            ? Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")
            : undefined;
      if (hex !== undefined) return verb === "X" ? hex.toUpperCase() : hex;
      break;
    }
  }
  throw new CelError(
    `could not parse formatting clause ${JSON.stringify(whole)}: no such overload for ${typeNameOf(value)}`,
  );
}

function show(value: CelValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return showDouble(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return formatSeconds(value.nanos);
  if (value instanceof Timestamp) return formatTimestamp(value.nanos);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (isMap(value)) return `{${showEntries(value).join(", ")}}`;
  return String(value as boolean | bigint | null);
}

function showEntries(map: CelMap): string[] {
  return [...map.keys()].map((key) => `${show(key)}: ${show(map.get(key))}`).toSorted();
}
