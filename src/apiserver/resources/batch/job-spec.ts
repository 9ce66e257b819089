import type { batchv1 } from "../../../api/index.ts";
import {
  duplicate,
  invalidValue,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "../../../machinery/index.ts";
import { validateDomainPath } from "../common/domain-path.ts";
import { type Errors, invalidEach, nonNegative } from "../common/errors.ts";
import type { KindEnv } from "../kind.ts";
import { validateTemplate } from "../pods/template.ts";
import { countIndexes } from "./indexes.ts";

type Spec = batchv1.JobSpec;

const NUMBERS = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
] as const;

/** A job's spec, its selector aside: also in a CronJob's template. */
export function validateJobSpec(
  errors: Errors,
  path: string,
  spec: Spec,
  options: { readonly env: KindEnv; readonly old?: Spec | undefined },
): void {
  for (const field of NUMBERS) nonNegative(errors, `${path}.${field}`, spec[field]);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  }
  if (spec.managedBy !== undefined) {
    validateDomainPath(errors, `${path}.managedBy`, spec.managedBy);
    if (spec.managedBy.length > 63) errors.push(tooLong(`${path}.managedBy`, 63));
  }
  validateMode(errors, path, spec);
  if (spec.podFailurePolicy) validateFailurePolicy(errors, `${path}.podFailurePolicy`, spec);
  if (spec.successPolicy) {
    if (spec.completionMode !== "Indexed") {
      errors.push(invalidValue(`${path}.successPolicy`, spec.successPolicy, "requires indexed completion mode"));
    } else validateSuccessPolicy(errors, `${path}.successPolicy.rules`, spec);
  }
  const replacement = spec.podReplacementPolicy;
  const replacements = spec.podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  if (replacement !== undefined && !replacements.includes(replacement)) {
    errors.push(notSupported(`${path}.podReplacementPolicy`, replacement, replacements));
  }
  validateTemplate(errors, `${path}.template`, spec.template, { env: options.env, old: options.old?.template });
  validateRestartPolicy(errors, `${path}.template.spec.restartPolicy`, spec);
}

const MANY = 100_000;
const HIGH = 10_000;

function validateMode(errors: Errors, path: string, spec: Spec): void {
  const {
    completionMode: mode,
    completions,
    parallelism,
    maxFailedIndexes: failed,
    backoffLimitPerIndex: limit,
  } = spec;
  const say = (field: (typeof NUMBERS)[number], words: string): void =>
    void errors.push(invalidValue(`${path}.${field}`, spec[field], words));
  if (mode !== undefined && mode !== "Indexed" && mode !== "NonIndexed") {
    errors.push(notSupported(`${path}.completionMode`, mode, ["NonIndexed", "Indexed"]));
  }
  if (mode === undefined || mode === "NonIndexed") {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) {
      if (spec[field] !== undefined) say(field, "requires indexed completion mode");
    }
  }
  if (mode !== "Indexed") return;
  if (completions === undefined) errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  if ((parallelism ?? 0) > MANY) {
    say("parallelism", `must be less than or equal to ${MANY} when completion mode is Indexed`);
  }
  if (completions !== undefined && (failed ?? 0) > completions) {
    say("maxFailedIndexes", "must be less than or equal to completions");
  }
  if ((failed ?? 0) > MANY) say("maxFailedIndexes", `must be less than or equal to ${MANY}`);
  if ((completions ?? 0) <= MANY || limit === undefined) return;
  const words = `must be less than or equal to ${HIGH} when completions are above ${MANY} and used with backoff limit per index`;
  if (failed === undefined) {
    errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${MANY}`));
  }
  if ((parallelism ?? 0) > HIGH) say("parallelism", words);
  if ((failed ?? 0) > HIGH) say("maxFailedIndexes", words);
}

function validateRestartPolicy(errors: Errors, path: string, spec: Spec): void {
  const policy = spec.template.spec?.restartPolicy ?? "";
  if (policy === "" || policy === "Always") errors.push(required(path, 'valid values: "OnFailure", "Never"'));
  else if (policy !== "OnFailure" && policy !== "Never")
    errors.push(notSupported(path, policy, ["OnFailure", "Never"]));
  else if (spec.podFailurePolicy && policy !== "Never") {
    errors.push(invalidValue(path, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const STATUSES = ["False", "True", "Unknown"];

function requireListed(errors: Errors, path: string, value: string | undefined, known: readonly string[]): void {
  const list = known.map((k) => `"${k}"`).join(" ");
  if (!value) errors.push(required(path, `valid values: [${list}]`));
  else if (!known.includes(value)) errors.push(notSupported(path, value, known));
}

function validateFailurePolicy(errors: Errors, path: string, spec: Spec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > 20) errors.push(tooMany(`${path}.rules`, rules.length, 20));
  const { containers, initContainers } = spec.template.spec;
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map((c) => c.name));
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.rules[${i}]`;
    if (rule.action === "FailIndex") {
      if (spec.backoffLimitPerIndex === undefined) {
        errors.push(invalidValue(`${at}.action`, rule.action, "requires the backoffLimitPerIndex to be set"));
      }
    } else requireListed(errors, `${at}.action`, rule.action, ACTIONS);
    const conditions = rule.onPodConditions ?? [];
    if (rule.onExitCodes) validateExitCodes(errors, `${at}.onExitCodes`, rule.onExitCodes, names);
    if (conditions.length > 20) errors.push(tooMany(`${at}.onPodConditions`, conditions.length, 20));
    for (const [j, pattern] of conditions.entries()) {
      const patternAt = `${at}.onPodConditions[${j}]`;
      invalidEach(errors, `${patternAt}.type`, pattern.type, isQualifiedName(pattern.type));
      requireListed(errors, `${patternAt}.status`, pattern.status, STATUSES);
    }
    const both = rule.onExitCodes !== undefined && conditions.length > 0;
    const none = rule.onExitCodes === undefined && conditions.length === 0;
    const words = both
      ? "specifying both OnExitCodes and OnPodConditions is not supported"
      : "specifying one of OnExitCodes and OnPodConditions is required";
    if (both || none) errors.push(invalidWithoutValue(at, words));
  }
}

