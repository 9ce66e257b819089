import { base64ToBytes } from "../schema/base64.ts";
import { type CelType, DYN } from "./types.ts";
import { CelError, type CelMap, type CelValue, Duration, Timestamp } from "./values.ts";
import { parseGoDuration, parseTimestamp } from "./times.ts";

/** A JSON value as expressions see it, by its type; what it refers to is read when it is looked at. */
export function fromJson(value: unknown, type: CelType = DYN): CelValue {
  switch (typeof value) {
    case "string":
      return textOf(value, type);
    case "number":
      if (type.kind === "double") return value;
      return Number.isInteger(value) ? BigInt(value) : value;
    case "bigint":
      return type.kind === "double" ? Number(value) : value;
    case "object": {
      if (value === null) return null;
      if (Array.isArray(value)) {
        const item = type.kind === "list" ? type.item : DYN;
        return value.map((one) => fromJson(one, item));
      }
      return new JsonMap(value as Readonly<Record<string, unknown>>, type);
    }
    default:
      return value;
  }
}

function textOf(text: string, type: CelType): CelValue {
  switch (type.kind) {
    case "timestamp": {
      const nanos = parseTimestamp(text);
      if (nanos === undefined) throw new CelError(`invalid date-time: ${text}`);
      return new Timestamp(nanos);
    }
    case "duration":
      return new Duration(parseGoDuration(text) ?? 0n);
    case "bytes":
      return base64ToBytes(text);
    default:
      return text;
  }
}

/** A JSON object. Declared fields are found by their escaped names as well. */
class JsonMap implements CelMap {
  readonly isCelMap = true;
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly #type: CelType;
  readonly #read = new Map<string, CelValue>();

  constructor(raw: Readonly<Record<string, unknown>>, type: CelType) {
    this.#raw = raw;
    this.#type = type;
  }

  get size(): number {
    return Object.keys(this.#raw).length;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== "string") return undefined;
    const name = this.#type.kind === "object" ? unescapeName(key) : key;
    if (!Object.hasOwn(this.#raw, name) || this.#raw[name] === undefined) return undefined;
    if (!this.#read.has(name)) this.#read.set(name, fromJson(this.#raw[name], this.#typeOf(key)));
    return this.#read.get(name);
  }

  has(key: CelValue): boolean {
    if (typeof key !== "string") return false;
    return Object.hasOwn(this.#raw, this.#type.kind === "object" ? unescapeName(key) : key);
  }

  keys(): Iterable<CelValue> {
    return Object.keys(this.#raw);
  }

  #typeOf(key: string): CelType {
    if (this.#type.kind === "object") return this.#type.fields.get(key) ?? DYN;
    return this.#type.kind === "map" ? this.#type.value : DYN;
  }
}

/** A value as JSON; for messages, annotations and the like. */
export function toJson(value: CelValue): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null && (value as CelMap).isCelMap) {
    const map = value as CelMap;
    return Object.fromEntries([...map.keys()].map((key) => [String(key as string), toJson(map.get(key))]));
  }
  return value;
}

const KEYWORDS = new Set([
  "true",
  "false",
  "null",
  "in",
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
]);

/** A field's name as expressions write it; undefined: they can't. */
export function escapeName(name: string): string | undefined {
  if (KEYWORDS.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replaceAll(/__|\.|-|\//g, (part) => ESCAPES[part] ?? part);
}

const ESCAPES: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};
const UNESCAPES: Readonly<Record<string, string>> = { underscores: "__", dot: ".", dash: "-", slash: "/" };

function unescapeName(name: string): string {
  if (!name.includes("__")) return name;
  return name.replaceAll(
    /__([a-z]+?)__/g,
    (whole, word: string) => UNESCAPES[word] ?? (KEYWORDS.has(word) ? word : whole),
  );
}
