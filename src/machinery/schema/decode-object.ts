import { withoutUnknown } from "../codec/duplicates.ts";
import { decodeJson } from "../codec/json.ts";
import { decodeProtobuf } from "../codec/protobuf/envelope.ts";
import { decodeYaml } from "../codec/yaml.ts";
import { badRequest } from "../errors/constructors.ts";
import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";
import type { StatusError } from "../errors/status-error.ts";
import { parseApiVersion } from "../meta/gvk.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import type { TypeTable } from "./model.ts";
import { validateStructure } from "./structure.ts";

/** What to do about unknown and duplicate fields. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** How {@link decodeObject} decodes and judges. */
export interface DecodeOptions {
  readonly mediaType: "application/json" | "application/yaml" | "application/vnd.kubernetes.protobuf";
  readonly fieldValidation: FieldValidation;
  /** What the request's path implies; the body need not say it, and is given it when it does not. */
  readonly expected: { readonly apiVersion: string; readonly kind: string };
  /** Told of each unknown and duplicate field when `fieldValidation` is Warn. */
  readonly warn: (message: string) => void;
  /** The type to check against; default: the built-in type of what the body says it is. */
  readonly type?: TypeTable | string;
}

const NO_KIND = "couldn't get version/kind; json parse error: ";
/** The body says it is a list, a number, ... */
const NOT_AN_OBJECT =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/**
 * Decodes the object in a request's body and checks it against its type, with upstream's answers: throws `StatusError` 400 when it is malformed, has
 * values of the wrong type, or (Strict) unknown or duplicate fields. Whether its kind fits the path is the caller's to judge.
 */
export function decodeObject(body: Uint8Array | string, options: DecodeOptions): JsonObject {
  const duplicates: string[] = [];
  const object = parseBody(body, options, duplicates);
  return checkObject(object, options, duplicates);
}

/**
 * {@link decodeObject} of what is decoded already (in process): gives it the kind that the path implies, and checks it against its type.
 * `duplicates` are findings of the decoder. The object is changed in place.
 */
export function checkObject(
  object: JsonObject,
  options: Omit<DecodeOptions, "mediaType">,
  duplicates: readonly string[] = [],
): JsonObject {
  object["kind"] ||= options.expected.kind;
  object["apiVersion"] ||= options.expected.apiVersion;
  const findings = check(object, options);
  report(object, [...findings, ...withoutUnknown(duplicates, findings)], options);
  return object;
}

function parseBody(body: Uint8Array | string, options: DecodeOptions, duplicates: string[]): JsonObject {
  const { expected, mediaType, fieldValidation } = options;
  const strict =
    fieldValidation === "Ignore" ? {} : { onDuplicate: (finding: string) => void duplicates.push(finding) };
  let object: unknown;
  try {
    if (mediaType === "application/vnd.kubernetes.protobuf") {
      return decodeProtobuf(typeof body === "string" ? new TextEncoder().encode(body) : body);
    }
    object = mediaType === "application/yaml" ? decodeYaml(body, strict) : decodeJson(body, strict);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const json = mediaType === "application/json";
    throw unrecognized(expected.kind, json ? `${NO_KIND}${error.message}` : error.message, body);
  }
  if (mediaType === "application/yaml" && duplicates.length > 0) {
    duplicates.splice(0, duplicates.length, `yaml: unmarshal errors:\n  ${duplicates.join("\n  ")}`);
  }
  if (isJsonObject(object)) return object;
  const what = Array.isArray(object) ? "array" : typeof object === "boolean" ? "bool" : typeof object;
  const why = `${NO_KIND}json: cannot unmarshal ${what} into Go value of type ${NOT_AN_OBJECT}`;
  throw unrecognized(expected.kind, why, body);
}

function check(object: JsonObject, options: Omit<DecodeOptions, "mediaType">): string[] {
  try {
    return validateStructure(object, options.type === undefined ? {} : { type: options.type });
  } catch (error) {
    throw error instanceof ParseError ? notHandled(object, options.expected.kind, error.message) : error;
  }
}

function report(object: JsonObject, findings: readonly string[], options: Omit<DecodeOptions, "mediaType">): void {
  if (findings.length === 0 || options.fieldValidation === "Ignore") return;
  if (options.fieldValidation === "Warn") findings.forEach(options.warn);
  else throw notHandled(object, options.expected.kind, strictDecodingError(findings));
}

/** `strict decoding error: unknown field "spec.foo", duplicate field "spec.bar"`. */
export function strictDecodingError(findings: readonly string[]): string {
  return `strict decoding error: ${findings.join(", ")}`;
}

/** 400: `Pod in version "v1" cannot be handled as a Pod: <why>`. */
export function notHandled(object: JsonObject, expectedKind: string, why: string): StatusError {
  const { version } = parseApiVersion(String(object["apiVersion"]));
  return badRequest(
    `${String(object["kind"])} in version ${quote(version)} cannot be handled as a ${expectedKind}: ${why}`,
  );
}

const SUMMARY = 30;

/** 400: the body is not even an object. Shows where it begins. */
function unrecognized(expectedKind: string, why: string, body: Uint8Array | string): StatusError {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return badRequest(
    `the object provided is unrecognized (must be of type ${expectedKind}): ${why} (${summary(bytes)})`,
  );
}

function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return "<empty>";
  const start = bytes.subarray(0, SUMMARY);
  const hex = (): string => Array.from(start, (b) => b.toString(16).padStart(2, "0")).join("");
  const text = start[0] === 0x7b ? new TextDecoder().decode(start) : hex();
  return bytes.length > SUMMARY ? `${text} ...` : text;
}
