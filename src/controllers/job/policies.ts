import type { batchv1, corev1 } from "../../api/index.ts";
import { countCommon, countIntervals, type Intervals, parseIntervals } from "./intervals.ts";

/** What a Job's pod failure policy says of a failed pod. */
export interface FailureVerdict {
  /** Whether the failure counts against the limits. */
  readonly counts: boolean;
  readonly action?: batchv1.PodFailurePolicyRule["action"];
  /** Why the whole Job must fail. */
  readonly failJob?: string;
}

/** The first rule that matches decides; without one the failure counts. */
export function judgeFailure(policy: batchv1.PodFailurePolicy | undefined, pod: corev1.Pod): FailureVerdict {
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const matched = rule.onExitCodes === undefined ? conditionMatch(rule, pod) : exitCodeMatch(rule.onExitCodes, pod);
    if (matched === undefined) continue;
    const { action } = rule;
    if (action === "Ignore") return { counts: false, action };
    if (action !== "FailJob") return { counts: true, action };
    return { counts: true, action, failJob: `${matched} matching ${action} rule at index ${i}` };
  }
  return { counts: true };
}

function exitCodeMatch(
  { containerName, operator, values }: batchv1.PodFailurePolicyOnExitCodesRequirement,
  { metadata, status }: corev1.Pod,
): string | undefined {
  for (const container of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
    const exitCode = container.state.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (containerName !== undefined && containerName !== container.name)) continue;
    if (values.includes(exitCode) !== (operator === "In")) continue;
    return `Container ${container.name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${exitCode}`;
  }
  return undefined;
}

function conditionMatch(rule: batchv1.PodFailurePolicyRule, { metadata, status }: corev1.Pod): string | undefined {
  const patterns = rule.onPodConditions ?? [];
  const found = (status.conditions ?? []).find((condition) =>
    patterns.some(({ type, status: wanted = "True" }) => type === condition.type && wanted === condition.status),
  );
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`;
}

/** The message of the first success rule that the succeeded indexes meet. */
export function matchSuccess(
  policy: batchv1.SuccessPolicy | undefined,
  completions: number,
  succeeded: Intervals,
): string | undefined {
  if (succeeded.length === 0) return undefined;
  const met = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) {
      return succeededCount !== undefined && countIntervals(succeeded) >= succeededCount;
    }
    const required = parseIntervals(succeededIndexes, completions);
    if (required.length === 0) return false;
    const common = countCommon(required, succeeded);
    return common === countIntervals(required) || (succeededCount !== undefined && common >= succeededCount);
  });
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}
