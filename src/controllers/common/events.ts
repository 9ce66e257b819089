import type { metav1, Resource } from "../../api/index.ts";

/** An object that an event can be about. */
export interface EventTarget {
  readonly metadata: metav1.ObjectMeta;
}

/** Tells people what a controller did. Never waits and never fails: events are for reading, not for relying on. */
export interface Events {
  normal(resource: Resource, object: EventTarget, reason: string, message: string): void;
  warning(resource: Resource, object: EventTarget, reason: string, message: string): void;
}
