import { type FieldError, type FieldPath, forbiddenField, invalidValue } from "../../../machinery/index.ts";
import { type JsonSchema, type Structural, structuralOf } from "../../../machinery/structural/index.ts";
import { celTypeOf } from "../../../machinery/cel/index.ts";
import { type CompiledRule, compileRules } from "../rules/compile.ts";

/** What a single rule may cost in the worst case, and all rules of a schema. */
const RULE_LIMIT = 10_000_000;
const SCHEMA_LIMIT = 100_000_000;

interface Place {
  readonly path: FieldPath;
  /** How many values of this part an object may have. */
  readonly cardinality: number;
  /** The part above whose old and new items can't be matched. */
  readonly uncorrelatable?: FieldPath | undefined;
  readonly isRoot: boolean;
}

interface Costs {
  total: number;
  readonly rules: { readonly path: FieldPath; readonly cost: number }[];
}

/** What is wrong with the CEL rules of a schema. `unchanged`: they were stored already, and may cost what they cost. */
export function ruleErrors(schema: JsonSchema, path: FieldPath, unchanged: boolean): FieldError[] {
  const structural = structuralOf(schema);
  if (!structural.hasRules) return [];
  const costs: Costs = { total: 0, rules: [] };
  const errors = walk(structural, { path, cardinality: 1, isRoot: true }, unchanged, costs);
  if (costs.total <= SCHEMA_LIMIT) return errors;
  const most = costs.rules.toSorted((a, b) => b.cost - a.cost).slice(0, 4);
  const share = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
  errors.push(...most.map((rule) => forbiddenField(rule.path, share)));
  const name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
  errors.push(forbiddenField(path, tooExpensive(name, costs.total, SCHEMA_LIMIT)));
  return errors;
}

function walk(s: Structural, place: Place, unchanged: boolean, costs: Costs): FieldError[] {
  if (!s.hasRules) return [];
  const { path, cardinality, uncorrelatable } = place;
  const errors = compileRules(s, place.isRoot).flatMap((rule, i) =>
    errorsOf(rule, path.child("x-kubernetes-validations").index(i), place, unchanged, costs),
  );
  const type = celTypeOf(s, place.isRoot);
  const count = cardinality * ("max" in type ? (type.max ?? 1) : 1);
  const below = { cardinality: count, isRoot: false };
  const atomic = s.mapType === "atomic" ? path : undefined;
  for (const [name, property] of s.properties) {
    const at = path.child("properties").key(name);
    const next = { ...below, path: at, uncorrelatable: uncorrelatable ?? atomic };
    errors.push(...walk(property, next, unchanged, costs));
  }
  if (typeof s.additional === "object") {
    errors.push(
      ...walk(s.additional, { ...below, path: path.child("additionalProperties"), uncorrelatable }, unchanged, costs),
    );
  }
  if (s.items) {
    const list = s.listType === "map" ? undefined : path;
    errors.push(
      ...walk(
        s.items,
        { ...below, path: path.child("items"), uncorrelatable: uncorrelatable ?? list },
        unchanged,
        costs,
      ),
    );
  }
  return errors;
}

function errorsOf(compiled: CompiledRule, at: FieldPath, place: Place, unchanged: boolean, costs: Costs): FieldError[] {
  const errors: FieldError[] = [];
  const { rule, program, message } = compiled;
  const spend = (name: string, path: FieldPath, worst: number | undefined): void => {
    if (worst === undefined) return;
    const cost = worst * place.cardinality;
    costs.total += cost;
    costs.rules.push({ path, cost });
    if (!unchanged && cost > RULE_LIMIT) errors.push(forbiddenField(path, tooExpensive(name, cost, RULE_LIMIT)));
  };
  spend("estimated rule cost", at.child("rule"), program?.worstCost);
  if (compiled.error !== undefined) errors.push(invalidValue(at.child("rule"), rule, compiled.error));
  if (compiled.messageError !== undefined) {
    errors.push(invalidValue(at.child("messageExpression"), rule, `messageExpression ${compiled.messageError}`));
  }
  spend("estimated messageExpression cost", at.child("messageExpression"), message?.worstCost);
  if (compiled.isTransition && place.uncorrelatable) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable.toString()}`;
    errors.push(invalidValue(at.child("rule"), rule.rule, detail));
  }
  if (!compiled.isTransition && rule.optionalOldSelf !== undefined && compiled.error === undefined) {
    const detail = "may not be set if oldSelf is not used in rule";
    errors.push(invalidValue(at.child("optionalOldSelf"), rule.optionalOldSelf, detail));
  }
  return errors;
}

function tooExpensive(name: string, cost: number, limit: number): string {
  const times = cost / limit;
  const factor = times > 100 ? "more than 100x" : times < 1.5 ? `${times.toFixed(6)}x` : `${times.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
