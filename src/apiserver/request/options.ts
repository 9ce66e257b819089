import {
  badRequest,
  type FieldError,
  type FieldSelector,
  fieldSelectorOf,
  forbiddenField,
  invalid,
  notSupported,
  parseFieldSelector,
  parseLabelSelector,
  ParseError,
  type Selector,
} from "../../machinery/index.ts";
import type { Query } from "./query.ts";

/** ListOptions of a list, watch or deletecollection, read and checked. */
export interface ListOptions {
  readonly labels: Selector;
  /** With field names as the store has them. */
  readonly fields: FieldSelector;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly match: "" | "Exact" | "NotOlderThan";
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

/**
 * Reads the options of a list, or of a watch. `fields` maps what a field selector may name to what it means.
 * Throws 400 for what can't be read and 422 for what contradicts itself.
 */
export function listOptions(query: Query, watch: boolean, fields: ReadonlyMap<string, string>): ListOptions {
  const match = query.get("resourceVersionMatch");
  const sendInitialEvents = query.has("sendInitialEvents") ? query.flag("sendInitialEvents") : undefined;
  const errors = watch ? watchErrors(query, match, sendInitialEvents) : listErrors(query, match, sendInitialEvents);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  return {
    labels: readSelector(query.get("labelSelector"), "labelSelector", parseLabelSelector),
    fields: storedFields(readSelector(query.get("fieldSelector"), "fieldSelector", parseFieldSelector), fields),
    limit: integer(query, "limit") ?? 0,
    continue: query.get("continue"),
    resourceVersion: query.get("resourceVersion"),
    match: match === "Exact" || match === "NotOlderThan" ? match : "",
    allowWatchBookmarks: query.flag("allowWatchBookmarks"),
    sendInitialEvents,
    timeoutSeconds: integer(query, "timeoutSeconds"),
  };
}

function listErrors(query: Query, match: string, sendInitialEvents: boolean | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (field: string, detail: string): void => void errors.push(forbiddenField(field, detail));
  const revision = query.get("resourceVersion");
  if (match !== "") {
    const field = "resourceVersionMatch";
    if (revision === "") forbid(field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (query.get("continue") !== "") forbid(field, "resourceVersionMatch is forbidden when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(notSupported(field, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && revision === "0") {
      forbid(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (sendInitialEvents !== undefined) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
  return errors;
}

function watchErrors(query: Query, match: string, sendInitialEvents: boolean | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  const forbid = (detail: string): void => void errors.push(forbiddenField(field, detail));
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match !== "") {
    if (sendInitialEvents === undefined) {
      forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if (match !== "NotOlderThan") errors.push(notSupported(field, match, ["NotOlderThan"]));
    if (query.get("continue") !== "") forbid("resourceVersionMatch is forbidden when continue is provided");
  }
  return errors;
}

function readSelector<T>(text: string, name: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw badRequest(`unable to parse ${name} ${JSON.stringify(text)}: ${error.message}`);
  }
}

function storedFields(selector: FieldSelector, fields: ReadonlyMap<string, string>): FieldSelector {
  if (selector.empty) return selector;
  return fieldSelectorOf(
    selector.requirements.map((requirement) => {
      const field = fields.get(requirement.field);
      if (field === undefined) throw badRequest(`field label not supported: ${requirement.field}`);
      return { ...requirement, field };
    }),
  );
}

/** An integer parameter; throws 400 when it is none. */
export function integer(query: Query, name: string): number | undefined {
  const text = query.get(name);
  if (text === "") return undefined;
  if (!/^-?[0-9]+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
