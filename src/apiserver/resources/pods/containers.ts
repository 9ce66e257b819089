import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isValidPortName,
  isValidPortNumber,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireFormat, requireOneOf } from "../common/errors.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { validateDevices, validateMounts, type VolumeMap } from "./mounts.ts";
import type { PodRules } from "./options.ts";
import { validateLifecycle, validateProbe } from "./probes.ts";
import { validateRequirements, validateResizePolicy } from "./resources.ts";
import { validateContainerSecurity } from "./security.ts";
import { type AnyContainer, isSidecar } from "./visit.ts";

/** What containers need to know of their pod. */
export interface ContainerContext {
  readonly spec: corev1.PodSpec;
  readonly rules: PodRules;
  readonly volumes: VolumeMap;
  readonly claims: ReadonlySet<string>;
}

/** All of a pod's containers. */
export function validateAllContainers(errors: Errors, path: string, context: ContainerContext): void {
  validateMain(errors, `${path}.containers`, context);
  validateInit(errors, `${path}.initContainers`, context);
  validateEphemeral(errors, `${path}.ephemeralContainers`, context);
}

function validateMain(errors: Errors, path: string, context: ContainerContext): void {
  const { spec, rules } = context;
  const containers = spec.containers ?? [];
  if (containers.length === 0) return void errors.push(required(path));
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    validateCommon(errors, at, container, context);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    validateRunning(errors, at, container, spec);
    if (rules.gates.ContainerRestartRules) validateRestart(errors, at, container, rules);
    else if (container.restartPolicy !== undefined) {
      errors.push(forbiddenField(`${at}.restartPolicy`, "may not be set for non-init containers"));
    }
  }
  validateHostPorts(errors, path, containers);
}

function validateInit(errors: Errors, path: string, context: ContainerContext): void {
  const { spec, rules } = context;
  const names = new Set((spec.containers ?? []).map((c) => c.name));
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    validateCommon(errors, at, container, context);
    validateInitRestart(errors, at, container, rules);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if (container.name) names.add(container.name);
    validateHostPorts(errors, path, [container]);
    if (isSidecar(container)) validateRunning(errors, at, container, spec);
    else {
      for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
        if (container[field] === undefined) continue;
        const words = "may not be set for init containers without restartPolicy=Always";
        errors.push(forbiddenField(`${at}.${field}`, words));
      }
    }
  }
}

function validateRunning(errors: Errors, path: string, container: corev1.Container, spec: corev1.PodSpec): void {
  const grace = spec.terminationGracePeriodSeconds;
  if (container.lifecycle) {
    validateLifecycle(errors, `${path}.lifecycle`, container.lifecycle, { grace, os: spec.os?.name });
  }
  for (const kind of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    validateProbe(errors, path, container, { kind, grace });
  }
}

const NOT_EPHEMERAL = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

function validateEphemeral(errors: Errors, path: string, context: ContainerContext): void {
  const { spec } = context;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.name));
  const names = new Set(others);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    validateCommon(errors, at, container, context);
    validateImageText(errors, at, container);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(fieldNotFound(`${at}.targetContainerName`, target));
    const words = "cannot be set for an Ephemeral Container";
    for (const field of NOT_EPHEMERAL) {
      if (isSet(container[field])) errors.push(forbiddenField(`${at}.${field}`, words));
    }
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ["subPath", "subPathExpr"] as const) {
        if (mount[field]) errors.push(forbiddenField(`${at}.volumeMounts[${j}].${field}`, words));
      }
    }
  }
}

function isSet(value: unknown): boolean {
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : value !== undefined;
}

function validateCommon(errors: Errors, path: string, container: AnyContainer, context: ContainerContext): void {
  const { spec, rules, volumes, claims } = context;
  requireFormat(errors, `${path}.name`, container.name, isDns1123Label);
  if (!container.image) errors.push(required(`${path}.image`));
  const policy = container.terminationMessagePolicy ?? "";
  const policies = ["File", "FallbackToLogsOnError"];
  if (policy === "") errors.push(required(`${path}.terminationMessagePolicy`));
  else if (!policies.includes(policy)) errors.push(notSupported(`${path}.terminationMessagePolicy`, policy, policies));
  validatePorts(errors, `${path}.ports`, container.ports ?? []);
  validateEnv(errors, `${path}.env`, container.env ?? [], rules);
  validateEnvFrom(errors, `${path}.envFrom`, container.envFrom ?? []);
  validateMounts(errors, `${path}.volumeMounts`, container, volumes);
  validateDevices(errors, `${path}.volumeDevices`, container, volumes);
  requireOneOf(errors, `${path}.imagePullPolicy`, container.imagePullPolicy, ["Always", "IfNotPresent", "Never"]);
  validateRequirements(errors, `${path}.resources`, container.resources, { rules, claims });
  validateResizePolicy(errors, `${path}.resizePolicy`, container.resizePolicy ?? [], spec.restartPolicy);
  const hostUsers = spec.hostUsers !== false;
  validateContainerSecurity(errors, `${path}.securityContext`, container.securityContext, { rules, hostUsers });
}

