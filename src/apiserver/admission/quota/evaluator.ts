import type { corev1 } from "../../../api/index.ts";
import type { Amounts } from "../../resources/common/pod-resources.ts";
import type { AdmissionRequest } from "../../seams/index.ts";

/** One condition on the objects that a quota counts. */
export type ScopeSelector = corev1.ScopedResourceSelectorRequirement;

/** How objects of one resource count towards quotas. Objects are as stored, or as they would be. */
export interface Evaluator {
  /** Whether a write can change what is used. */
  handles(request: AdmissionRequest): boolean;
  /** Whether a quota that limits `name` is about these objects. */
  limits(name: string): boolean;
  /** Whether an object is within a scope; absent: it has none. */
  inScope?(selector: ScopeSelector, object: unknown): boolean;
  /** What an object does not say though a quota limits it; `limited` are the quota's names that concern it. */
  missing?(limited: readonly string[], object: unknown): string | undefined;
  /** What an object uses at `now`, milliseconds since the epoch. */
  usage(object: unknown, now: number): Amounts;
}

/** `count/deployments.apps` */
export function objectCountName({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return group === "" ? `count/${resource}` : `count/${resource}.${group}`;
}

/** The scopes of a quota, both ways of writing them. */
export function scopesOf({ spec }: corev1.ResourceQuota): ScopeSelector[] {
  const named = (spec.scopes ?? []).map((scopeName): ScopeSelector => ({ scopeName, operator: "Exists" }));
  return [...named, ...(spec.scopeSelector?.matchExpressions ?? [])];
}

/** Whether some value meets a selector; an object without values meets those that want none. */
export function selectorMeets({ operator, values = [] }: ScopeSelector, present: readonly string[]): boolean {
  if (operator === "Exists") return present.length > 0;
  if (operator === "DoesNotExist") return present.length === 0;
  if (operator === "In") return present.some((value) => values.includes(value));
  return present.length === 0 || present.some((value) => !values.includes(value));
}
