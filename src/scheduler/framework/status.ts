import { errorText } from "../../kit/index.ts";

/**
 * How a plugin ended, when not well. `Unschedulable` may be helped by preemption, `UnschedulableAndUnresolvable` may not;
 * `Pending` waits for somebody else without back-off; `Wait` (Permit only) holds the pod; `Skip` leaves the plugin out of the
 * cycle (PreFilter, PreScore) or leaves binding to the next plugin (Bind); `Error` is a fault, and the pod is tried again.
 */
export type StatusCode = "Error" | "Unschedulable" | "UnschedulableAndUnresolvable" | "Wait" | "Skip" | "Pending";

/** What a plugin answers when it has something to say. Success is `undefined`. Immutable. */
export interface Status {
  readonly code: StatusCode;
  /** For people, in upstream's words: events and conditions count nodes by them. */
  readonly reasons: readonly string[];
  /** Who said so; filled in by the framework. */
  readonly plugin?: string;
  /** What went wrong, of an `Error`. */
  readonly error?: unknown;
  /** Permit only: how long to wait at most, ms. */
  readonly timeout?: number;
}

/** A refusal that removing pods might lift. */
export function unschedulable(...reasons: string[]): Status {
  return { code: "Unschedulable", reasons };
}

/** A refusal that removing pods cannot lift. */
export function unresolvable(...reasons: string[]): Status {
  return { code: "UnschedulableAndUnresolvable", reasons };
}

/** A fault of a plugin or of what it asked. */
export function failed(error: unknown): Status {
  return { code: "Error", reasons: [errorText(error)], error };
}

/** This plugin has nothing to do with the pod. */
export const SKIP: Status = Object.freeze({ code: "Skip", reasons: Object.freeze([]) as readonly string[] });

/** Whether a pod was turned down, rather than met a fault. */
export function isRejected(status: Status | undefined): boolean {
  return (
    status !== undefined &&
    (status.code === "Unschedulable" || status.code === "UnschedulableAndUnresolvable" || status.code === "Pending")
  );
}

/** The reasons in one line. */
export function messageOf(status: Status | undefined): string {
  return status?.reasons.join(", ") ?? "";
}

/** The same status, said by `plugin`. */
export function saidBy(status: Status, plugin: string): Status {
  return status.plugin === undefined ? { ...status, plugin } : status;
}
