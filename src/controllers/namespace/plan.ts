import type { corev1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";

/** How long finalizers are taken to need, in seconds. */
const FINALIZER_ESTIMATE = 15;

/** What is left of one resource in a namespace after its deletion was asked for. */
export interface Remains {
  /** `pods.` or `deployments.apps`: plural, dot, group. */
  readonly resource: string;
  readonly count: number;
  /** How many of them wait for each finalizer. */
  readonly finalizers: Readonly<Record<string, number>>;
}

/** What one round of deletion found out. */
export interface Findings {
  /** Why the resources could not all be discovered. */
  readonly discoveryFailure?: string;
  readonly deletionFailures: readonly string[];
  readonly remains: readonly Remains[];
}

type Condition = corev1.NamespaceCondition;

const OK: readonly (readonly [type: string, reason: string, message: string])[] = [
  ["NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"],
  ["NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"],
  [
    "NamespaceDeletionContentFailure",
    "ContentDeleted",
    "All content successfully deleted, may be waiting on finalization",
  ],
  ["NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"],
  ["NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"],
];

/** The conditions of a terminating namespace, brought up to date; the same list when nothing changed. */
export function namespaceConditions(
  before: readonly Condition[] | undefined,
  findings: Findings,
  now: number,
): readonly Condition[] {
  const bad = new Map(problems(findings).map((problem) => [problem.type, problem]));
  const known = new Map((before ?? []).map((condition) => [condition.type, condition]));
  let changed = false;
  for (const [type, reason, message] of OK) {
    const old = known.get(type);
    const next = bad.get(type) ?? { type, status: "False", reason, message };
    if (old?.status === next.status && old.reason === next.reason && old.message === next.message) continue;
    const keep = old?.status === next.status ? old.lastTransitionTime : undefined;
    known.set(type, { ...next, lastTransitionTime: keep ?? formatTime(now) });
    changed = true;
  }
  return changed ? [...known.values()] : (before ?? []);
}

function problems({ discoveryFailure, deletionFailures, remains }: Findings): Condition[] {
  const out: Condition[] = [];
  const add = (type: string, reason: string, message: string): void =>
    void out.push({ type, status: "True", reason, message });
  if (discoveryFailure !== undefined) add("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", discoveryFailure);
  if (deletionFailures.length > 0) {
    const texts = deletionFailures.toSorted().join(", ");
    const message = `Failed to delete all resource types, ${deletionFailures.length} remaining: ${texts}`;
    add("NamespaceDeletionContentFailure", "ContentDeletionFailed", message);
  }
  const left = remains.filter(({ count }) => count > 0);
  if (left.length > 0) {
    const texts = left.map(({ resource, count }) => `${resource} has ${count} resource instances`);
    const message = `Some resources are remaining: ${texts.toSorted().join(", ")}`;
    add("NamespaceContentRemaining", "SomeResourcesRemain", message);
  }
  const waiting = Object.entries(finalizersOf(left));
  if (waiting.length > 0) {
    const texts = waiting.map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
    const message = `Some content in the namespace has finalizers remaining: ${texts.toSorted().join(", ")}`;
    add("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message);
  }
  return out;
}

function finalizersOf(remains: readonly Remains[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { finalizers } of remains) {
    for (const [finalizer, count] of Object.entries(finalizers)) total[finalizer] = (total[finalizer] ?? 0) + count;
  }
  return total;
}

/**
 * Seconds until what remains may be gone: the grace that pods still have, or a guess for finalizers; 0 for what should have
 * gone already.
 */
export function estimateSeconds(remains: Remains, graceLeft: number): number {
  if (remains.count === 0) return 0;
  if (graceLeft > 0) return graceLeft;
  return Object.keys(remains.finalizers).length > 0 ? FINALIZER_ESTIMATE : 0;
}

/** The longest grace among pods that still run, in seconds; 0 once a namespace has been going for that long. */
export function podGraceSeconds(pods: Iterable<corev1.Pod>, deletedAt: number, now: number): number {
  let longest = 0;
  for (const { spec, status } of pods) {
    if (status.phase === "Succeeded" || status.phase === "Failed") continue;
    longest = Math.max(longest, spec.terminationGracePeriodSeconds ?? 0);
  }
  return now - deletedAt >= longest * 1000 ? 0 : longest;
}

/** Milliseconds until the next look at a namespace that needs `seconds` more. */
export function retryDelay(seconds: number): number {
  return (Math.floor(seconds / 2) + 1) * 1000;
}
