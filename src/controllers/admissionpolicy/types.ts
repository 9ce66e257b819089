import type { apiextensionsv1 } from "../../api/index.ts";
import {
  BOOL,
  BYTES,
  celTypeOf,
  type CelType,
  DOUBLE,
  DYN,
  escapeName,
  INT,
  listType,
  mapType,
  STRING,
  TIMESTAMP,
} from "../../machinery/cel/index.ts";
import { type Shape, type TypeTable, typeTableOfKind } from "../../machinery/index.ts";
import { type JsonSchema, structuralOf } from "../../machinery/structural/index.ts";

/** A kind of objects. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const SCALARS: Readonly<Record<string, CelType>> = {
  string: STRING,
  boolean: BOOL,
  int32: INT,
  int64: INT,
  uint32: INT,
  uint64: INT,
  double: DOUBLE,
  bytes: BYTES,
  time: TIMESTAMP,
  microTime: TIMESTAMP,
};

/** The type of a built-in kind's objects; `undefined` for kinds that are not built in. */
export function builtInType({ group, version, kind }: Kind): CelType | undefined {
  const table = typeTableOfKind(group, version, kind);
  return table === undefined ? undefined : typeOfTable(table, new Map());
}

/** Types that contain themselves are known to be what they are only at the outermost level. */
function typeOfTable(table: TypeTable, open: Map<string, CelType>): CelType {
  const known = open.get(table.name);
  if (known !== undefined) return known;
  open.set(table.name, DYN);
  const fields = new Map<string, CelType>();
  for (const { name, shape } of table.fields) {
    const escaped = escapeName(name);
    if (escaped !== undefined) fields.set(escaped, typeOfShape(shape, open));
  }
  const type: CelType = { kind: "object", name: table.name, fields };
  open.set(table.name, type);
  return type;
}

function typeOfShape(shape: Shape, open: Map<string, CelType>): CelType {
  switch (shape.kind) {
    case "struct":
      return typeOfTable(shape.table, open);
    case "list":
      return listType(typeOfShape(shape.item, open));
    case "map":
      return mapType(STRING, typeOfShape(shape.item, open));
    default:
      return SCALARS[shape.kind] ?? DYN;
  }
}

/** The type of a custom kind's objects; `undefined` when the definition does not serve that version. */
export function customType(definition: apiextensionsv1.CustomResourceDefinition, version: string): CelType | undefined {
  const schema = definition.spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
  if (schema === undefined) return undefined;
  return celTypeOf(structuralOf(schema as unknown as JsonSchema), true, definition.spec.names.kind);
}
