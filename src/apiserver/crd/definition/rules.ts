import type { FieldError, FieldPath } from "../../../machinery/index.ts";
import type { JsonSchema } from "../../../machinery/structural/index.ts";

/** What is wrong with the CEL rules of a schema. */
export function ruleErrors(_schema: JsonSchema, _path: FieldPath, _unchanged: boolean): FieldError[] {
  return [];
}
