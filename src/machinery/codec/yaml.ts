import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";
import { decodeJson, MAX_DEPTH } from "./json.ts";
import { splitJson } from "./json-stream.ts";
import { SCALAR_TAGS } from "./yaml-scalars.ts";

/** How {@link decodeYaml} reads. */
export interface YamlOptions {
  /** Told of each key that occurs twice in a mapping, in upstream's words; the last one counts. */
  readonly onDuplicate?: (message: string) => void;
}

const TOO_DEEP = "yaml: exceeded max depth of 10000";

const decoder = new TextDecoder();

/** The library is large and seldom needed: it is loaded by the first document that is not JSON. */
const library = ((): (() => typeof Yaml) => {
  let loaded: typeof Yaml | undefined;
  return () => (loaded ??= createRequire(import.meta.url)("yaml") as typeof Yaml);
})();

/**
 * The first document of a YAML text as plain JSON data, read as kubectl and the API server read it: YAML 1.1 booleans, keys made
 * text, no dates, aliases expanded within reason. JSON is read as JSON. Undefined for an empty document. Throws {@link ParseError}.
 */
export function decodeYaml(bytes: Uint8Array | string, options: YamlOptions = {}): unknown {
  const text = typeof bytes === "string" ? bytes : decoder.decode(bytes);
  if (/^\s*\{/.test(text)) {
    try {
      return decodeJson(text);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
    }
  }
  return parse(text, options)[0];
}

/**
 * All documents of a YAML stream, as a manifest holds them; empty ones are left out. Separators are lines that begin with `---`, and
 * nothing at all between JSON objects. Throws
 * {@link ParseError} in kubectl's words.
 */
export function decodeYamlStream(bytes: Uint8Array | string, options: YamlOptions = {}): unknown[] {
  const text = typeof bytes === "string" ? bytes : decoder.decode(bytes);
  try {
    return splitYaml(text)
      .flatMap((part) => decodePart(part, options))
      .filter((value) => value !== undefined && value !== null);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ParseError(`error converting YAML to JSON: ${error.message}`, { cause: error });
  }
}

function decodePart(text: string, options: YamlOptions): unknown[] {
  if (!/^\s*\{/.test(text)) return [decodeYaml(text, options)];
  const objects = splitJson(text);
  return objects.length > 1 && objects.every((object) => /^\s*\{/.test(object))
    ? objects.map((object) => decodeYaml(object, options))
    : [decodeYaml(text, options)];
}

/** The texts between `---` lines; what stands on a separator's line is dropped, as upstream does. */
export function splitYaml(text: string): string[] {
  return text.split(/^---.*(?:\r?\n|$)/m);
}

/** Refuses what only an attack nests so deep, before the library spends seconds on it. */
function refuseDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5b || unit === 0x7b) {
      if (++depth > MAX_DEPTH) throw new ParseError(TOO_DEEP);
    } else if ((unit === 0x5d || unit === 0x7d) && depth > 0) depth--;
  }
  if (/(?:[-?] ){1000}/.test(text)) throw new ParseError(TOO_DEEP);
}

function parse(text: string, options: YamlOptions): unknown[] {
  refuseDepth(text);
  try {
    const documents = library().parseAllDocuments(text, {
      version: "1.1",
      schema: "failsafe",
      customTags: (tags) => [...tags, ...SCALAR_TAGS],
      merge: true,
      uniqueKeys: options.onDuplicate !== undefined,
      prettyErrors: true,
      logLevel: "silent",
      stringKeys: false,
    });
    return Array.isArray(documents) ? documents.slice(0, 1).map((d) => toJson(d, text, options)) : [];
  } catch (error) {
    if (error instanceof RangeError) throw new ParseError(TOO_DEEP);
    throw error instanceof ParseError ? error : new ParseError(`yaml: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toJson(document: Yaml.Document.Parsed, text: string, options: YamlOptions): unknown {
  for (const error of document.errors) {
    const line = error.linePos?.[0].line ?? 0;
    const words = error.message.split(/ at line /)[0] ?? error.message;
    if (words.includes("call stack")) throw new ParseError(TOO_DEEP);
    if (error.code !== "DUPLICATE_KEY") {
      throw new ParseError(`yaml: line ${line}: ${words}`);
    }
    const key = /["']?([^:"'\n]*)/.exec(text.slice(error.pos[0]))?.[1] ?? "";
    options.onDuplicate?.(`line ${line}: key ${quote(key)} already set in map`);
  }
  if (document.contents === null) return undefined;
  const value: unknown = document.toJS({ maxAliasCount: 1000 });
  refuseNonJson(value);
  return value;
}

/** JSON has no infinities. */
function refuseNonJson(value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const name = Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    throw new ParseError(`json: unsupported value: ${name}`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const child of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) refuseNonJson(child);
}
