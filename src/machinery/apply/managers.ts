import type { metav1 } from "../../api/index.ts";
import { isJsonObject } from "../objects/fields.ts";
import { plainTimeMs, tryParseTime } from "../values/time.ts";
import type { ApplySchema } from "./apply-schema.ts";
import { FieldSet } from "./field-set.ts";
import { ApplyError } from "./list-items.ts";
import { reconcileSet } from "./reconcile.ts";

type Entry = metav1.ManagedFieldsEntry;

/** What one manager owns. */
export interface Owned {
  readonly set: FieldSet;
  readonly apiVersion: string;
  /** By Apply, not by Update. */
  readonly applied: boolean;
  /** When it last changed something; absent when it never did. */
  readonly time?: string | undefined;
}

/** What a stored entry says: its set is read, and made to fit the schema, only when somebody asks for it. */
export class StoredOwned implements Owned {
  readonly entry: Entry;
  readonly apiVersion: string;
  readonly applied: boolean;
  readonly time: string | undefined;
  #schema: ApplySchema | undefined;
  #set: FieldSet | undefined;

  constructor(entry: Entry) {
    this.entry = entry;
    this.apiVersion = entry.apiVersion ?? "";
    this.applied = entry.operation === "Apply";
    this.time = entry.time;
  }

  /** Tells of the schema that the set must fit. */
  fit(schema: ApplySchema): void {
    this.#schema = schema;
  }

  get set(): FieldSet {
    if (!this.#set) {
      const written = FieldSet.fromFields(this.entry.fieldsV1);
      this.#set = this.#schema ? reconcileSet(written, this.#schema) : written;
    }
    return this.#set;
  }

  /** Whether a change may take something from this owner. Looks only at the changed paths. */
  mayLose(change: FieldSet): boolean {
    return meets(this.entry.fieldsV1, change);
  }
}

function meets(fields: unknown, change: FieldSet): boolean {
  if (!isJsonObject(fields)) return false;
  for (const element of change.members) if (Object.hasOwn(fields, element)) return true;
  for (const [element, below] of change.children) {
    if (Object.hasOwn(fields, element) && (isBare(fields[element]) || meets(fields[element], below))) return true;
  }
  return false;
}

/** A path that ends here: the owner of an atomic value, which is changed by what changes in it. */
function isBare(fields: unknown): boolean {
  return isJsonObject(fields) && Object.keys(fields).length === 0;
}

/** Owners by {@link managerId}. */
export type Managers = Map<string, Owned>;

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
    managers.set(managerId(entry), new StoredOwned(entry));
  }
  return managers;
}

/** Writes `metadata.managedFields`, in upstream's order; undefined when nobody owns anything. */
export function encodeManagers(managers: Managers): Entry[] | undefined {
  const entries = [...managers].map(([id, owned]): Entry => {
    if (owned instanceof StoredOwned) return owned.entry;
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
  return Math.floor((plainTimeMs(entry.time ?? "") ?? tryParseTime(entry.time) ?? 0) / 1000);
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
    const { applied, time } = owned;
    managers.set(bucket, { apiVersion, applied, time, set: owned.set.union(merged?.set ?? new FieldSet()) });
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
