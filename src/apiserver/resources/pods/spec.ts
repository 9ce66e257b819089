import type { corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isDns1123SubdomainWithUnderscore,
  isInRange,
  isQualifiedName,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  Quantity,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalFormat } from "../common/errors.ts";
import { validateLegacyIp } from "../common/ip.ts";
import { validateLabels } from "../common/labels.ts";
import { sumOfContainers } from "../common/pod-resources.ts";
import { validateAffinity, validateSpread } from "./affinity.ts";
import { MIRROR } from "./annotations.ts";
import { validateAllContainers } from "./containers.ts";
import type { PodRules } from "./options.ts";
import { validateHostProcess, validateOs } from "./os.ts";
import { validatePodResourceName, validateRequirements } from "./resources.ts";
import { validatePodSecurity } from "./security.ts";
import { validateTolerations } from "./tolerations.ts";
import { containersWithPaths } from "./visit.ts";
import { validateVolumes } from "./volumes.ts";

/** The metadata of the pod that a spec belongs to; absent for templates. */
export interface PodMeta {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A pod's spec, wherever it stands. */
export function validatePodSpec(
  errors: Errors,
  path: string,
  spec: corev1.PodSpec,
  options: { readonly rules: PodRules; readonly meta?: PodMeta },
): void {
  const { rules, meta } = options;
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const context = { podName: meta?.name ?? "", rules };
  const volumes = validateVolumes(errors, `${path}.volumes`, spec.volumes ?? [], context);
  const claims = new Set((spec.resourceClaims ?? []).map((c) => c.name).filter((n) => n !== ""));
  validateClaims(errors, `${path}.resourceClaims`, spec.resourceClaims ?? [], meta);
  validateAllContainers(errors, path, { spec, rules, volumes, claims });
  if (rules.gates.PodLevelResources) validatePodResources(errors, path, spec, { rules, claims });
  validateHostNetwork(errors, path, spec, rules);
  oneOf(errors, `${path}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]);
  const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
  oneOf(errors, `${path}.dnsPolicy`, spec.dnsPolicy, policies);
  validateLabels(errors, `${path}.nodeSelector`, spec.nodeSelector);
  validatePodSecurity(errors, `${path}.securityContext`, spec, rules);
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if (!deepEqual({ name: "", ...secret }, { name: secret.name ?? "" })) {
      errors.push(invalidValue(`${path}.imagePullSecrets[${i}]`, secret, "only name may be set"));
    }
  }
  validateAffinity(errors, `${path}.affinity`, spec.affinity, rules);
  validateDns(errors, `${path}.dnsConfig`, spec, rules);
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    const at = `${path}.readinessGates[${i}].conditionType`;
    invalidEach(errors, at, gate.conditionType, isQualifiedName(gate.conditionType));
  }
  validateSchedulingGates(errors, `${path}.schedulingGates`, spec.schedulingGates ?? []);
  validateSpread(errors, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? [], rules);
  validateHostProcess(errors, path, spec, rules);
  validateHostUsers(errors, path, spec, rules);
  validateHostname(errors, path, spec);
  validateNames(errors, path, spec);
  validateTolerations(errors, `${path}.tolerations`, spec.tolerations ?? [], rules);
  validateHostAliases(errors, `${path}.hostAliases`, spec.hostAliases ?? [], rules);
  if (spec.preemptionPolicy !== undefined) {
    oneOf(errors, `${path}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"]);
  }
  if (spec.overhead)
    validateRequirements(errors, `${path}.overhead`, { limits: spec.overhead }, { rules, claims: new Set() });
  validateOs(errors, path, spec);
  validateWorkload(errors, `${path}.workloadRef`, spec.workloadRef);
  validateFileKeyVolumes(errors, path, spec);
}

/** A required value that must be one of some, listed in upstream's order. */
function oneOf(errors: Errors, path: string, value: string | undefined, known: readonly string[]): void {
  if (!value) errors.push(required(path));
  else if (!known.includes(value)) errors.push(notSupported(path, value, known));
}

function validateNames(errors: Errors, path: string, spec: corev1.PodSpec): void {
  const subdomain = (name: string): string[] => nameIsDnsSubdomain(name, false);
  for (const field of ["serviceAccountName", "nodeName", "priorityClassName"] as const) {
    optionalFormat(errors, `${path}.${field}`, spec[field], subdomain);
  }
  if (spec.runtimeClassName !== undefined) {
    invalidEach(errors, `${path}.runtimeClassName`, spec.runtimeClassName, subdomain(spec.runtimeClassName));
  }
  optionalFormat(errors, `${path}.hostname`, spec.hostname, isDns1123Label);
  optionalFormat(errors, `${path}.subdomain`, spec.subdomain, isDns1123Label);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) {
    invalidEach(errors, `${path}.activeDeadlineSeconds`, deadline, isInRange(deadline, 1, 2 ** 31 - 1));
  }
}