/** An image without spaces around it: a rule for pods only, not for templates of them. */
export function validateImageText(errors: Errors, path: string, { image = "" }: { readonly image?: string }): void {
  if (image.trim() !== image) {
    errors.push(invalidValue(`${path}.image`, image, "must not have leading or trailing whitespace"));
  }
}

const PROTOCOLS = ["SCTP", "TCP", "UDP"];

function validatePorts(errors: Errors, path: string, ports: readonly corev1.ContainerPort[]): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `${path}[${i}]`;
    if (port.name) {
      const problems = isValidPortName(port.name);
      invalidEach(errors, `${at}.name`, port.name, problems);
      if (problems.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else invalidEach(errors, `${at}.containerPort`, port.containerPort, isValidPortNumber(port.containerPort));
    if (port.hostPort) invalidEach(errors, `${at}.hostPort`, port.hostPort, isValidPortNumber(port.hostPort));
    requireOneOf(errors, `${at}.protocol`, port.protocol, PROTOCOLS);
  }
}

function validateHostPorts(errors: Errors, path: string, containers: readonly corev1.Container[]): void {
  const seen = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const key = `${port.protocol ?? ""}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (seen.has(key)) errors.push(duplicate(`${path}[${i}].ports[${j}].hostPort`, key));
      seen.add(key);
    }
  }
}

const RESTART_POLICIES = ["Always", "Never", "OnFailure"];

function validateInitRestart(errors: Errors, path: string, container: corev1.Container, rules: PodRules): void {
  const { restartPolicy, restartPolicyRules = [] } = container;
  if (restartPolicy === undefined) {
    if (restartPolicyRules.length > 0) {
      errors.push(required(`${path}.restartPolicy`, "must specify restartPolicy when restart rules are used"));
    }
  } else if (!rules.gates.ContainerRestartRules) {
    if (restartPolicy !== "Always") errors.push(notSupported(`${path}.restartPolicy`, restartPolicy, ["Always"]));
  } else if (restartPolicy === "Always" && !rules.allowRestartAllContainers) {
    if (restartPolicyRules.length > 0) {
      const words = "restartPolicyRules are not allowed for init containers with restart policy Always";
      errors.push(forbiddenField(`${path}.restartPolicyRules`, words));
    }
  } else validateRestart(errors, path, container, rules);
}

function validateRestart(errors: Errors, path: string, container: corev1.Container, rules: PodRules): void {
  const { restartPolicy, restartPolicyRules = [] } = container;
  const at = `${path}.restartPolicy`;
  if (restartPolicy === undefined) {
    if (restartPolicyRules.length === 0) return;
    errors.push(required(at, "must specify restartPolicy when restart rules are used"));
  } else if (!RESTART_POLICIES.includes(restartPolicy)) errors.push(notSupported(at, restartPolicy, RESTART_POLICIES));
  if (restartPolicyRules.length > 20) errors.push(tooLong(`${path}.restartPolicyRules`, 20));
  for (const [i, rule] of restartPolicyRules.entries()) {
    const ruleAt = `${path}.restartPolicyRules[${i}]`;
    const known =
      rule.action === "Restart" || (rules.allowRestartAllContainers && rule.action === "RestartAllContainers");
    if (!known) errors.push(notSupported(`${ruleAt}.action`, rule.action ?? "", ["Restart"]));
    if (!rule.exitCodes) {
      errors.push(required(`${ruleAt}.exitCodes`, "must be specified"));
      continue;
    }
    const operators = ["In", "NotIn"];
    if (!operators.includes(rule.exitCodes.operator)) {
      errors.push(notSupported(`${ruleAt}.exitCodes.operator`, rule.exitCodes.operator ?? "", operators));
    }
    if ((rule.exitCodes.values?.length ?? 0) > 255) errors.push(tooLong(`${ruleAt}.exitCodes.values`, 255));
  }
}
