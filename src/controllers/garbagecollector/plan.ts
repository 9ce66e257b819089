import type { metav1 } from "../../api/index.ts";
import type { AnyObject } from "../../client/index.ts";
import { FOREGROUND, ORPHAN } from "./graph.ts";

/** What an owner reference turned out to point at. */
export type OwnerState = "solid" | "dangling" | "waiting";

/** What to do with an object some of whose owners may be gone. */
export type Verdict =
  | { readonly kind: "keep" }
  /** Some owners remain: the references in `drop` (by uid) are taken away. */
  | { readonly kind: "release"; readonly drop: ReadonlySet<string> }
  | {
      readonly kind: "delete";
      readonly policy: "Background" | "Foreground" | "Orphan";
      /** The object and a dependent wait for each other: its own references must stop blocking first. */
      readonly unblock: boolean;
    };

/** The facts that {@link judge} weighs. */
export interface Case {
  readonly object: AnyObject;
  readonly owners: readonly { readonly reference: metav1.OwnerReference; readonly state: OwnerState }[];
  readonly hasDependents: boolean;
  /** Whether one of its dependents waits for dependents itself. */
  readonly dependentWaits: boolean;
}

/**
 * Decides about an object by its owners: any solid one keeps it, and references to others are dropped; otherwise it goes. An
 * owner that waits in the foreground makes an object with dependents go in the foreground too, so that the deepest go first.
 */
export function judge({ object, owners, hasDependents, dependentWaits }: Case): Verdict {
  if (owners.length === 0) return { kind: "keep" };
  const others = owners.filter(({ state }) => state !== "solid");
  if (others.length < owners.length) {
    if (others.length === 0) return { kind: "keep" };
    return { kind: "release", drop: new Set(others.map(({ reference }) => reference.uid)) };
  }
  if (hasDependents && others.some(({ state }) => state === "waiting")) {
    return { kind: "delete", policy: "Foreground", unblock: dependentWaits };
  }
  const { finalizers = [] } = object.metadata;
  const policy = finalizers.includes(ORPHAN) ? "Orphan" : finalizers.includes(FOREGROUND) ? "Foreground" : "Background";
  return { kind: "delete", policy, unblock: false };
}