function validateClaims(
  errors: Errors,
  path: string,
  claims: readonly corev1.PodResourceClaim[],
  meta: PodMeta | undefined,
): void {
  const names = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    if (meta?.annotations?.[MIRROR] !== undefined) {
      errors.push(forbiddenField("[]", "static pods do not support resource claims"));
      continue;
    }
    const at = `${path}[${i}]`;
    if (!claim.name) errors.push(required(`${at}.name`));
    else if (names.has(claim.name)) errors.push(duplicate(`${at}.name`, claim.name));
    else invalidEach(errors, `${at}.name`, claim.name, isDns1123Label(claim.name));
    names.add(claim.name);
    const { resourceClaimName: name, resourceClaimTemplateName: template } = claim;
    if (name !== undefined && template !== undefined) {
      const words = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
      errors.push(invalidValue(at, claim, words));
    }
    if (name === undefined && template === undefined) {
      const words = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
      errors.push(invalidValue(at, claim, words));
    }
    if (name !== undefined) invalidEach(errors, `${at}.resourceClaimName`, name, nameIsDnsSubdomain(name, false));
    if (template !== undefined) {
      invalidEach(errors, `${at}.resourceClaimTemplateName`, template, nameIsDnsSubdomain(template, false));
    }
  }
}

function validatePodResources(
  errors: Errors,
  path: string,
  spec: corev1.PodSpec,
  context: { readonly rules: PodRules; readonly claims: ReadonlySet<string> },
): void {
  const own = spec.resources;
  if (!own) return;
  const at = `${path}.resources`;
  if (spec.os?.name === "windows") return void errors.push(forbiddenField(at, "may not be set for a windows pod"));
  if (own.claims) errors.push(forbiddenField(`${at}.claims`, "claims may not be set for Resources at pod-level"));
  validateRequirements(errors, at, own, { ...context, checkName: validatePodResourceName });
  const least = (kind: "requests" | "limits", limitPath: string): void => {
    for (const [name, amount] of sumOfContainers(spec, kind)) {
      const given = own[kind]?.[name];
      if (given === undefined || (kind === "limits" && !name.startsWith("hugepages-"))) continue;
      if (amount.cmp(Quantity.parse(given)) <= 0) continue;
      const words = `must be greater than or equal to aggregate container ${kind} of ${amount.toString()}`;
      errors.push(invalidValue(`${limitPath}[${name}]`, Quantity.parse(given).toString(), words));
    }
  };
  least("requests", `${at}.requests`);
  least("limits", `${at}.limits`);
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, amount] of Object.entries(container.resources?.limits ?? {})) {
      const limit = own.limits?.[name];
      if (limit === undefined || Quantity.parse(amount).cmp(Quantity.parse(limit)) <= 0) continue;
      const words = `must be less than or equal to pod limits of ${Quantity.parse(limit).toString()}`;
      errors.push(invalidValue(`${at}.containers[${i}][${name}].limits`, Quantity.parse(amount).toString(), words));
    }
  }
}

function validateHostNetwork(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  if (!spec.hostNetwork) return;
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [j, port] of (container.ports ?? []).entries()) {
      const host = port.hostPort ?? 0;
      if ((rules.isPod || host !== 0) && host !== port.containerPort) {
        const at = `${path}.containers[${i}].ports[${j}].hostPort`;
        errors.push(invalidValue(at, host, "must match `containerPort` when `hostNetwork` is true"));
      }
    }
  }
}