/** `Invalid value: <words>` that shows no value. */
export function invalidWithoutValue(path: string, words: string): Errors[number] {
  return invalidValue(path, undefined, words);
}

function validateExitCodes(
  errors: Errors,
  path: string,
  codes: batchv1.PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
): void {
  requireListed(errors, `${path}.operator`, codes.operator, OPERATORS);
  if (codes.containerName !== undefined && !names.has(codes.containerName)) {
    const words = "must be one of the container or initContainer names in the pod template";
    errors.push(invalidValue(`${path}.containerName`, codes.containerName, words));
  }
  const values = codes.values ?? [];
  if (values.length === 0) errors.push(invalidValue(`${path}.values`, values, "at least one value is required"));
  else if (values.length > 255) errors.push(tooMany(`${path}.values`, values.length, 255));
  for (const [i, value] of values.entries()) {
    if (codes.operator === "In" && value === 0) {
      errors.push(invalidValue(`${path}.values[${i}]`, value, "must not be 0 for the In operator"));
    }
    if (values.indexOf(value) < i) errors.push(duplicate(`${path}.values[${i}]`, value));
  }
  if (values.some((value, i) => i > 0 && (values[i - 1] ?? 0) > value)) {
    errors.push(invalidValue(`${path}.values`, values, "must be ordered"));
  }
}

function validateSuccessPolicy(errors: Errors, path: string, spec: Spec): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0) {
    errors.push(required(path, "at least one rules must be specified when the successPolicy is specified"));
  }
  if (rules.length > 20) errors.push(tooMany(path, rules.length, 20));
  const completions = spec.completions ?? 0;
  for (const [i, { succeededCount: count, succeededIndexes: indexes }] of rules.entries()) {
    const at = `${path}[${i}]`;
    if (count === undefined && indexes === undefined) {
      errors.push(required(at, "at least one of succeededCount or succeededIndexes must be specified"));
    }
    let total = 0;
    if (indexes !== undefined) {
      if (indexes.length > 64 * 1024) errors.push(tooLong(`${at}.succeededIndexes`, 64 * 1024));
      const parsed = countIndexes(indexes, completions);
      if (typeof parsed === "number") total = parsed;
      else errors.push(invalidValue(`${at}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${parsed}`));
    }
    if (count === undefined) continue;
    const most = (n: number, what: string): void => {
      if (count > n) {
        const words = `must be less than or equal to ${n} (the number of ${what})`;
        errors.push(invalidValue(`${at}.succeededCount`, count, words));
      }
    };
    nonNegative(errors, `${at}.succeededCount`, count);
    most(completions, "specified completions");
    if (indexes !== undefined) most(total, "indexes in the specified succeededIndexes field");
  }
}
