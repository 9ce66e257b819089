import type { appsv1 } from "../../api/index.ts";

/** On Deployments and ReplicaSets: which rollout this is. */
export const REVISION = "deployment.kubernetes.io/revision";
/** On a ReplicaSet: the revisions it had before rollbacks made it newest again. */
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
/** On a ReplicaSet: the Deployment's replicas when it was last scaled; tells scaling from rolling. */
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
/** On a ReplicaSet: desired replicas plus surge; the base of proportional scaling. */
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

const HISTORY_LIMIT_CHARS = 2000;

/** Annotations that belong to one object and are never copied from a Deployment to its ReplicaSets. */
const OWN = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

type Annotations = Readonly<Record<string, string>>;

/** The revision of an object: 0 when it has none, NaN when it cannot be read. */
export function revisionOf(object: { readonly metadata: { readonly annotations?: Annotations } }): number {
  const text = object.metadata.annotations?.[REVISION];
  if (text === undefined) return 0;
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

/** The highest readable revision among `sets`; 0 for none. */
export function maxRevision(sets: readonly appsv1.ReplicaSet[]): number {
  return sets.reduce((max, set) => {
    const revision = revisionOf(set);
    return revision > max ? revision : max;
  }, 0);
}

/** Older revisions first; by age where revisions do not tell. */
export function byRevision(a: appsv1.ReplicaSet, b: appsv1.ReplicaSet): number {
  const [x, y] = [revisionOf(a), revisionOf(b)];
  return Number.isNaN(x) || Number.isNaN(y) || x === y ? byAge(a, b) : x - y;
}

/** Older objects first, then by name. */
export function byAge(a: appsv1.ReplicaSet, b: appsv1.ReplicaSet): number {
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/**
 * The annotations that the newest ReplicaSet should have: the Deployment's own copied over, and the revision raised to
 * `revision` unless it is higher already, the old one then being kept in the history.
 */
export function newSetAnnotations(deployment: appsv1.Deployment, current: Annotations, revision: number): Annotations {
  const out: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!OWN.has(key)) out[key] = value;
  }
  const old = current[REVISION];
  if (old !== undefined && old !== "" && !/^[+-]?[0-9]+$/.test(old)) return out;
  if (Number(old ?? 0) >= revision) return out;
  out[REVISION] = String(revision);
  if (old !== undefined) out[REVISION_HISTORY] = withHistory(current[REVISION_HISTORY] ?? "", old);
  return out;
}

/** The comma-separated history with `revision` at its end, cut at its start to the length that is allowed. */
function withHistory(history: string, revision: string): string {
  if (history === "") return revision;
  const revisions = history.split(",");
  let length = history.length + revision.length + 1;
  let start = 0;
  while (length > HISTORY_LIMIT_CHARS && start < revisions.length) length -= (revisions[start++]?.length ?? 0) + 1;
  return length <= HISTORY_LIMIT_CHARS ? [...revisions.slice(start), revision].join(",") : history;
}

/** `current` with the two annotations by which scaling is recognised. */
export function withSizes(current: Annotations, desired: number, max: number): Annotations {
  return { ...current, [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) };
}

/** A count kept in an annotation; `undefined` when absent or not a non-negative int32. */
export function countAnnotation(set: appsv1.ReplicaSet, key: string): number | undefined {
  const text = set.metadata.annotations?.[key];
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  const count = Number(text);
  return count < 2 ** 31 ? count : undefined;
}
