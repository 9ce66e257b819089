import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  Quantity,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from "../common/quantities.ts";
import type { Kind } from "../kind.ts";

type Item = corev1.LimitRangeItem;
const TYPES = ["Pod", "Container", "PersistentVolumeClaim"];

/** Limit ranges. */
export function limitRanges(): Kind<corev1.LimitRange> {
  return {
    validate({ spec }) {
      const errors: Errors = [];
      const seen = new Set<string>();
      for (const [i, item] of (spec?.limits ?? []).entries()) {
        const at = `spec.limits[${i}]`;
        validateType(errors, `${at}.type`, item.type ?? "");
        if (seen.has(item.type)) errors.push(duplicate(`${at}.type`, item.type));
        seen.add(item.type);
        validateItem(errors, at, item);
      }
      return errors;
    },
  };
}

function validateType(errors: Errors, path: string, type: string): void {
  const problems = isQualifiedName(type);
  invalidEach(errors, path, type, problems);
  if (problems.length === 0 && !type.includes("/") && !TYPES.includes(type)) {
    errors.push(invalidValue(path, type, "must be a standard limit type or fully qualified"));
  }
}

const LISTS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

function validateItem(errors: Errors, path: string, item: Item): void {
  const names = new Set<string>();
  const compute = item.type === "Pod" || item.type === "Container";
  for (const list of LISTS) {
    const keys = Object.keys(item[list] ?? {});
    if (item.type === "Pod" && (list === "default" || list === "defaultRequest")) {
      if (keys.length > 0) errors.push(forbiddenField(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const name of keys) {
      if (compute) validateContainerResourceName(errors, `${path}.${list}[${name}]`, name);
      else validateResourceName(errors, `${path}.${list}[${name}]`, name);
      names.add(name);
    }
    if (list === "defaultRequest" && item.type === "PersistentVolumeClaim") {
      if (item.min?.["storage"] === undefined && item.max?.["storage"] === undefined) {
        const words = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(required(`${path}.limits`, words));
      }
    }
  }
  for (const name of names) compareAmounts(errors, path, name, item);
}

function compareAmounts(errors: Errors, path: string, name: string, item: Item): void {
  const amount = (list: (typeof LISTS)[number]): Quantity | undefined => {
    const text = item.type === "Pod" && list.startsWith("default") ? undefined : item[list]?.[name];
    return text === undefined ? undefined : Quantity.parse(text);
  };
  const [max, min, limit, request] = [amount("max"), amount("min"), amount("default"), amount("defaultRequest")];
  const above = (a: Quantity | undefined, b: Quantity | undefined): boolean =>
    a !== undefined && b !== undefined && a.cmp(b) > 0;
  const say = (list: string, value: Quantity | undefined, words: string): void =>
    void errors.push(invalidValue(`${path}.${list}[${name}]`, value?.toString(), words));
  const t = (q: Quantity | undefined): string => q?.toString() ?? "";
  if (above(min, max)) say("min", min, `min value ${t(min)} is greater than max value ${t(max)}`);
  if (above(min, request)) {
    say("defaultRequest", request, `min value ${t(min)} is greater than default request value ${t(request)}`);
  }
  if (above(request, max)) {
    say("defaultRequest", request, `default request value ${t(request)} is greater than max value ${t(max)}`);
  }
  if (above(request, limit)) {
    say(
      "defaultRequest",
      request,
      `default request value ${t(request)} is greater than default limit value ${t(limit)}`,
    );
  }
  if (above(min, limit)) say("default", min, `min value ${t(min)} is greater than default value ${t(limit)}`);
  if (above(limit, max)) say("default", max, `default value ${t(limit)} is greater than max value ${t(max)}`);
  const ratio = amount("maxLimitRequestRatio");
  if (ratio && ratio.cmp(Quantity.of(1)) < 0) say("maxLimitRequestRatio", ratio, `ratio ${t(ratio)} is less than 1`);
  if (ratio && min && max) {
    const most = max.milliValue() / min.milliValue();
    if (ratio.milliValue() / 1000 > most) {
      say("maxLimitRequestRatio", ratio, `ratio ${t(ratio)} is greater than max/min = ${most.toFixed(6)}`);
    }
  }
  if (!isOvercommitAllowed(name) && limit && request && limit.cmp(request) !== 0) {
    const words = `default value ${t(limit)} must equal to defaultRequest value ${t(request)} in ${name}`;
    say("defaultRequest", request, words);
  }
}
