import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isQualifiedName,
  nameIsDnsSubdomain,
  required,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE, invalidEach, requireOneOf } from "../common/errors.ts";
import { isDualStack, validateLegacyIp } from "../common/ip.ts";
import { validateAnnotationChange } from "./annotations.ts";
import type { PodRules } from "./options.ts";
import { validateId } from "./security.ts";
import { isSidecar } from "./visit.ts";

const SYSTEM_CONDITIONS = new Set(["PodScheduled", "Ready", "Initialized"]);

/** What is wrong with a new status of a pod, and with how it follows the old one. */
export function validateStatusChange(errors: Errors, pod: corev1.Pod, old: corev1.Pod, rules: PodRules): void {
  const { status } = pod;
  validateAnnotationChange(errors, "metadata.annotations", [pod.metadata.annotations, old.metadata.annotations]);
  for (const [i, condition] of (status.conditions ?? []).entries()) {
    const at = `status.conditions[${i}]`;
    if ((condition.observedGeneration ?? 0) < 0) {
      errors.push(
        invalidValue(`${at}.observedGeneration`, condition.observedGeneration, "must be a non-negative integer"),
      );
    }
    if (!SYSTEM_CONDITIONS.has(condition.type))
      invalidEach(errors, `${at}.Type`, condition.type, isQualifiedName(condition.type));
  }
  validateNomination(errors, pod, old);
  if ((status.observedGeneration ?? 0) < 0) {
    errors.push(invalidValue("status.observedGeneration", status.observedGeneration, "must be a non-negative integer"));
  }
  if ((status.qosClass ?? "") !== (old.status.qosClass ?? "")) {
    errors.push(invalidValue("status.qosClass", status.qosClass ?? "", IMMUTABLE));
  }
  validateTransitions(errors, pod, old, rules);
  validateClaimStatuses(errors, pod);
  validateAddresses(errors, pod, old, rules);
  for (const list of ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const) {
    for (const [i, container] of (status[list] ?? []).entries()) {
      validateUser(errors, `status.${list}[${i}].user.linux`, container, pod.spec.os?.name);
      validateAllocated(errors, `status.${list}[${i}].allocatedResourcesStatus`, container, pod.spec);
    }
  }
}

function validateNomination(errors: Errors, { status }: corev1.Pod, old: corev1.Pod): void {
  const name = status.nominatedNodeName;
  if (!name || name === old.status.nominatedNodeName) return;
  invalidEach(errors, "status.nominatedNodeName", name, nameIsDnsSubdomain(name, false));
  if (old.spec.nodeName) {
    const words = "may not be set on pods that are already bound to a node";
    errors.push(forbiddenField("status.nominatedNodeName", words));
  }
}

type Statuses = readonly corev1.ContainerStatus[] | undefined;

function validateTransitions(errors: Errors, pod: corev1.Pod, old: corev1.Pod, rules: PodRules): void {
  const { spec } = old;
  const revived = (
    list: Statuses,
    before: Statuses,
    path: string,
    mayRestart: (s: corev1.ContainerStatus) => boolean,
  ): void => {
    for (const [i, was] of (before ?? []).entries()) {
      if (!was.state?.terminated) continue;
      const is = (list ?? []).find((s) => s.name === was.name);
      if (is && !is.state?.terminated && !mayRestart(was)) {
        errors.push(forbiddenField(`${path}[${i}].state`, "may not be transitioned to non-terminated state"));
      }
    }
  };
  const byRules = (containers: readonly corev1.Container[] | undefined) => (was: corev1.ContainerStatus) => {
    const container = (containers ?? []).find((c) => c.name === was.name);
    return container !== undefined && shouldRestart(container, spec, was.state?.terminated?.exitCode ?? 0);
  };
  const withRules = rules.gates.ContainerRestartRules;
  const plain = (was: corev1.ContainerStatus): boolean =>
    spec.restartPolicy === "Always" || (spec.restartPolicy === "OnFailure" && was.state?.terminated?.exitCode !== 0);
  const sidecar = (was: corev1.ContainerStatus): boolean =>
    (spec.initContainers ?? []).some((c) => c.name === was.name && isSidecar(c));
  revived(
    pod.status.containerStatuses,
    old.status.containerStatuses,
    "status.containerStatuses",
    withRules ? byRules(spec.containers) : plain,
  );
  revived(
    pod.status.initContainerStatuses,
    old.status.initContainerStatuses,
    "status.initContainerStatuses",
    withRules ? byRules(spec.initContainers) : (was) => plain(was) || sidecar(was),
  );
  revived(
    pod.status.ephemeralContainerStatuses,
    old.status.ephemeralContainerStatuses,
    "status.ephemeralContainerStatuses",
    () => false,
  );
}

