import type { admissionregistrationv1 as v1, admissionregistrationv1beta1 as v1beta1 } from "../../../api/index.ts";
import {
  duplicate,
  FieldPath,
  forbiddenField,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isQualifiedName,
  nameIsDnsSubdomain,
  nameIsPathSegment,
  notSupported,
  required,
  semanticEqual,
  validateConditions,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { validateLabelSelector } from "../common/labels.ts";
import type { Kind } from "../kind.ts";
import { validateMatchConditions, validateMatchResources } from "./match-rules.ts";

const FAILURE_POLICIES = ["Fail", "Ignore"];
const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const MUTATING_OPERATIONS = ["*", "CONNECT", "CREATE", "UPDATE"];
const ACTIONS = ["Audit", "Deny", "Warn"];
const MAX_ANNOTATIONS = 20;
const MAX_ANNOTATION_EXPRESSION = 5 * 1024;
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
/** Words that the expression language keeps for itself. */
const RESERVED = new Set(
  "as break const continue else false for function if import in let loop null package namespace return true var void while".split(
    " ",
  ),
);

/** Policies that refuse. Their expressions are compiled by who evaluates them. */
export function validatingPolicies(): Kind<v1.ValidatingAdmissionPolicy> {
  return {
    generation: ["spec"],
    validate: (policy, old) => validatePolicy(policy, old),
    subresources: {
      status: { keepMetadata: true, validate: ({ status }) => validateStatus(status) },
    },
  };
}

function validatePolicy(policy: v1.ValidatingAdmissionPolicy, old: v1.ValidatingAdmissionPolicy | undefined): Errors {
  const errors: Errors = [];
  const { spec } = policy;
  validateCommon(errors, spec, old?.spec);
  validateVariables(errors, spec.variables);
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const words = "validations or auditAnnotations must contain at least one item";
    errors.push(required("spec.validations", words), required("spec.auditAnnotations", words));
    return errors;
  }
  for (const [i, validation] of validations.entries()) validateRule(errors, `spec.validations[${i}]`, validation);
  if (auditAnnotations.length > MAX_ANNOTATIONS) {
    const words = `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`;
    errors.push(invalidValue("spec.auditAnnotations", auditAnnotations, words));
  }
  const keys = new Set<string>();
  for (const [i, annotation] of auditAnnotations.entries()) {
    const at = `spec.auditAnnotations[${i}]`;
    validateAnnotation(errors, at, policy.metadata.name, annotation);
    if (keys.has(annotation.key)) errors.push(duplicate(`${at}.key`, annotation.key));
    keys.add(annotation.key);
  }
  return errors;
}

/** What both sorts of policies have. */
interface CommonSpec {
  readonly failurePolicy?: string;
  readonly paramKind?: v1.ParamKind;
  readonly matchConstraints?: v1.MatchResources;
  readonly matchConditions?: readonly v1.MatchCondition[];
}

function validateCommon(errors: Errors, spec: CommonSpec, old: CommonSpec | undefined): void {
  const { failurePolicy, paramKind, matchConstraints: match } = spec;
  if (failurePolicy === undefined) errors.push(required("spec.failurePolicy"));
  else if (!FAILURE_POLICIES.includes(failurePolicy)) {
    errors.push(notSupported("spec.failurePolicy", failurePolicy, FAILURE_POLICIES));
  }
  if (paramKind) validateParamKind(errors, paramKind);
  if (match) {
    validateMatchResources(errors, "spec.matchConstraints", match);
    if ((match.resourceRules ?? []).length === 0) errors.push(required("spec.matchConstraints.resourceRules"));
  } else errors.push(required("spec.matchConstraints"));
  const same =
    old && semanticEqual(paramKind, old.paramKind) && semanticEqual(spec.matchConditions, old.matchConditions);
  if (!same) validateMatchConditions(errors, "spec.matchConditions", spec.matchConditions);
}

