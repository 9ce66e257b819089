/** What conditions of every kind have in common. */
export interface ConditionLike {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** The condition of `type`, when there is one. */
export function findCondition<C extends ConditionLike>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * `conditions` with `next` in place of the one of its type, put last. Nothing changes when status and reason are the
 * same as before. With `keepTransition` the old lastTransitionTime stays while the status does (Deployments).
 */
export function withCondition<C extends ConditionLike>(
  conditions: readonly C[] | undefined,
  next: C,
  options: { readonly keepTransition?: boolean } = {},
): C[] {
  const before = findCondition(conditions, next.type);
  if (before !== undefined && before.status === next.status && before.reason === next.reason) {
    return [...(conditions ?? [])];
  }
  const keep = options.keepTransition === true && before?.status === next.status && before.lastTransitionTime;
  const condition = keep ? { ...next, lastTransitionTime: keep } : next;
  return [...withoutCondition(conditions, next.type), condition];
}

/** `conditions` without the one of `type`. */
export function withoutCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
