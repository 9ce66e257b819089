import { type ApplySchema, applySchemaOf, DEDUCED } from "../apply/apply-schema.ts";
import { typeTable } from "../schema/type-table.ts";
import type { Structural } from "./schema.ts";

const STRING: ApplySchema = { scalar: "string" };
const NUMERIC: ApplySchema = { scalar: "numeric" };
const BOOLEAN: ApplySchema = { scalar: "boolean" };
const UNTYPED: ApplySchema = { scalar: "untyped" };

function metaSchema(): ApplySchema {
  const table = typeTable("meta.v1.ObjectMeta");
  return table ? applySchemaOf(table) : DEDUCED;
}

/** What server-side apply must know of objects of a schema; undefined stands for none, where everything goes. */
export function applySchemaOfStructural(s: Structural | undefined): ApplySchema {
  if (!s) return withMeta(DEDUCED, true);
  return withMeta(schemaOf({ ...s, embedded: false }), s.preserveUnknown);
}

/** A resource's own kind, apiVersion and metadata, whatever its schema says of them. */
function withMeta(schema: ApplySchema, open: boolean): ApplySchema {
  const metadata = metaSchema();
  const { map } = schema;
  if (!map) return schema;
  return {
    map: {
      ...map,
      field(name) {
        if (name === "metadata") return metadata;
        return name === "apiVersion" || name === "kind" ? STRING : map.field(name);
      },
      ...(open && { element: map.element ?? DEDUCED }),
    },
  };
}

function schemaOf(s: Structural): ApplySchema {
  if (s.intOrString) return UNTYPED;
  switch (s.type) {
    case "string":
      return STRING;
    case "integer":
    case "number":
      return NUMERIC;
    case "boolean":
      return BOOLEAN;
    case "array":
      return listOf(s);
    case "object":
      return s.embedded ? withMeta(objectOf(s), s.preserveUnknown) : objectOf(s);
    default:
      return DEDUCED;
  }
}

function listOf(s: Structural): ApplySchema {
  const associative = s.listType === "set" || s.listType === "map";
  const item = s.items ? schemaOf(s.items) : DEDUCED;
  return { list: { item, associative, keys: s.listType === "map" ? s.listKeys : [] } };
}

function objectOf(s: Structural): ApplySchema {
  const made = new Map<string, ApplySchema>();
  const additional = typeof s.additional === "object" ? schemaOf(s.additional) : s.additional ? DEDUCED : undefined;
  const element = additional ?? (s.preserveUnknown ? DEDUCED : undefined);
  return {
    map: {
      field(name) {
        const property = s.properties.get(name);
        if (!property) return undefined;
        const schema = made.get(name) ?? schemaOf(property);
        made.set(name, schema);
        return schema;
      },
      ...(element && { element }),
      atomic: s.mapType === "atomic",
      defaultOf: (name) => s.properties.get(name)?.default,
    },
  };
}
