import { errorText, type FieldError, invalidValue, notSupported } from "../field/error.ts";
import { isQualifiedName, isValidLabelValue } from "../field/formats.ts";
import { ParseError } from "../errors/parse-error.ts";

/** How a requirement relates a key to its values. */
export type Operator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | "gt" | "lt";

/** One condition of a selector. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

const OPERATORS: readonly Operator[] = ["in", "notin", "=", "==", "!=", "gt", "lt", "exists", "!"];
/** The binary operators as upstream lists them in messages. */
export const BINARY_OPERATORS = OPERATORS.slice(0, 7).join(", ");

const INT64 = /^[+-]?[0-9]+$/;

/** A label's value as a 64-bit integer; undefined when it is none. */
function int64(text: string): bigint | undefined {
  if (!INT64.test(text) || text.length > 20) return undefined;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** Checks a requirement by upstream's rules. Throws {@link ParseError} with all that is wrong. */
export function newRequirement(key: string, operator: Operator, values: readonly string[]): Requirement {
  const errors: FieldError[] = [];
  const keyErrors = isQualifiedName(key);
  if (keyErrors.length > 0) errors.push(invalidValue("key", key, keyErrors.join("; ")));
  const problem = countProblem(operator, values);
  if (problem) errors.push(invalidValue("values", values, problem));
  if (operator === "gt" || operator === "lt") {
    for (const [i, value] of values.entries()) {
      if (int64(value) !== undefined) continue;
      errors.push(invalidValue(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
  if (!OPERATORS.includes(operator)) errors.push(notSupported("operator", operator, OPERATORS));
  for (const [i, value] of values.entries()) {
    const wrong = isValidLabelValue(value);
    if (wrong.length > 0) errors.push(invalidValue(`values[${i}][${key}]`, value, wrong.join("; ")));
  }
  if (errors.length > 0) throw new ParseError(aggregate(errors.map(errorText)));
  return { key, operator, values };
}

/** Several messages as upstream joins them. */
export function aggregate(messages: readonly string[]): string {
  const unique = [...new Set(messages)];
  return unique.length === 1 ? (unique[0] ?? "") : `[${unique.join(", ")}]`;
}

function countProblem(operator: Operator, values: readonly string[]): string | undefined {
  switch (operator) {
    case "in":
    case "notin":
      return values.length === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case "=":
    case "==":
    case "!=":
      return values.length === 1 ? undefined : "exact-match compatibility requires one single value";
    case "exists":
    case "!":
      return values.length === 0 ? undefined : "values set must be empty for exists and does not exist";
    case "gt":
    case "lt":
      return values.length === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  }
}

/** Whether labels meet one requirement. */
export function meets(r: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, r.key) ? labels[r.key] : undefined;
  switch (r.operator) {
    case "in":
    case "=":
    case "==":
      return value !== undefined && r.values.includes(value);
    case "notin":
    case "!=":
      return value === undefined || !r.values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt":
      return value !== undefined && compares(r, value);
  }
}

function compares(r: Requirement, value: string): boolean {
  const [have, want] = [int64(value), int64(r.values[0] ?? "")];
  if (have === undefined || want === undefined) return false;
  return r.operator === "gt" ? have > want : have < want;
}

/** The requirement in selector syntax; parsing it again gives the same requirement. */
export function printRequirement(r: Requirement): string {
  switch (r.operator) {
    case "exists":
      return r.key;
    case "!":
      return `!${r.key}`;
    case "in":
    case "notin":
      return `${r.key} ${r.operator} (${r.values.toSorted().join(",")})`;
    case "gt":
      return `${r.key}>${r.values[0] ?? ""}`;
    case "lt":
      return `${r.key}<${r.values[0] ?? ""}`;
    default:
      return `${r.key}${r.operator}${r.values[0] ?? ""}`;
  }
}
