import type { FieldError } from "../../../machinery/index.ts";
import type { Structural } from "../../../machinery/structural/index.ts";
import type { ApiObject } from "../../seams/index.ts";

/** The CEL rules of a schema. */
export interface SchemaRules {
  /** To be awaited once before {@link check}. */
  load(): Promise<void>;
  /** The errors found so far and those of the rules. Rules are not asked about an object that is malformed. */
  check(object: ApiObject, old: ApiObject | undefined, errors: readonly FieldError[]): FieldError[];
}

/** The rules of a schema; undefined: it has none. */
export function rulesOf(_structural: Structural): SchemaRules | undefined {
  return undefined;
}