function validateParamKind(errors: Errors, { apiVersion = "", kind = "" }: v1.ParamKind): void {
  const at = "spec.paramKind";
  const parts = apiVersion.split("/");
  if (apiVersion === "") errors.push(required(`${at}.apiVersion`));
  else if (parts.length > 2) {
    const words = `unexpected GroupVersion string: ${apiVersion}`;
    errors.push(invalidValue(`${at}.apiVersion`, apiVersion, words));
  } else {
    const [group, version] = parts.length === 1 ? ["", parts[0] ?? ""] : [parts[0] ?? "", parts[1] ?? ""];
    const wrongGroup = group === "" ? [] : isDns1123Subdomain(group);
    if (wrongGroup.length > 0) errors.push(invalidValue(`${at}.apiVersion`, group, wrongGroup.join(",")));
    const wrongVersion = isDns1035Label(version);
    if (version === "") errors.push(invalidValue(`${at}.apiVersion`, apiVersion, "version must be specified"));
    else if (wrongVersion.length > 0) errors.push(invalidValue(`${at}.apiVersion`, version, wrongVersion.join(",")));
  }
  const wrongKind = isDns1035Label(kind.toLowerCase());
  if (kind === "") errors.push(required(`${at}.kind`));
  else if (wrongKind.length > 0) {
    const words = `may have mixed case, but should otherwise match: ${wrongKind.join(",")}`;
    errors.push(invalidValue(`${at}.kind`, kind, words));
  }
}

function validateVariables(errors: Errors, variables: readonly v1.Variable[] = []): void {
  for (const [i, { name, expression }] of variables.entries()) {
    const at = `spec.variables[${i}]`;
    if (name.trim() === "") errors.push(required(`${at}.name`, "name is not specified"));
    else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
      errors.push(invalidValue(`${at}.name`, name, "must be a valid CEL identifier"));
    }
    if (expression.trim() === "") errors.push(required(`${at}.expression`, "expression is not specified"));
  }
}

function validateRule(errors: Errors, path: string, rule: v1.Validation): void {
  const { expression, message = "", messageExpression = "", reason } = rule;
  if (expression.trim() === "") errors.push(required(`${path}.expression`, "expression is not specified"));
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.push(invalidValue(`${path}.messageExpression`, messageExpression, "must be non-empty if specified"));
  }
  const trimmed = message.trim();
  if (message !== "" && trimmed === "") {
    errors.push(invalidValue(`${path}.message`, message, "must be non-empty if specified"));
  } else if (/[\n\r]/.test(trimmed)) {
    errors.push(invalidValue(`${path}.message`, message, "must not contain line breaks"));
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    errors.push(notSupported(`${path}.reason`, reason, REASONS));
  }
}

function validateAnnotation(errors: Errors, path: string, policy: string, annotation: v1.AuditAnnotation): void {
  const { key, valueExpression } = annotation;
  const whole = `${policy}/${key}`;
  if (policy === "") errors.push(invalidValue(`${path}.key`, key, "requires metadata.name be non-empty"));
  else invalidEach(errors, `${path}.key`, whole, isQualifiedName(whole));
  const trimmed = valueExpression.trim();
  if (trimmed === "") errors.push(required(`${path}.valueExpression`, "valueExpression is not specified"));
  else if (Buffer.byteLength(trimmed) > MAX_ANNOTATION_EXPRESSION) {
    const words = `must not exceed ${MAX_ANNOTATION_EXPRESSION} bytes in length`;
    errors.push(required(`${path}.valueExpression`, words));
  }
}

function validateStatus(status: v1.ValidatingAdmissionPolicyStatus): Errors {
  const errors: Errors = [];
  for (const [i, { fieldRef, warning }] of (status.typeChecking?.expressionWarnings ?? []).entries()) {
    const at = `status.typeChecking.expressionWarnings[${i}]`;
    if (warning === "") errors.push(required(`${at}.warning`));
    if (fieldRef.trim() === "") errors.push(required(`${at}.fieldRef`));
  }
  return [...errors, ...validateConditions(status.conditions ?? [], FieldPath.root("status.conditions"))];
}

/** Where a validating policy is in force. */
export function validatingBindings(): Kind<v1.ValidatingAdmissionPolicyBinding> {
  return {
    generation: ["spec"],
    validate({ spec }) {
      const errors: Errors = [];
      validateBinding(errors, spec);
      const actions = spec.validationActions ?? [];
      const seen = new Set<string>();
      for (const [i, action] of actions.entries()) {
        const at = `spec.validationActions[${i}]`;
        if (!ACTIONS.includes(action)) errors.push(notSupported(at, action, ACTIONS));
        if (seen.has(action)) errors.push(duplicate(at, action));
        seen.add(action);
      }
      if (seen.has("Deny") && seen.has("Warn")) {
        const words =
          "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        errors.push(invalidValue("spec.validationActions", actions, words));
      }
      if (actions.length === 0) {
        errors.push(required("spec.validationActions", "at least one validation action is required"));
      }
      return errors;
    },
  };
}

interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: v1.ParamRef;
  readonly matchResources?: v1.MatchResources;
}

function validateBinding(errors: Errors, { policyName = "", paramRef, matchResources }: BindingSpec): void {
  if (policyName === "") errors.push(required("spec.policyName"));
  else invalidEach(errors, "spec.policyName", policyName, nameIsDnsSubdomain(policyName, false));
  if (paramRef) validateParamRef(errors, "spec.paramRef", paramRef);
  validateMatchResources(errors, "spec.matchResources", matchResources);
}

function validateParamRef(errors: Errors, path: string, ref: v1.ParamRef): void {
  const { name = "", selector, parameterNotFoundAction: action } = ref;
  const both = "name and selector are mutually exclusive";
  if (name !== "") {
    invalidEach(errors, `${path}.name`, name, nameIsPathSegment(name, false));
    if (selector) errors.push(forbiddenField(`${path}.name`, both));
  }
  if (selector) {
    validateLabelSelector(errors, `${path}.selector`, selector);
    if (name !== "") errors.push(forbiddenField(`${path}.selector`, both));
  }
  if (name === "" && !selector) errors.push(required(path, "one of name or selector must be specified"));
  if (!action) errors.push(required(`${path}.parameterNotFoundAction`));
  else if (action !== "Deny" && action !== "Allow") {
    errors.push(notSupported(`${path}.parameterNotFoundAction`, action, ["Deny", "Allow"]));
  }
}

/** Policies that change objects. */
export function mutatingPolicies(): Kind<v1beta1.MutatingAdmissionPolicy> {
  return {
    generation: ["spec"],
    validate({ spec }, old) {
      const errors: Errors = [];
      validateCommon(errors, spec as CommonSpec, old?.spec as CommonSpec | undefined);
      for (const operation of (spec.matchConstraints?.resourceRules ?? []).flatMap((rule) => rule.operations ?? [])) {
        if (MUTATING_OPERATIONS.includes(operation)) continue;
        errors.push(notSupported("spec.matchConstraints.resourceRules.operations", operation, MUTATING_OPERATIONS));
      }
      validateVariables(errors, spec.variables);
      const mutations = spec.mutations ?? [];
      if (mutations.length === 0) errors.push(required("spec.mutations", "mutations must contain at least one item"));
      for (const [i, mutation] of mutations.entries()) validateMutation(errors, `spec.mutations[${i}]`, mutation);
      if (!spec.reinvocationPolicy) errors.push(required("spec.reinvocationPolicy"));
      else if (!["IfNeeded", "Never"].includes(spec.reinvocationPolicy)) {
        errors.push(notSupported("spec.reinvocationPolicy", spec.reinvocationPolicy, ["IfNeeded", "Never"]));
      }
      return errors;
    },
  };
}

const PATCH_TYPES = ["ApplyConfiguration", "JSONPatch"];

function validateMutation(errors: Errors, path: string, mutation: v1beta1.Mutation): void {
  const { patchType, applyConfiguration: apply, jsonPatch: patch } = mutation;
  if (!patchType) return void errors.push(required(`${path}.patchType`));
  if (!PATCH_TYPES.includes(patchType)) {
    return void errors.push(notSupported(`${path}.patchType`, patchType, PATCH_TYPES));
  }
  const wanted = patchType === "JSONPatch" ? patch : apply;
  const [field, other] =
    patchType === "JSONPatch"
      ? (["jsonPatch", "applyConfiguration"] as const)
      : (["applyConfiguration", "jsonPatch"] as const);
  if (!wanted) errors.push(required(`${path}.${field}`, `must be specified when patchType is ${patchType}`));
  else if ((wanted.expression ?? "").trim() === "") {
    errors.push(required(`${path}.${field}.expression`));
  }
  if (mutation[other]) {
    errors.push(invalidValue(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`));
  }
}

/** Where a mutating policy is in force. */
export function mutatingBindings(): Kind<v1beta1.MutatingAdmissionPolicyBinding> {
  return {
    generation: ["spec"],
    validate({ spec }) {
      const errors: Errors = [];
      validateBinding(errors, spec as BindingSpec);
      return errors;
    },
  };
}