function validateDns(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  const { dnsConfig: config, dnsPolicy } = spec;
  const nameservers = config?.nameservers ?? [];
  if (dnsPolicy === "None" && !config) {
    return void errors.push(required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
  }
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const words = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return void errors.push(required(`${path}.nameservers`, words));
  }
  if (nameservers.length > 3) {
    errors.push(invalidValue(`${path}.nameservers`, nameservers, "must not have more than 3 nameservers"));
  }
  for (const [i, server] of nameservers.entries()) {
    validateLegacyIp(errors, `${path}.nameservers[${i}]`, server, { strict: rules.gates.StrictIPCIDRValidation });
  }
  const searches = config?.searches ?? [];
  if (searches.length > 32) {
    errors.push(invalidValue(`${path}.searches`, searches, "must not have more than 32 search paths"));
  }
  if (searches.join(" ").length > 2048) {
    const words = "must not have more than 2048 characters (including spaces) in the search list";
    errors.push(invalidValue(`${path}.searches`, searches, words));
  }
  for (const [i, search] of searches.entries()) {
    if (search === ".") continue;
    const name = search.endsWith(".") ? search.slice(0, -1) : search;
    invalidEach(errors, `${path}.searches[${i}]`, name, isDns1123SubdomainWithUnderscore(name));
  }
  for (const [i, option] of (config?.options ?? []).entries()) {
    if (!option.name) errors.push(required(`${path}.options[${i}]`, "must not be empty"));
  }
}

function validateSchedulingGates(errors: Errors, path: string, gates: readonly corev1.PodSchedulingGate[]): void {
  const seen = new Set<string>();
  for (const [i, { name }] of gates.entries()) {
    invalidEach(errors, `${path}[${i}]`, name, isQualifiedName(name));
    if (seen.has(name)) errors.push(duplicate(`${path}[${i}]`, name));
    seen.add(name);
  }
}

function validateHostUsers(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  if (spec.hostUsers !== false) return;
  const refuse = (at: string): void => void errors.push(forbiddenField(at, "when `hostUsers` is false"));
  if (spec.hostNetwork && !rules.allowHostNetworkInUserNamespace) refuse(`${path}.hostNetwork`);
  if (spec.hostPID) refuse(`${path}.HostPID`);
  if (spec.hostIPC) refuse(`${path}.HostIPC`);
  if (rules.allowVolumeDevicesInUserNamespace) return;
  for (const [container, at] of containersWithPaths(spec, path)) {
    if ((container.volumeDevices?.length ?? 0) > 0) refuse(`${at}.volumeDevices`);
  }
}

function validateHostname(errors: Errors, path: string, spec: corev1.PodSpec): void {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  const at = `${path}.hostnameOverride`;
  if (spec.setHostnameAsFQDN) {
    errors.push(forbiddenField(at, "may not be specified when setHostnameAsFQDN is true"));
  }
  if (spec.hostNetwork) errors.push(forbiddenField(at, "may not be specified when hostNetwork is true"));
  if (name.length > 64) errors.push(tooLong(at, 64));
  invalidEach(errors, at, name, isDns1123Subdomain(name));
}

function validateHostAliases(
  errors: Errors,
  path: string,
  aliases: readonly corev1.HostAlias[],
  rules: PodRules,
): void {
  for (const [i, alias] of aliases.entries()) {
    validateLegacyIp(errors, `${path}[${i}].ip`, alias.ip ?? "", { strict: rules.gates.StrictIPCIDRValidation });
    for (const [j, name] of (alias.hostnames ?? []).entries()) {
      invalidEach(errors, `${path}[${i}].hostnames[${j}]`, name, isDns1123Subdomain(name));
    }
  }
}

function validateWorkload(errors: Errors, path: string, ref: corev1.WorkloadReference | undefined): void {
  if (!ref) return;
  invalidEach(errors, `${path}.name`, ref.name, nameIsDnsSubdomain(ref.name, false));
  invalidEach(errors, `${path}.podGroup`, ref.podGroup, nameIsDnsLabel(ref.podGroup, false));
  optionalFormat(errors, `${path}.podGroupReplicaKey`, ref.podGroupReplicaKey, (k) => nameIsDnsLabel(k, false));
}

function validateFileKeyVolumes(errors: Errors, path: string, spec: corev1.PodSpec): void {
  const volumes = new Map((spec.volumes ?? []).map((v) => [v.name, v]));
  for (const [container, at] of containersWithPaths(spec, path)) {
    for (const [i, variable] of (container.env ?? []).entries()) {
      const name = variable.valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const field = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(name);
      if (!volume) errors.push(fieldNotFound(field, name));
      else if (!volume.emptyDir) errors.push(invalidValue(field, name, "referenced volume must be of type emptyDir"));
    }
  }
}
