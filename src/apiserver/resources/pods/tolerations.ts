import type { corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  isValidLabelValue,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { PodRules } from "./options.ts";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** Taints that a pod puts up with. */
export function validateTolerations(
  errors: Errors,
  path: string,
  tolerations: readonly corev1.Toleration[],
  rules: Pick<PodRules, "allowTolerationComparison">,
): void {
  for (const [i, t] of tolerations.entries()) {
    const at = `${path}[${i}]`;
    if (t.key) invalidEach(errors, `${at}.key`, t.key, isQualifiedName(t.key));
    else if (t.operator !== "Exists") {
      const words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidValue(`${at}.operator`, t.operator ?? "", words));
    }
    if (t.tolerationSeconds !== undefined && t.effect !== "NoExecute") {
      const words = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalidValue(`${at}.effect`, t.effect ?? "", words));
    }
    validateValue(errors, at, t, rules.allowTolerationComparison);
    if (t.effect && !EFFECTS.includes(t.effect)) errors.push(notSupported(`${at}.effect`, t.effect, EFFECTS));
  }
}

function validateValue(errors: Errors, path: string, t: corev1.Toleration, comparison: boolean): void {
  const value = t.value ?? "";
  const operator: string = t.operator ?? "";
  if (operator === "" || operator === "Equal") {
    const problems = isValidLabelValue(value);
    if (problems.length > 0) errors.push(invalidValue(`${path}.operator`, value, problems.join(";")));
  } else if (operator === "Exists") {
    if (value !== "") {
      errors.push(invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    }
  } else if (operator === "Lt" || operator === "Gt") {
    if (!comparison) errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists", "Lt", "Gt"]));
    else if (!/^(0|-?[1-9][0-9]*)$/.test(value)) {
      const words = "must be a valid decimal integer in canonical form";
      errors.push(invalidValue(`${path}.value`, value, words));
    }
  } else errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists"]));
}

/** On update tolerations may be added, and their seconds changed. */
export function validateAddedTolerations(
  errors: Errors,
  path: string,
  [tolerations, old]: [readonly corev1.Toleration[], readonly corev1.Toleration[]],
  rules: PodRules,
): void {
  const sameButSeconds = (a: corev1.Toleration, b: corev1.Toleration): boolean =>
    deepEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  if (!old.every((o) => tolerations.some((t) => sameButSeconds(o, t)))) {
    errors.push(forbiddenField(path, "existing toleration can not be modified except its tolerationSeconds"));
    return;
  }
  validateTolerations(errors, path, tolerations, rules);
}

/** A node's taints. */
export function validateTaints(errors: Errors, path: string, taints: readonly corev1.Taint[]): void {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const at = `${path}[${i}]`;
    invalidEach(errors, `${at}.key`, taint.key, isQualifiedName(taint.key ?? ""));
    const problems = isValidLabelValue(taint.value ?? "");
    if (problems.length > 0) errors.push(invalidValue(`${at}.value`, taint.value, problems.join(";")));
    if (!taint.effect) errors.push(required(`${at}.effect`));
    else if (!EFFECTS.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, EFFECTS));
    const id = `${taint.key} ${taint.effect}`;
    if (seen.has(id)) errors.push({ ...duplicate(at, taint), detail: "taints must be unique by key and effect pair" });
    seen.add(id);
  }
}
