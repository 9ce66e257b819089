import { deepClone } from "../../../machinery/index.ts";
import type { JsonSchema } from "../../../machinery/structural/index.ts";
import type { PublishedSchema } from "../../catalog/kind.ts";

type Json = Record<string, unknown>;

/** How a schema is published; `keeps`: objects keep fields that it does not know. */
export function openApiOf(schema: JsonSchema | undefined, keeps: boolean): PublishedSchema {
  if (!schema) return { v2: { type: "object" }, v3: { type: "object" } };
  const v3 = published(deepClone(schema) as Json);
  const open = keeps || schema["x-kubernetes-preserve-unknown-fields"] === true;
  return { v2: open ? { type: "object" } : toV2(deepClone(v3)), v3 };
}

const TYPE_META: Readonly<Record<string, string>> = {
  apiVersion:
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
  kind: "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
};

/** Every part of a schema, in place, below before above. */
function each(schema: Json, visit: (part: Json) => void): void {
  const inner = schema["properties"] as Record<string, Json> | undefined;
  for (const property of Object.values(inner ?? {})) each(property, visit);
  for (const name of ["items", "additionalProperties", "not"]) {
    const one = schema[name];
    if (typeof one === "object" && one !== null && !Array.isArray(one)) each(one as Json, visit);
  }
  for (const name of ["allOf", "anyOf", "oneOf"]) {
    for (const one of (schema[name] as Json[] | undefined) ?? []) each(one, visit);
  }
  visit(schema);
}

function published(schema: Json): Json {
  each(schema, (part) => {
    for (const name of ["example", "externalDocs", "$schema"]) delete part[name];
    if (part["x-kubernetes-int-or-string"] === true && part["type"] === "") delete part["type"];
    if (part["x-kubernetes-embedded-resource"] === true && part !== schema) embed(part);
  });
  return schema;
}

function embed(part: Json): void {
  const properties = (part["properties"] ?? {}) as Json;
  const text = (name: string): Json => ({ description: TYPE_META[name], type: "string" });
  part["properties"] = {
    ...properties,
    apiVersion: text("apiVersion"),
    kind: text("kind"),
    metadata: { type: "object" },
  };
}

/** What OpenAPI v2 and its readers know: no junctors, nothing that may be null, nothing half known. */
function toV2(schema: Json): Json {
  each(schema, (part) => {
    for (const name of ["allOf", "anyOf", "oneOf", "not"]) delete part[name];
    const drop = (...names: string[]): void => names.forEach((name) => delete part[name]);
    const nullable = nullableProperties(part);
    if (nullable.size > 0 && Array.isArray(part["required"])) {
      const left = (part["required"] as string[]).filter((name) => !nullable.has(name));
      if (left.length > 0) part["required"] = left;
      else delete part["required"];
    }
    // Whether it may be null is asked from above: the mark goes last.
    if (part["nullable"] === true) drop("type", "items", "properties");
    if (part["x-kubernetes-preserve-unknown-fields"] === true) {
      drop("items", "properties");
      if (part["type"] === "object") drop("type");
    }
    if (part["type"] === "array" && part["items"] === undefined) drop("type");
  });
  each(schema, (part) => void delete part["nullable"]);
  return schema;
}

function nullableProperties(part: Json): Set<string> {
  const properties = Object.entries((part["properties"] ?? {}) as Record<string, Json>);
  return new Set(properties.filter(([, property]) => property["nullable"] === true).map(([name]) => name));
}
