import type { corev1 } from "../../../api/index.ts";
import { forbiddenField, invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { isDeletionCost, type PodRules } from "./options.ts";
import { validateDescendingPath } from "./paths.ts";
import { validateTolerations } from "./tolerations.ts";
import { containersOf, containersWithPaths } from "./visit.ts";

/** The kubelet's mark on pods that mirror a static one. */
export const MIRROR = "kubernetes.io/config.mirror";
const COST = "controller.kubernetes.io/pod-deletion-cost";
const TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations";
const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR = "container.apparmor.security.beta.kubernetes.io/";

type Annotations = Readonly<Record<string, string>>;

/** Annotations that once were fields-to-be, and those that still mean something. */
export function validatePodAnnotations(
  errors: Errors,
  path: string,
  annotations: Annotations | undefined,
  options: { readonly spec: corev1.PodSpec; readonly rules: PodRules },
): void {
  if (!annotations) return;
  const { spec, rules } = options;
  const mirror = annotations[MIRROR];
  if (mirror !== undefined && !spec.nodeName) {
    errors.push(invalidValue(`${path}[${MIRROR}]`, mirror, "must set spec.nodeName if mirror pod annotation is set"));
  }
  if (annotations[TOLERATIONS]) validateOldTolerations(errors, path, annotations[TOLERATIONS], rules);
  const cost = annotations[COST];
  if (cost !== undefined && !rules.allowInvalidDeletionCost && !isDeletionCost(cost)) {
    errors.push(invalidValue(`${path}[${COST}]`, cost, "must be a 32bit integer"));
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (key === SECCOMP_POD || key.startsWith(SECCOMP)) validateOldSeccomp(errors, `${path}.${key}`, value);
    if (key.startsWith(APPARMOR)) validateOldAppArmor(errors, `${path}[${key}]`, [key, value], spec);
  }
}

function validateOldTolerations(errors: Errors, path: string, text: string, rules: PodRules): void {
  try {
    const tolerations = JSON.parse(text) as corev1.Toleration[];
    validateTolerations(errors, `${path}.${TOLERATIONS}`, tolerations, rules);
  } catch (error) {
    errors.push(invalidValue(path, TOLERATIONS, (error as Error).message));
  }
}

function validateOldSeccomp(errors: Errors, path: string, value: string): void {
  if (value === "runtime/default" || value === "docker/default" || value === "unconfined") return;
  if (value.startsWith("localhost/")) validateDescendingPath(errors, path, value.slice("localhost/".length));
  else errors.push(invalidValue(path, value, "must be a valid seccomp profile"));
}

function validateOldAppArmor(errors: Errors, path: string, [key, value]: [string, string], spec: corev1.PodSpec): void {
  const container = key.slice(APPARMOR.length);
  if (!containersOf(spec).some((c) => c.name === container)) {
    errors.push(invalidValue(path, container, "container not found"));
  }
  const good = value === "" || value === "runtime/default" || value === "unconfined" || value.startsWith("localhost/");
  if (!good) errors.push(invalidValue(path, value, `invalid AppArmor profile name: "${value}"`));
}

/** What of a stored pod's annotations may not change. */
export function validateAnnotationChange(
  errors: Errors,
  path: string,
  [next, old]: [Annotations | undefined, Annotations | undefined],
): void {
  const refuse = (key: string, verb: string): void => {
    const what = key.startsWith(APPARMOR) ? "AppArmor annotations" : key === MIRROR ? "mirror pod annotation" : "";
    if (what) errors.push(forbiddenField(`${path}[${key}]`, `may not ${verb} ${what}`));
  };
  for (const key in old) if (next?.[key] !== old[key]) refuse(key, "remove or update");
  for (const key in next) if (old?.[key] === undefined) refuse(key, "add");
}

type Profile = corev1.SeccompProfile | corev1.AppArmorProfile;

/** Where an old annotation and its field both speak, they must say the same. */
export function validateProfilesAgree(
  errors: Errors,
  path: string,
  annotations: Annotations | undefined,
  spec: corev1.PodSpec,
): void {
  if (!annotations) return;
  const pod = spec.securityContext;
  const field = `${path}.securityContext.seccompProfile`;
  if (pod?.seccompProfile) agree(errors, field, annotations[SECCOMP_POD], [pod.seccompProfile, "seccomp"]);
  for (const [container, at] of containersWithPaths(spec, path)) {
    const own = container.securityContext?.seccompProfile;
    const seccompAt = `${at}.securityContext.seccompProfile`;
    if (own) agree(errors, seccompAt, annotations[SECCOMP + container.name], [own, "seccomp"]);
  }
  if (spec.os?.name === "windows") return;
  for (const [container, at] of containersWithPaths(spec, path)) {
    const profile = container.securityContext?.appArmorProfile ?? pod?.appArmorProfile;
    const appArmorAt = `${at}.securityContext.appArmorProfile`;
    if (profile) agree(errors, appArmorAt, annotations[APPARMOR + container.name], [profile, "apparmor"]);
  }
}

function agree(
  errors: Errors,
  path: string,
  annotation: string | undefined,
  [profile, what]: [Profile, "seccomp" | "apparmor"],
): void {
  if (annotation === undefined) return;
  const type = `${what} type in annotation and field must match`;
  if (profile.type === "Localhost") {
    if (!annotation.startsWith("localhost/")) errors.push(forbiddenField(`${path}.type`, type));
    else if (annotation.slice("localhost/".length) !== profile.localhostProfile) {
      errors.push(forbiddenField(`${path}.localhostProfile`, `${what} profile in annotation and field must match`));
    }
    return;
  }
  const said =
    annotation === "unconfined"
      ? "Unconfined"
      : annotation === "runtime/default" || (what === "seccomp" && annotation === "docker/default")
        ? "RuntimeDefault"
        : "";
  if (["Unconfined", "RuntimeDefault"].includes(profile.type) && said !== profile.type) {
    errors.push(forbiddenField(`${path}.type`, type));
  }
}