/** Whether a container that ended with this code is started again: by its own rules, its policy, or the pod's. */
export function shouldRestart(container: corev1.Container, spec: corev1.PodSpec, exitCode: number): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const listed = (rule.exitCodes?.values ?? []).includes(exitCode);
    const meant = rule.exitCodes && (rule.exitCodes.operator === "In" ? listed : !listed);
    if (meant && rule.action === "Restart") return true;
  }
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function validateClaimStatuses(errors: Errors, { status, spec }: corev1.Pod): void {
  const seen = new Set<string>();
  for (const [i, { name, resourceClaimName }] of (status.resourceClaimStatuses ?? []).entries()) {
    const at = `status.resourceClaimStatuses[${i}].name`;
    if (!(spec.resourceClaims ?? []).some((c) => c.name === name)) {
      errors.push(invalidValue(at, name, "must match the name of an entry in `spec.resourceClaims`"));
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (resourceClaimName !== undefined) {
      invalidEach(errors, at, resourceClaimName, nameIsDnsSubdomain(resourceClaimName, false));
    }
  }
  const extended = status.extendedResourceClaimStatus;
  if (extended) validateExtendedClaim(errors, "status.extendedResourceClaimStatus", extended, spec);
}

function validateExtendedClaim(
  errors: Errors,
  path: string,
  status: corev1.PodExtendedResourceClaimStatus,
  spec: corev1.PodSpec,
): void {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const mappings = status.requestMappings ?? [];
  if (mappings.length === 0)
    errors.push(required(`${path}.requestMappings`, "at least one request mapping is required"));
  const seen = new Set<string>();
  for (const [i, mapping] of mappings.entries()) {
    const at = `${path}.requestMappings[${i}]`;
    const container = containers.find((c) => c.name === mapping.containerName);
    if (!container) {
      const words = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
      errors.push(invalidValue(`${at}.containerName`, mapping.containerName, words));
    } else if (container.resources?.requests?.[mapping.resourceName] === undefined) {
      const words =
        "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests";
      errors.push(invalidValue(`${at}.resourceName`, mapping.resourceName, words));
    }
    invalidEach(errors, `${path}.requestName`, mapping.requestName, isDns1123Label(mapping.requestName));
    const key = `${mapping.containerName}\n${mapping.resourceName}\n${mapping.requestName}`;
    if (seen.has(key)) {
      for (const field of ["containerName", "resourceName", "requestName"] as const) {
        errors.push(duplicate(`${at}.${field}`, mapping[field]));
      }
    }
    seen.add(key);
  }
  if (!status.resourceClaimName) errors.push(required(`${path}.resourceClaimName`));
  else {
    const problems = nameIsDnsSubdomain(status.resourceClaimName, false);
    invalidEach(errors, `${path}.resourceClaimName`, status.resourceClaimName, problems);
  }
}

function validateAddresses(errors: Errors, pod: corev1.Pod, old: corev1.Pod, rules: PodRules): void {
  const strict = rules.gates.StrictIPCIDRValidation;
  const { hostIP, hostIPs = [] } = pod.status;
  if (hostIPs[0] && hostIP !== hostIPs[0].ip) {
    errors.push(invalidValue("status.hostIPs[0].ip", hostIPs[0].ip, "must be equal to `hostIP`"));
  }
  for (const list of ["podIPs", "hostIPs"] as const) {
    const ips = (pod.status[list] ?? []).map((i) => i.ip);
    const before = (old.status[list] ?? []).map((i) => i.ip);
    for (const [i, ip] of ips.entries()) validateLegacyIp(errors, `status.${list}[${i}]`, ip, { old: before, strict });
    if (ips.length > 1 && (!isDualStack(ips) || ips.length > 2)) {
      const words = "may specify no more than one IP for each IP family";
      errors.push(invalidValue(`status.${list}`, pod.status[list], words));
    }
  }
}

function validateUser(errors: Errors, path: string, container: corev1.ContainerStatus, os: string | undefined): void {
  const user = container.user?.linux;
  if (!user) return;
  if (os === "windows") return void errors.push(forbiddenField(path, "cannot be set for a windows pod"));
  validateId(errors, `${path}.uid`, user.uid);
  validateId(errors, `${path}.gid`, user.gid);
  for (const [i, group] of (user.supplementalGroups ?? []).entries()) {
    validateId(errors, `${path}.supplementalGroups[${i}]`, group);
  }
}

const HEALTH = ["Healthy", "Unhealthy", "Unknown"];

function validateAllocated(errors: Errors, path: string, status: corev1.ContainerStatus, spec: corev1.PodSpec): void {
  const container = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].find((c) => c.name === status.name);
  if (path.startsWith("status.ephemeral") && (status.allocatedResourcesStatus?.length ?? 0) > 0) {
    return void errors.push(forbiddenField(path, "must not be specified in container status"));
  }
  for (const [i, { name, resources }] of (status.allocatedResourcesStatus ?? []).entries()) {
    const at = `${path}[${i}]`;
    const claims = (container?.resources?.claims ?? []).map(
      (c) => `claim:${c.name}${c.request ? `/${c.request}` : ""}`,
    );
    const isClaim = name.startsWith("claim:");
    const found = isClaim ? claims.includes(name) : container?.resources?.requests?.[name] !== undefined;
    const words = isClaim
      ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
      : "must match one of the container's resource requests";
    if (container && !found) errors.push(invalidValue(`${at}.name`, name, words));
    const seen = new Set<string>();
    for (const [j, resource] of (resources ?? []).entries()) {
      requireOneOf(errors, `${at}.resources[${j}].health`, resource.health, HEALTH);
      if (seen.has(resource.resourceID))
        errors.push(duplicate(`${at}.resources[${j}].resourceID`, resource.resourceID));
      seen.add(resource.resourceID);
    }
  }
}
