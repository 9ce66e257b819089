import { deepEqual, formatTime } from "../../machinery/index.ts";
import { approvalOf, isProtectedGroup } from "./definition/approval.ts";
import { type Condition, conditionOf, type Definition, holds } from "./definition/types.ts";
import type { NameDecision } from "./names.ts";

/** The status that a definition is to have; the same object when it has it. `now` in ms. */
export function nextStatus(definition: Definition, decision: NameDecision, now: number): Definition["status"] {
  const changes: Omit<Condition, "lastTransitionTime">[] = [
    {
      type: "NamesAccepted",
      status: decision.accepted ? "True" : "False",
      reason: decision.reason,
      message: decision.message,
    },
  ];
  if (!holds(definition, "Established")) {
    changes.push(
      decision.accepted
        ? {
            type: "Established",
            status: "True",
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted",
          }
        : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
    );
  }
  const approval = approvalCondition(definition);
  if (approval) changes.push(approval);
  const { status } = definition;
  let conditions: readonly Condition[] = status.conditions ?? [];
  for (const change of changes) conditions = withCondition(conditions, change, now);
  const next = { ...status, conditions: conditions as Condition[], acceptedNames: decision.names };
  return deepEqual(next, status) ? status : next;
}

/** The conditions with one changed: its time stays unless its status changes. */
export function withCondition(
  conditions: readonly Condition[],
  change: Omit<Condition, "lastTransitionTime">,
  now: number,
): readonly Condition[] {
  const at = conditions.findIndex((condition) => condition.type === change.type);
  const old = conditions[at];
  const time = old?.status === change.status ? old.lastTransitionTime : formatTime(now);
  const next = { ...change, ...(time !== undefined && { lastTransitionTime: time }) } as Condition;
  return old ? conditions.with(at, { ...old, ...next }) : [...conditions, next];
}

function approvalCondition(definition: Definition): Omit<Condition, "lastTransitionTime"> | undefined {
  if (!isProtectedGroup(definition.spec.group)) return undefined;
  const { state, reason } = approvalOf(definition);
  const type = "KubernetesAPIApprovalPolicyConformant";
  if (conditionOf(definition, type)?.message === reason) return undefined;
  switch (state) {
    case "Approved":
      return { type, status: "True", reason: "ApprovedAnnotation", message: reason };
    case "Bypassed":
      return { type, status: "False", reason: "UnapprovedAnnotation", message: reason };
    case "Missing":
      return { type, status: "False", reason: "MissingAnnotation", message: reason };
    case "Invalid":
      return { type, status: "False", reason: "InvalidAnnotation", message: reason };
  }
}
