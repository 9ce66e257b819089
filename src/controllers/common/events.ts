import { apiVersionOf, type metav1, type Resource } from "../../api/index.ts";
import type { EventRecorder } from "../../client/index.ts";

/** An object that an event can be about. */
export interface EventTarget {
  readonly metadata: metav1.ObjectMeta;
}

/** Tells people what a controller did. Never waits and never fails: events are for reading, not for relying on. */
export interface Events {
  normal(resource: Resource, object: EventTarget, reason: string, message: string): void;
  warning(resource: Resource, object: EventTarget, reason: string, message: string): void;
}

/** Events by a recorder; kind and version come from the resource, since cached objects may lack theirs. */
export function recordedEvents(recorder: EventRecorder): Events {
  const record =
    (type: "Normal" | "Warning") =>
    (resource: Resource, { metadata }: EventTarget, reason: string, message: string): void => {
      recorder.event({ kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }, type, reason, message);
    };
  return { normal: record("Normal"), warning: record("Warning") };
}
