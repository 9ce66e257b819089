import { apiVersionOf } from "../../api/index.ts";
import {
  badRequest,
  decodeJson,
  decodeProtobuf,
  decodeYaml,
  deepClone,
  ParseError,
  unsupportedMediaType,
} from "../../machinery/index.ts";
import type { Served } from "../catalog/kind.ts";
import type { ApiObject } from "../seams/index.ts";
import type { Body } from "./types.ts";

/** Larger bodies are refused with 413. */
export const MAX_BODY = 3 * 1024 * 1024;

const READABLE = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/** `application/json; charset=utf-8` → `application/json`. */
export function mediaTypeOf(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/**
 * The value in a body, private to the caller; undefined when there is none. Throws 400, 413 or 415. `duplicates` is told of
 * fields that occur twice.
 */
export async function readValue(body: Body, duplicates?: string[]): Promise<unknown> {
  if (body.kind === "none") return undefined;
  if (body.kind === "object") return deepClone(body.value);
  const bytes = await body.read(MAX_BODY);
  if (bytes.length === 0) return undefined;
  return decodeBytes(bytes, mediaTypeOf(body.contentType), duplicates);
}

function decodeBytes(bytes: Uint8Array, mediaType: string, duplicates?: string[]): unknown {
  const found: string[] = [];
  const options = duplicates ? { onDuplicate: (finding: string): void => void found.push(finding) } : {};
  try {
    if (mediaType === "" || mediaType === "application/json") {
      const value = decodeJson(bytes, options);
      duplicates?.push(...found);
      return value;
    }
    if (mediaType === "application/yaml") {
      const value = decodeYaml(bytes, options);
      if (found.length > 0) duplicates?.push(`yaml: unmarshal errors:\n  ${found.join("\n  ")}`);
      return value;
    }
    if (mediaType === "application/vnd.kubernetes.protobuf") return decodeProtobuf(bytes);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw badRequest(error.message);
  }
  throw unsupportedMediaType(READABLE);
}

/** The patch in a body: JSON, or YAML where the patch's media type says so. Throws 400 or 413. */
export async function readPatch(body: Body, duplicates?: string[]): Promise<unknown> {
  if (body.kind !== "bytes") return readValue(body);
  const yaml = mediaTypeOf(body.contentType).endsWith("+yaml");
  return decodeBytes(await body.read(MAX_BODY), yaml ? "application/yaml" : "application/json", duplicates);
}

/**
 * The object in a body: kind and apiVersion filled in where absent, refused where they are another's. Unchecked
 * otherwise; its metadata is an object.
 */
export async function readObject(
  body: Body,
  kind: { readonly kind: string; readonly apiVersion: string },
  duplicates?: string[],
): Promise<ApiObject> {
  const value = await readValue(body, duplicates);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const text = JSON.stringify(value) ?? "";
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): expected an object (${text.slice(0, 30)})`,
    );
  }
  const object = value as Partial<ApiObject>;
  if (object.kind === undefined || object.kind === "") object.kind = kind.kind;
  if (object.apiVersion === undefined || object.apiVersion === "") object.apiVersion = kind.apiVersion;
  if (object.apiVersion !== kind.apiVersion) {
    const message = `the API version in the data (${String(object.apiVersion)}) does not match the expected API version (${kind.apiVersion})`;
    throw badRequest(message);
  }
  if (object.kind !== kind.kind) {
    throw badRequest(
      `${String(object.kind)} in version ${JSON.stringify(versionOf(kind.apiVersion))} cannot be handled as a ${kind.kind}: the kinds differ`,
    );
  }
  object.metadata ??= {};
  if (typeof object.metadata !== "object" || Array.isArray(object.metadata)) {
    throw badRequest(
      `${kind.kind} in version ${JSON.stringify(versionOf(kind.apiVersion))} cannot be handled as a ${kind.kind}: metadata must be an object`,
    );
  }
  return object as ApiObject;
}

/** What a body for this resource must be. */
export function kindOf(served: Served): { kind: string; apiVersion: string } {
  return { kind: served.resource.kind, apiVersion: apiVersionOf(served.resource) };
}

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf("/") + 1);
}
