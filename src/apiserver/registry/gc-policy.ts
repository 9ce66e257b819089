import type { Resource } from "../../api/index.ts";
import type { ApiObject } from "../seams/index.ts";

/** The garbage collector deletes the dependents first, then the object. */
export const FOREGROUND = "foregroundDeletion";
/** The garbage collector takes the dependents' owner references away, then deletes the object. */
export const ORPHAN = "orphan";

/** v1 of these has kept its old default; all other kinds delete their dependents in the background. */
const ORPHANED_BY_DEFAULT = new Set(["replicationcontrollers", "jobs"]);

export interface PropagationRequest {
  readonly propagationPolicy?: string | undefined;
  /** The older way to say it: true is Orphan, false is Background. */
  readonly orphanDependents?: boolean | undefined;
}

/**
 * The finalizers that the object has once its deletion was asked for: an explicit policy goes before finalizers that are
 * there already, and those before the kind's default.
 */
export function gcFinalizers(resource: Resource, object: ApiObject, request: PropagationRequest): readonly string[] {
  const present = (object.metadata["finalizers"] as readonly string[] | undefined) ?? [];
  const wanted = wantedFinalizer(resource, present, request);
  const others = present.filter((f) => f !== FOREGROUND && f !== ORPHAN);
  const next = wanted === undefined ? others : [...others, wanted];
  const same = next.length === present.length && next.every((f) => present.includes(f));
  return same ? present : next;
}

function wantedFinalizer(
  resource: Resource,
  present: readonly string[],
  request: PropagationRequest,
): typeof FOREGROUND | typeof ORPHAN | undefined {
  if (resource.gc?.includes("Unsupported")) return undefined;
  if (request.orphanDependents !== undefined) return request.orphanDependents ? ORPHAN : undefined;
  if (request.propagationPolicy !== undefined) {
    if (request.propagationPolicy === "Orphan") return ORPHAN;
    return request.propagationPolicy === "Foreground" ? FOREGROUND : undefined;
  }
  for (const finalizer of present) if (finalizer === ORPHAN || finalizer === FOREGROUND) return finalizer;
  return ORPHANED_BY_DEFAULT.has(resource.resource) ? ORPHAN : undefined;
}
