import { type FieldError, invalidValue } from "../../../machinery/index.ts";
import type { Structural } from "../../../machinery/structural/index.ts";
import type { ApiObject } from "../../seams/index.ts";

/** The CEL rules of a schema. */
export interface SchemaRules {
  /** To be awaited once before {@link check}. */
  load(): Promise<void>;
  /** The errors found so far and those of the rules. Rules are not asked about an object that is malformed. */
  check(
    object: ApiObject,
    old: ApiObject | undefined,
    errors: readonly FieldError[],
    warn: (message: string) => void,
  ): FieldError[];
}

/** Faults that keep rules from being asked: a value is not what its type says, or is larger than its bound. */
const BLOCKING = new Set([
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
  "FieldValueNotSupported",
]);

/** The rules of a schema; undefined: it has none. They are compiled when an object first comes. */
export function rulesOf(structural: Structural): SchemaRules | undefined {
  if (!structural.hasRules) return undefined;
  let tree: InstanceType<typeof import("../rules/evaluate.ts").RuleTree> | undefined;
  return {
    async load() {
      if (tree) return;
      const { RuleTree } = await import("../rules/evaluate.ts");
      tree ??= new RuleTree(structural);
    },
    check(object, old, errors, warn) {
      if (errors.some((error) => BLOCKING.has(error.type))) {
        const detail =
          "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        return [...errors, invalidValue("<nil>", null, detail)];
      }
      return [...errors, ...(tree?.check(object, old, warn) ?? [])];
    },
  };
}
