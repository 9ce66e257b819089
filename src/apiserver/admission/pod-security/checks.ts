import type { corev1, metav1 } from "../../../api/index.ts";

/** What a check sees of a pod or of a template. */
export interface Subject {
  readonly metadata: Pick<metav1.ObjectMeta, "annotations">;
  readonly spec: corev1.PodSpec;
}

/** Why a pod breaks a rule: in short, and with the names of what breaks it. */
export interface Complaint {
  readonly reason: string;
  readonly detail: string;
}

/** One rule of a level, as it was from some minor version on. */
export type Check = (subject: Subject) => Complaint | undefined;

type Container = corev1.Container | corev1.EphemeralContainer;
export type SecurityContext = corev1.SecurityContext;

/** All containers, in the order in which complaints name them. */
export function containersOf(spec: corev1.PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}

/** `"a", "b"` */
export function joinQuoted(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(", ");
}

/** Distinct texts in order. */
export function sorted(items: Iterable<string>): string[] {
  return [...new Set(items)].toSorted();
}

/** `container "a"` or `containers "a", "b"`. */
export function named(what: string, items: readonly string[]): string {
  return `${plural(what, items.length)} ${joinQuoted(items)}`;
}

/** The word as it is for one, and with an s for any other number. */
export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

/** Who set something: the pod, and some containers. */
export function setters(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [named("container", containers)] : [])].join(" and ");
}

/** The names of the containers for whose security context `isBad` holds. */
export function badContainers(
  spec: corev1.PodSpec,
  isBad: (context: SecurityContext | undefined, container: Container) => boolean,
): string[] {
  return containersOf(spec)
    .filter((container) => isBad(container.securityContext, container))
    .map((container) => container.name);
}

/** Windows has none of what some rules are about. */
export function exceptOnWindows(check: Check): Check {
  return (subject) => (subject.spec.os?.name === "windows" ? undefined : check(subject));
}

/** In a user namespace root is not root: some rules are met by that alone. */
export function exceptInUserNamespace(check: Check): Check {
  return (subject) => (subject.spec.hostUsers === false ? undefined : check(subject));
}
