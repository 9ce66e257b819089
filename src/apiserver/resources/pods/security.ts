import type { corev1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  isInRange,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalOneOf } from "../common/errors.ts";
import type { PodRules } from "./options.ts";
import { validateDescendingPath } from "./paths.ts";
import { validateSysctls } from "./sysctls.ts";

const MAX_ID = 2 ** 31 - 1;
const PROFILE_TYPES = ["Localhost", "RuntimeDefault", "Unconfined"];

/** A user or group id. */
export function validateId(errors: Errors, path: string, id: number | undefined): void {
  if (id !== undefined) invalidEach(errors, path, id, isInRange(id, 0, MAX_ID));
}

/** What holds for all of a pod's containers. */
export function validatePodSecurity(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  const context = spec.securityContext;
  if (!context) return;
  validateId(errors, `${path}.fsGroup`, context.fsGroup);
  validateId(errors, `${path}.runAsUser`, context.runAsUser);
  validateId(errors, `${path}.runAsGroup`, context.runAsGroup);
  for (const [i, group] of (context.supplementalGroups ?? []).entries()) {
    validateId(errors, `${path}.supplementalGroups[${i}]`, group);
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    const words = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(invalidValue(`${path}.shareProcessNamespace`, true, words));
  }
  validateSysctls(errors, `${path}.sysctls`, spec, rules);
  optionalOneOf(errors, `${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]);
  validateSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile);
  validateWindowsOptions(errors, `${path}.windowsOptions`, context.windowsOptions);
  validateAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile);
  optionalOneOf(errors, `${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ["Merge", "Strict"]);
  optionalOneOf(errors, `${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ["MountOption", "Recursive"]);
}

/** What holds for one container. */
export function validateContainerSecurity(
  errors: Errors,
  path: string,
  context: corev1.SecurityContext | undefined,
  options: { readonly rules: PodRules; readonly hostUsers: boolean },
): void {
  if (!context) return;
  if (context.privileged && !options.rules.allowPrivileged) {
    errors.push(forbiddenField(`${path}.privileged`, "disallowed by cluster policy"));
  }
  validateId(errors, `${path}.runAsUser`, context.runAsUser);
  validateId(errors, `${path}.runAsGroup`, context.runAsGroup);
  optionalOneOf(errors, `${path}.procMount`, context.procMount, ["Default", "Unmasked"]);
  if (options.hostUsers && context.procMount === "Unmasked") {
    errors.push(invalidValue(`${path}.procMount`, "Unmasked", "`hostUsers` must be false to use `Unmasked`"));
  }
  validateSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    const but = "cannot set `allowPrivilegeEscalation` to false and";
    if (context.privileged) errors.push(invalidValue(path, context, `${but} \`privileged\` to true`));
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.push(invalidValue(path, context, `${but} \`capabilities.Add\` CAP_SYS_ADMIN`));
    }
  }
  validateWindowsOptions(errors, `${path}.windowsOptions`, context.windowsOptions);
  validateAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile);
}

function validateSeccomp(errors: Errors, path: string, profile: corev1.SeccompProfile | undefined): void {
  if (!profile) return;
  if (!profile.type) errors.push(required(`${path}.type`, "type is required when seccompProfile is set"));
  else if (!PROFILE_TYPES.includes(profile.type))
    errors.push(notSupported(`${path}.type`, profile.type, PROFILE_TYPES));
  const at = `${path}.localhostProfile`;
  if (profile.type === "Localhost") {
    if (profile.localhostProfile === undefined) errors.push(required(at, "must be set when seccomp type is Localhost"));
    else validateDescendingPath(errors, at, profile.localhostProfile);
  } else if (profile.localhostProfile !== undefined) {
    errors.push(invalidValue(at, profile, "can only be set when seccomp type is Localhost"));
  }
}

/** An AppArmor profile. */
export function validateAppArmor(errors: Errors, path: string, profile: corev1.AppArmorProfile | undefined): void {
  if (!profile) return;
  const at = `${path}.localhostProfile`;
  const name = profile.localhostProfile;
  if (!profile.type) errors.push(required(`${path}.type`, "type is required when appArmorProfile is set"));
  else if (!PROFILE_TYPES.includes(profile.type))
    errors.push(notSupported(`${path}.type`, profile.type, PROFILE_TYPES));
  else if (profile.type !== "Localhost") {
    if (name !== undefined) errors.push(invalidValue(at, name, "can only be set when AppArmor type is Localhost"));
  } else if (name === undefined) errors.push(required(at, "must be set when AppArmor type is Localhost"));
  else {
    if (name.trim() !== name) errors.push(invalidValue(at, name, "must not be padded with whitespace"));
    else if (name === "") errors.push(required(at, "must be set when AppArmor type is Localhost"));
    if (Buffer.byteLength(name) > 4095) errors.push(tooLong(at, 4095));
  }
}

const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

function validateWindowsOptions(
  errors: Errors,
  path: string,
  options: corev1.WindowsSecurityContextOptions | undefined,
): void {
  if (!options) return;
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  if (specName !== undefined) {
    invalidEach(errors, `${path}.gmsaCredentialSpecName`, specName, isDns1123Subdomain(specName));
  }
  if (spec !== undefined) {
    const at = `${path}.gmsaCredentialSpec`;
    if (spec === "") errors.push(invalidValue(at, spec, "gmsaCredentialSpec cannot be an empty string"));
    else if (Buffer.byteLength(spec) > 64 * 1024) {
      errors.push(invalidValue(at, spec, "gmsaCredentialSpec size must be under 64 KiB"));
    }
  }
  if (user !== undefined) {
    for (const words of windowsUserProblems(user)) errors.push(invalidValue(`${path}.runAsUserName`, user, words));
  }
}

function windowsUserProblems(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const domain = parts.length === 2 ? (parts[0] ?? "") : undefined;
  const user = parts.at(-1) ?? "";
  const problems: string[] = [];
  if ((domain?.length ?? 0) >= 256) problems.push("runAsUserName's Domain length must be under 256 characters");
  if (domain !== undefined && !NETBIOS.test(domain) && !DNS.test(domain)) {
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === "") problems.push("runAsUserName's User cannot be empty");
  else if (user.length > 104) problems.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
  return problems;
}
