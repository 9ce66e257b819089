import type { autoscalingv2, metav1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isDns1123Label,
  nameIsPathSegment,
  notSupported,
  Quantity,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, NEGATIVE } from "../common/errors.ts";
import { validateContainerResourceName } from "../common/quantities.ts";
import { validateCounters } from "../common/workloads.ts";
import type { Kind, KindEnv } from "../kind.ts";

type Autoscaler = autoscalingv2.HorizontalPodAutoscaler;
type Spec = autoscalingv2.HorizontalPodAutoscalerSpec;
type Metric = autoscalingv2.MetricSpec;
type Target = autoscalingv2.MetricTarget;

/** Horizontal pod autoscalers, in the form of v2. */
export function autoscalers(env: KindEnv): Kind<Autoscaler> {
  return {
    prepareForCreate: (scaler) => dropDisabled(scaler, undefined, env),
    prepareForUpdate: (scaler, old) => dropDisabled(scaler, old, env),
    validate({ spec }, old) {
      const errors: Errors = [];
      validateSpec(errors, spec, old?.spec, env);
      return errors;
    },
    subresources: {
      status: {
        validate({ status }) {
          const errors: Errors = [];
          validateCounters(errors, "status", status, ["currentReplicas", "desiredReplicas"]);
          return errors;
        },
      },
    },
  };
}

function dropDisabled({ spec }: Autoscaler, old: Autoscaler | undefined, env: KindEnv): void {
  const before = old?.spec.behavior;
  if (env.gates.HPAConfigurableTolerance || before?.scaleUp?.tolerance || before?.scaleDown?.tolerance) return;
  for (const side of ["scaleUp", "scaleDown"] as const) delete spec.behavior?.[side]?.tolerance;
}

/** How a reference's API version is judged. */
interface RefRules {
  readonly emptyGroup: boolean;
  readonly anything: boolean;
}

function validateSpec(errors: Errors, spec: Spec, old: Spec | undefined, env: KindEnv): void {
  const { minReplicas: min, maxReplicas: max } = spec;
  const least = env.gates.HPAScaleToZero || old?.minReplicas === 0 ? 0 : 1;
  if (min !== undefined && min < least) {
    errors.push(invalidValue("spec.minReplicas", min, `must be greater than or equal to ${least}`));
  }
  if (max < 1) errors.push(invalidValue("spec.maxReplicas", max, "must be greater than 0"));
  if (min !== undefined && max < min) {
    errors.push(invalidValue("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`"));
  }
  const target = spec.scaleTargetRef;
  const before = old?.scaleTargetRef;
  const same = before !== undefined && before.apiVersion === target.apiVersion && before.kind === target.kind;
  validateRef(errors, "spec.scaleTargetRef", target, {
    anything: same,
    emptyGroup: target.kind === "ReplicationController",
  });
  const odd = (old?.metrics ?? []).some((m) => m.object && versionProblem(m.object.describedObject.apiVersion, true));
  validateMetrics(errors, "spec.metrics", spec, { emptyGroup: true, anything: odd });
  for (const side of ["scaleUp", "scaleDown"] as const) {
    const rules = spec.behavior?.[side];
    if (rules) validateRules(errors, `spec.behavior.${side}`, rules);
  }
}

