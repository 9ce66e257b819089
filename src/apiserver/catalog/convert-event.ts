import type { ApiObject } from "../seams/index.ts";
import type { ObjectModel } from "./kind.ts";

/** events.k8s.io/v1 → v1: the same facts under older names. */
const NAMES: Readonly<Record<string, string>> = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};
const BACK = Object.fromEntries(Object.entries(NAMES).map(([newer, older]) => [older, newer]));

export const eventConversion: NonNullable<ObjectModel["convert"]> = {
  toHub: (event) => renameFields(event, NAMES),
  fromHub: (event) => renameFields(event, BACK),
};

function renameFields(object: ApiObject, names: Readonly<Record<string, string>>): ApiObject {
  const moved: Record<string, unknown> = {};
  for (const [from, to] of Object.entries(names)) {
    if (object[from] !== undefined) moved[to] = object[from];
    delete object[from];
  }
  return Object.assign(object, moved);
}
