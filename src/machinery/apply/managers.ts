import type { metav1 } from "../../api/index.ts";
import { tryParseTime } from "../values/time.ts";
import { FieldSet } from "./field-set.ts";
import { ApplyError } from "./list-items.ts";

/** What one manager owns. */
export interface Owned {
  readonly set: FieldSet;
  readonly apiVersion: string;
  /** By Apply, not by Update. */
  readonly applied: boolean;
  /** When it last changed something; absent when it never did. */
  readonly time?: string | undefined;
}

/** Owners by {@link managerId}. */
export type Managers = Map<string, Owned>;

type Entry = metav1.ManagedFieldsEntry;

/** What tells managers apart: name, operation, subresource, and for updates the version. */
export function managerId(entry: Pick<Entry, "manager" | "operation" | "apiVersion" | "subresource">): string {
  const { manager, operation, apiVersion, subresource } = entry;
  return JSON.stringify({
    ...(manager && { manager }),
    ...(operation && { operation }),
    ...(operation !== "Apply" && apiVersion && { apiVersion }),
    ...(subresource && { subresource }),
  });
}

/** A manager as conflict messages name it: `"kubectl" using apps/v1`. */
export function printManager(id: string): string {
  const entry = JSON.parse(id) as Entry;
  const name =
    JSON.stringify(entry.manager ?? "") +
    (entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : "");
  return entry.operation === "Update" ? `${name} using ${entry.apiVersion ?? ""}` : name;
}

/** Reads `metadata.managedFields`. Throws {@link ApplyError} when an entry is malformed. */
export function decodeManagers(entries: readonly Entry[] | undefined | null): Managers {
  const managers: Managers = new Map();
  for (const [i, entry] of (entries ?? []).entries()) {
    if (entry.operation !== "Apply" && entry.operation !== "Update")
      throw new ApplyError("operation must be `Apply` or `Update`");
    if (!entry.apiVersion) throw new ApplyError("apiVersion must not be empty");
    if (!entry.fieldsType) throw new ApplyError(`missing fieldsType in managed fields entry ${i}`);
    if (entry.fieldsType !== "FieldsV1") {
      throw new ApplyError(`invalid fieldsType ${JSON.stringify(entry.fieldsType)} in managed fields entry ${i}`);
    }
    managers.set(managerId(entry), {
      set: FieldSet.fromFields(entry.fieldsV1),
      apiVersion: entry.apiVersion,
      applied: entry.operation === "Apply",
      time: entry.time,
    });
  }
  return managers;
}

/** Writes `metadata.managedFields`, in upstream's order; undefined when nobody owns anything. */
export function encodeManagers(managers: Managers): Entry[] | undefined {
  const entries = [...managers].map(([id, owned]): Entry => {
    const { manager, operation, subresource } = JSON.parse(id) as Entry;
    return {
      ...(manager && { manager }),
      operation: owned.applied ? "Apply" : (operation ?? "Update"),
      apiVersion: owned.apiVersion,
      ...(owned.time && { time: owned.time }),
      fieldsType: "FieldsV1",
      fieldsV1: owned.set.toFields(),
      ...(subresource && { subresource }),
    };
  });
  return entries.length === 0 ? undefined : entries.toSorted(compareEntries);
}

function compareEntries(a: Entry, b: Entry): number {
  return (
    compareTexts(a.operation, b.operation) ||
    secondsOf(a) - secondsOf(b) ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  );
}

function compareTexts(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function secondsOf(entry: { readonly time?: string | undefined }): number {
  return Math.floor((tryParseTime(entry.time) ?? 0) / 1000);
}

const MAX_UPDATE_MANAGERS = 10;

/** Joins the oldest updaters into one entry a version, called `ancient-changes`, until few enough are left. */
export function capUpdateManagers(managers: Managers): void {
  const updaters = [...managers].filter(([, owned]) => !owned.applied);
  let count = updaters.length;
  if (count <= MAX_UPDATE_MANAGERS) return;
  updaters.sort(([a, x], [b, y]) => secondsOf(x) - secondsOf(y) || compareTexts(a, b));
  const first = new Map<string, string>();
  for (const [id, owned] of updaters) {
    if (count <= MAX_UPDATE_MANAGERS) return;
    const { apiVersion } = owned;
    const oldest = first.get(apiVersion);
    if (oldest === undefined) {
      first.set(apiVersion, id);
      continue;
    }
    const bucket = managerId({ manager: "ancient-changes", operation: "Update", apiVersion });
    const merged = managers.get(bucket) ?? managers.get(oldest);
    if (!managers.has(bucket)) managers.delete(oldest);
    managers.delete(id);
    managers.set(bucket, { ...owned, set: owned.set.union(merged?.set ?? new FieldSet()) });
    count--;
  }
}

/** Whether the entries ask to forget all ownership: an empty list, or one empty entry. */
export function asksForReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  const [only] = entries as unknown[];
  return (
    entries.length === 0 ||
    (entries.length === 1 && typeof only === "object" && only !== null && Object.keys(only).length === 0)
  );
}
