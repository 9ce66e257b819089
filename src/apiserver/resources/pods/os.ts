import type { corev1 } from "../../../api/index.ts";
import { forbiddenField, invalidValue, notSupported, required } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import type { PodRules } from "./options.ts";
import { containersWithPaths } from "./visit.ts";

/** `spec.os`, and what the other system's pods alone may say. */
export function validateOs(errors: Errors, path: string, spec: corev1.PodSpec): void {
  if (!spec.os) return;
  const { name } = spec.os;
  if (!name) errors.push(required(`${path}.os.name`));
  else if (name === "linux") validateLinux(errors, path, spec);
  else if (name === "windows") validateWindows(errors, path, spec);
  else errors.push(notSupported(`${path}.os`, name, ["linux", "windows"]));
}

function validateLinux(errors: Errors, path: string, spec: corev1.PodSpec): void {
  const words = "windows options cannot be set for a linux pod";
  if (spec.securityContext?.windowsOptions) {
    errors.push(forbiddenField(`${path}.securityContext.windowsOptions`, words));
  }
  for (const [container, at] of containersWithPaths(spec, path)) {
    if (container.securityContext?.windowsOptions) {
      errors.push(forbiddenField(`${at}.securityContext.windowsOptions`, words));
    }
  }
}

const NOT_ON_WINDOWS = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const NOT_IN_WINDOWS_CONTAINERS = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindows(errors: Errors, path: string, spec: corev1.PodSpec): void {
  const refuse = (at: string): void => void errors.push(forbiddenField(at, "cannot be set for a windows pod"));
  const context = spec.securityContext;
  for (const field of NOT_ON_WINDOWS) {
    const value = context?.[field];
    if (value !== undefined && !(field === "sysctls" && (value as unknown[]).length === 0)) {
      refuse(`${path}.securityContext.${field}`);
    }
  }
  if (spec.hostUsers !== undefined) refuse(`${path}.hostUsers`);
  if (spec.hostPID) refuse(`${path}.hostPID`);
  if (spec.hostIPC) refuse(`${path}.hostIPC`);
  if (spec.shareProcessNamespace !== undefined) refuse(`${path}.shareProcessNamespace`);
  for (const [container, at] of containersWithPaths(spec, path)) {
    for (const field of NOT_IN_WINDOWS_CONTAINERS) {
      if (container.securityContext?.[field] !== undefined) refuse(`${at}.securityContext.${field}`);
    }
  }
}

/** Windows containers that run as host processes: all of a pod's or none. */
export function validateHostProcess(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  const pod = spec.securityContext?.windowsOptions?.hostProcess;
  let [all, host] = [0, 0];
  for (const [container, at] of containersWithPaths(spec, path)) {
    all++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (pod !== undefined && own !== undefined && pod !== own) {
      const words = `pod hostProcess value must be identical if both are specified, was ${String(pod)}`;
      errors.push(invalidValue(`${at}.securityContext.windowsOptions.hostProcess`, own, words));
    }
    if (own ?? pod) host++;
  }
  if (host === 0) return;
  if (host !== all) {
    const words = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
    errors.push(invalidValue(path, "", words));
  }
  if (!spec.hostNetwork) {
    const words = "hostNetwork must be true if pod contains any hostProcess containers";
    errors.push(invalidValue(`${path}.hostNetwork`, false, words));
  }
  if (!rules.allowPrivileged) {
    errors.push(forbiddenField(path, "hostProcess containers are disallowed by cluster policy"));
  }
}
