import { type FieldError, invalidValue, required } from "../../../machinery/index.ts";
import type { Definition } from "./types.ts";

const ANNOTATION = "api-approved.kubernetes.io";
const PATH = `metadata.annotations[${ANNOTATION}]`;

/** Whether a group is Kubernetes' own, where a definition needs its community's approval. */
export function isProtectedGroup(group: string): boolean {
  return (
    group === "k8s.io" || group.endsWith(".k8s.io") || group === "kubernetes.io" || group.endsWith(".kubernetes.io")
  );
}

/** What the annotation says: a URL of the approving change, or that there is none. */
export function approvalOf(definition: Definition): {
  state: "Missing" | "Approved" | "Bypassed" | "Invalid";
  reason: string;
} {
  const value = definition.metadata.annotations?.[ANNOTATION] ?? "";
  if (value === "") {
    const reason = `protected groups must have approval annotation "${ANNOTATION}", see https://github.com/kubernetes/enhancements/pull/1111`;
    return { state: "Missing", reason };
  }
  if (value.startsWith("unapproved")) return { state: "Bypassed", reason: `not approved: "${value}"` };
  const url = URL.parse(value);
  if (url && url.host !== "" && url.protocol !== "") return { state: "Approved", reason: `approved in ${value}` };
  const reason = `protected groups must have approval annotation "${ANNOTATION}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`;
  return { state: "Invalid", reason };
}

/** A new definition in one of Kubernetes' groups needs the annotation; an old one may go on without. */
export function validateApproval(definition: Definition, old: Definition | undefined): FieldError[] {
  if (!isProtectedGroup(definition.spec.group)) return [];
  const { state, reason } = approvalOf(definition);
  if (old && approvalOf(old).state === state) return [];
  if (state === "Missing") return [required(PATH, reason)];
  return state === "Invalid" ? [invalidValue(PATH, definition.metadata.annotations?.[ANNOTATION], reason)] : [];
}
