import type { corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  invalidValue,
  isDns1123Subdomain,
  isQualifiedName,
  required,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

type Event = corev1.Event;

/** Events: judged by the rules of the group they are sent to. */
export function events(): Kind<Event> {
  return {
    validate(event, old, { addressed }) {
      const modern = addressed?.group === "events.k8s.io";
      const errors = validateCommon(event, modern ? "reportingController" : "reportingComponent");
      if (!modern) return errors;
      if (!old) return [...errors, ...validateSeries(event), ...validateNew(event)];
      if (!deepEqual(event.series, old.series)) errors.push(...validateSeries(event));
      return [...errors, ...validateSame(event, old)];
    },
  };
}

function validateCommon(event: Event, controllerField: string): Errors {
  const errors: Errors = [];
  const namespace = event.metadata.namespace ?? "";
  const about = event.involvedObject?.namespace ?? "";
  const timed = Boolean(event.eventTime);
  const homeless = timed ? ["default", "kube-system"] : ["", "default"];
  const wrong = about === "" ? !homeless.includes(namespace) : !timed && namespace !== about;
  if (wrong) errors.push(invalidValue("involvedObject.namespace", about, "does not match event.namespace"));
  if (timed) {
    const controller = event.reportingComponent ?? "";
    if (controller === "") errors.push(required(controllerField));
    invalidEach(errors, controllerField, controller, isQualifiedName(controller));
    for (const field of ["reportingInstance", "action", "reason"] as const) {
      const value = event[field] ?? "";
      if (value === "") errors.push(required(field));
      if (value.length > 128) errors.push(invalidValue(field, "", "can have at most 128 characters"));
    }
    if ((event.message ?? "").length > 1024) {
      errors.push(invalidValue("message", "", "can have at most 1024 characters"));
    }
  }
  invalidEach(errors, "namespace", namespace, isDns1123Subdomain(namespace));
  return errors;
}

function validateSeries({ series }: Event): Errors {
  const errors: Errors = [];
  if (!series) return errors;
  if ((series.count ?? 0) < 2) errors.push(invalidValue("series.count", "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(required("series.lastObservedTime"));
  return errors;
}

function validateNew(event: Event): Errors {
  const errors: Errors = [];
  if (!event.eventTime) errors.push(required("eventTime"));
  if (event.type !== "Normal" && event.type !== "Warning") {
    errors.push(invalidValue("type", "", `has invalid value: ${event.type ?? ""}`));
  }
  const set: readonly (readonly [string, unknown])[] = [
    ["firstTimestamp", event.firstTimestamp],
    ["lastTimestamp", event.lastTimestamp],
    ["count", event.count],
    ["source", event.source?.component ?? event.source?.host],
  ];
  for (const [field, value] of set) if (value) errors.push(invalidValue(field, "", "needs to be unset"));
  return errors;
}

const FIXED = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
  "reportingComponent",
  "reportingInstance",
] as const;

function validateSame(event: Event, old: Event): Errors {
  return FIXED.flatMap((field) =>
    validateImmutable(event[field], old[field], field === "reportingComponent" ? "reportingController" : field),
  );
}
