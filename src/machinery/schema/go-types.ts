import type { Shape } from "./model.ts";

const NAMES: Partial<Record<Shape["kind"], string>> = {
  boolean: "bool",
  double: "float64",
  bytes: "[]uint8",
  any: "interface {}",
  quantity: "resource.Quantity",
  intOrString: "int32",
  time: "string",
  microTime: "string",
  duration: "string",
};

/** The type as Go's JSON errors print it: `[]v1.Container`, `map[string]string`, `int32`. */
export function goTypeOf(shape: Shape): string {
  if (shape.kind === "struct") return shape.table.goName;
  if (shape.kind === "list") return `[]${goTypeOf(shape.item)}`;
  if (shape.kind === "map") return `map[string]${goTypeOf(shape.item)}`;
  return NAMES[shape.kind] ?? shape.kind;
}

/** A JSON value as Go's errors name it: `string`, `number 1.5`, `bool`, `object`, `array`. */
export function goValueOf(value: unknown, withDigits: boolean): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return withDigits ? `number ${value}` : "number";
  return typeof value;
}