function versionProblem(apiVersion: string | undefined, emptyGroup: boolean): string | undefined {
  const text = apiVersion ?? "";
  const parts = text.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${text}`;
  const group = parts.length === 2 ? (parts[0] ?? "") : "";
  return group === "" && !emptyGroup ? "apiVersion must specify API group" : undefined;
}

function validateRef(
  errors: Errors,
  path: string,
  ref: autoscalingv2.CrossVersionObjectReference,
  rules: RefRules,
): void {
  for (const field of ["kind", "name"] as const) {
    if (!ref[field]) errors.push(required(`${path}.${field}`));
    else invalidEach(errors, `${path}.${field}`, ref[field], nameIsPathSegment(ref[field], false));
  }
  const problem = rules.anything ? undefined : versionProblem(ref.apiVersion, rules.emptyGroup);
  if (problem) errors.push(invalidValue(`${path}.apiVersion`, ref.apiVersion ?? "", problem));
}

function validateMetrics(errors: Errors, path: string, { metrics = [], minReplicas }: Spec, rules: RefRules): void {
  for (const [i, metric] of metrics.entries()) validateMetric(errors, `${path}[${i}]`, metric, rules);
  if (minReplicas === 0 && !metrics.some((m) => m.type === "Object" || m.type === "External")) {
    const words = "must specify at least one Object or External metric to support scaling to zero replicas";
    errors.push(forbiddenField(path, words));
  }
}

const FIELD_OF: Readonly<Record<string, keyof Metric>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};
const ORDER = ["object", "external", "pods", "resource", "containerResource"] as const;

function validateMetric(errors: Errors, path: string, metric: Metric, rules: RefRules): void {
  const type: string = metric.type ?? "";
  const known = Object.keys(FIELD_OF);
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
  if (!known.includes(type)) errors.push(notSupported(`${path}.type`, type, known));
  const present = ORDER.filter((field) => metric[field]);
  const first = present[0];
  if (first) validateSource(errors, `${path}.${first}`, metric, [first, rules]);
  const expected = FIELD_OF[type];
  if (expected && !metric[expected]) {
    errors.push(required(`${path}.${expected}`, "must populate information for the given metric source"));
  }
  if (present.length === 1) return;
  for (const field of present) {
    if (field !== expected) {
      errors.push(forbiddenField(`${path}.${field}`, "must populate the given metric source only"));
    }
  }
}

function validateSource(
  errors: Errors,
  path: string,
  metric: Metric,
  [kind, rules]: [(typeof ORDER)[number], RefRules],
): void {
  if (kind === "object" && metric.object)
    validateRef(errors, `${path}.describedObject`, metric.object.describedObject, rules);
  const identified = kind === "object" || kind === "external" || kind === "pods" ? metric[kind] : undefined;
  const resource = kind === "resource" || kind === "containerResource" ? metric[kind] : undefined;
  if (identified) validateIdentifier(errors, `${path}.metric`, identified.metric);
  if (resource && !resource.name) errors.push(required(`${path}.name`, "must specify a resource name"));
  if (kind === "containerResource" && metric.containerResource) {
    const { name, container } = metric.containerResource;
    if (name) validateContainerResourceName(errors, `${path}.name`, name);
    if (!container) errors.push(required(`${path}.container`, "must specify a container"));
    else invalidEach(errors, `${path}.container`, container, isDns1123Label(container));
  }
  const target = metric[kind]?.target;
  if (!target) return;
  const at = `${path}.target`;
  validateTarget(errors, at, target);
  const { value, averageValue: average, averageUtilization: share } = target;
  const need = (field: string, words: string): void => void errors.push(required(`${at}.${field}`, words));
  if (kind === "pods") {
    if (average === undefined) need("averageValue", "must specify a positive target averageValue");
  } else if (resource) {
    if (share === undefined && average === undefined) {
      need("averageUtilization", "must set either a target raw value or a target utilization");
    } else if (share !== undefined && average !== undefined) {
      const words = "may not set both a target raw value and a target utilization";
      errors.push(forbiddenField(`${at}.averageValue`, words));
    }
  } else if (value === undefined && average === undefined) {
    const words =
      kind === "object"
        ? "must set either a target value or averageValue"
        : "must set either a target value for metric or a per-pod target";
    need("averageValue", words);
  } else if (kind === "external" && value !== undefined && average !== undefined) {
    const words = "may not set both a target value for metric and a per-pod target";
    errors.push(forbiddenField(`${at}.value`, words));
  }
}

function validateIdentifier(
  errors: Errors,
  path: string,
  { name }: { readonly name: string; readonly selector?: metav1.LabelSelector },
): void {
  if (!name) errors.push(required(`${path}.name`, "must specify a metric name"));
  else invalidEach(errors, `${path}.name`, name, nameIsPathSegment(name, false));
}

function validateTarget(errors: Errors, path: string, target: Target): void {
  const type: string = target.type ?? "";
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric target type"));
  if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.push(invalidValue(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const field of ["value", "averageValue"] as const) {
    const amount = target[field];
    if (amount !== undefined && Quantity.parse(amount).sign() <= 0) {
      errors.push(invalidValue(`${path}.${field}`, Quantity.parse(amount).toString(), "must be positive"));
    }
  }
  const share = target.averageUtilization;
  if (share !== undefined && share < 1) {
    errors.push(invalidValue(`${path}.averageUtilization`, share, "must be greater than 0"));
  }
}

function validateRules(errors: Errors, path: string, rules: autoscalingv2.HPAScalingRules): void {
  const window = rules.stabilizationWindowSeconds;
  const windowAt = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) {
    errors.push(invalidValue(windowAt, window, "must be greater than or equal to zero"));
  }
  if (window !== undefined && window > 3600) {
    errors.push(invalidValue(windowAt, window, "must be less than or equal to 3600"));
  }
  const select = rules.selectPolicy;
  const known = ["Disabled", "Max", "Min"];
  if (select !== undefined && !known.includes(select)) errors.push(notSupported(`${path}.selectPolicy`, select, known));
  const policies = rules.policies ?? [];
  if (policies.length === 0) errors.push(required(`${path}.policies`, "must specify at least one Policy"));
  for (const [i, { type, value, periodSeconds }] of policies.entries()) {
    const at = `${path}.policies[${i}]`;
    const types = ["Percent", "Pods"];
    if (!types.includes(type)) errors.push(notSupported(`${at}.type`, type, types));
    if (value <= 0) errors.push(invalidValue(`${at}.value`, value, "must be greater than zero"));
    if (periodSeconds <= 0)
      errors.push(invalidValue(`${at}.periodSeconds`, periodSeconds, "must be greater than zero"));
    if (periodSeconds > 1800) {
      errors.push(invalidValue(`${at}.periodSeconds`, periodSeconds, "must be less than or equal to 1800"));
    }
  }
  const { tolerance } = rules;
  if (tolerance !== undefined && Quantity.parse(tolerance).sign() < 0) {
    errors.push(invalidValue(`${path}.tolerance`, Quantity.parse(tolerance).toString(), NEGATIVE));
  }
}
