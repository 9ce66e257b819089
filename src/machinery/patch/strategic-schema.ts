import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";
import type { Shape } from "../schema/model.ts";
import { specialKind } from "../schema/shape.ts";

/** How one field is merged. */
export interface FieldMerge {
  /** The shape of the value; of a list's items when asked with {@link mergeOfList}. */
  readonly shape: Shape;
  readonly replace: boolean;
  readonly merge: boolean;
  readonly retainKeys: boolean;
  readonly mergeKey: string;
}

/** How the object in field `key` of a struct is merged. Throws {@link ParseError} when the struct has no such field. */
export function mergeOfField(parent: Shape, key: string): FieldMerge {
  if (parent.kind !== "struct") {
    const kind = goKindOf(parent);
    if (kind !== "struct")
      throw new ParseError(`merging an object in json but data type is not struct, instead is: ${kind}`);
    throw new ParseError(`unable to find api field in struct ${parent.kind} for the json field ${quote(key)}`);
  }
  const { table } = parent;
  const field = table.byName.get(key);
  if (!field) {
    const name = table.name.slice(table.name.lastIndexOf(".") + 1);
    throw new ParseError(`unable to find api field in struct ${name} for the json field ${quote(key)}`);
  }
  const strategies = field.patchStrategies;
  return {
    shape: field.shape,
    replace: strategies.includes("replace"),
    merge: strategies.includes("merge"),
    retainKeys: strategies.includes("retainKeys"),
    mergeKey: field.patchMergeKey,
  };
}

/** How the list in field `key` of a struct is merged; the shape is that of its items. */
export function mergeOfList(parent: Shape, key: string): FieldMerge {
  const merge = mergeOfField(parent, key);
  const { shape } = merge;
  if (shape.kind !== "list") throw new ParseError(`expected slice or array type, but got: ${goKindOf(parent)}`);
  if (shape.item.kind === "list") throw new ParseError("unexpected slice of slice");
  return { ...merge, shape: shape.item };
}

/** Go's name for the kind of the type. */
export function goKindOf(shape: Shape): string {
  switch (shape.kind) {
    case "list":
    case "bytes":
      return "slice";
    case "map":
      return "map";
    case "boolean":
      return "bool";
    case "double":
      return "float64";
    case "any":
      return "interface";
    default:
      return shape.kind === "struct" || isSpecial(shape.kind) ? "struct" : shape.kind;
  }
}

const SPECIAL_KINDS = new Set(
  [
    "resource.Quantity",
    "intstr.IntOrString",
    "meta.v1.Time",
    "meta.v1.MicroTime",
    "meta.v1.Duration",
    "runtime.RawExtension",
  ].map(specialKind),
);

function isSpecial(kind: Shape["kind"]): boolean {
  return (
    (SPECIAL_KINDS as ReadonlySet<string | undefined>).has(kind) ||
    kind.startsWith("schemaOr") ||
    kind === "json" ||
    kind === "fields"
  );
}
