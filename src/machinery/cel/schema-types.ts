import type { Structural } from "../structural/schema.ts";
import { escapeName } from "./json.ts";
import { BOOL, type CelType, DOUBLE, DURATION, DYN, INT, listType, mapType, STRING, TIMESTAMP } from "./types.ts";

/** A request has no more bytes than this; so much can be in a value that has no bound of its own. */
const REQUEST_BYTES = 3 * 1024 * 1024;
const META: ReadonlyMap<string, CelType> = new Map([
  ["name", STRING],
  ["generateName", STRING],
]);

/** The type of values of a schema. `isResource`: it is a whole object, with kind, apiVersion and metadata. */
export function celTypeOf(s: Structural, isResource = false, name = "object"): CelType {
  if (s.intOrString) return DYN;
  switch (s.type) {
    case "string":
      return textType(s);
    case "integer":
      return INT;
    case "number":
      return DOUBLE;
    case "boolean":
      return BOOL;
    case "array": {
      const item = s.items ? celTypeOf(s.items, s.items.embedded, `${name}.@items`) : DYN;
      return listType(item, s.schema.maxItems ?? most(smallest(s.items)));
    }
    case "object":
      return objectType(s, isResource || s.embedded, name);
    default:
      return DYN;
  }
}

function textType({ schema }: Structural): CelType {
  if (schema.format === "byte") return { kind: "bytes", max: schema.maxLength ?? REQUEST_BYTES };
  if (schema.format === "duration") return DURATION;
  if (schema.format === "date" || schema.format === "date-time") return TIMESTAMP;
  const longest = schema.enum?.reduce<number>((max, value) => Math.max(max, String(value as string).length), 0);
  // A character may take four bytes, but a request with so many of them can't come.
  return { kind: "string", max: schema.maxLength ?? longest ?? REQUEST_BYTES - 2 };
}

function objectType(s: Structural, isResource: boolean, name: string): CelType {
  if (s.additional) {
    const value = s.additional === true ? DYN : celTypeOf(s.additional, false, `${name}.@values`);
    return mapType(
      STRING,
      value,
      s.schema.maxProperties ?? most(smallest(s.additional === true ? undefined : s.additional) + 4),
    );
  }
  const fields = new Map<string, CelType>();
  for (const [field, property] of s.properties) {
    const escaped = escapeName(field);
    if (escaped !== undefined) fields.set(escaped, celTypeOf(property, false, `${name}.${field}`));
  }
  if (isResource) {
    fields.set("kind", STRING).set("apiVersion", STRING);
    fields.set("metadata", { kind: "object", name: `${name}.metadata`, fields: META });
  } else if (fields.size === 0 && s.preserveUnknown) return DYN;
  return { kind: "object", name, fields };
}

/** How many values of a size fit into a request. */
function most(size: number): number {
  return Math.max(1, Math.floor((REQUEST_BYTES - 2) / (size + 1)));
}

/** The fewest bytes that a value of a schema takes. */
function smallest(s: Structural | undefined): number {
  if (!s) return 1;
  if (s.nullable && s.type !== "integer" && s.type !== "number") return 2;
  switch (s.type) {
    case "boolean":
      return 4;
    case "string":
      return 2;
    case "array":
      return 2;
    case "object": {
      const required = s.schema.required ?? [];
      return required.reduce((sum, field) => {
        const property = s.properties.get(field);
        return property && property.default === undefined ? sum + field.length + 4 + smallest(property) : sum;
      }, 2);
    }
    default:
      return 1;
  }
}
