import { applyConflict } from "../errors/constructors.ts";
import type { JsonObject } from "../objects/fields.ts";
import { deepEqual } from "../objects/equal.ts";
import type { ApplySchema } from "./apply-schema.ts";
import { type Comparison, compareValues, withoutFields } from "./compare.ts";
import { FieldSet } from "./field-set.ts";
import { type Managers, printManager, StoredOwned } from "./managers.ts";
import { mergeValues } from "./merge.ts";
import { printPath } from "./path-element.ts";
import { removeFields } from "./remove.ts";
import { toFieldSet } from "./to-field-set.ts";

/** An object in one version of its kind. */
export interface Versioned {
  readonly object: JsonObject;
  readonly schema: ApplySchema;
}

/** What is known of a kind's versions. */
export interface Versions {
  /** The object in another version; undefined when that version is not served any more. The same object for its own version. */
  at(object: JsonObject, apiVersion: string): Versioned | undefined;
  /** Fields that a write to this endpoint resets, which nobody comes to own by it. */
  ignored(apiVersion: string): FieldSet | undefined;
}

/** One field that another manager owns. */
interface Conflict {
  readonly manager: string;
  readonly path: readonly string[];
}

/** Server-side apply's refusal; kept apart so that the annotation of client-side apply can overrule it. */
export class ConflictsError extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super("apply conflicts");
    this.conflicts = conflicts;
  }

  /** The answer: 409 with a cause for each field. */
  toStatus(): Error {
    const causes = this.conflicts.map(({ manager, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${printManager(manager)}`,
      field: printPath(path),
    }));
    return applyConflict(causes, conflictMessage(this.conflicts));
  }
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first) {
    return `Apply failed with 1 conflict: conflict with ${printManager(first.manager)}: ${printPath(first.path)}`;
  }
  const lines: string[] = [];
  for (const manager of [...new Set(conflicts.map((c) => c.manager))].toSorted()) {
    lines.push(`conflicts with ${printManager(manager)}:`);
    for (const { path } of conflicts.filter((c) => c.manager === manager)) lines.push(`- ${printPath(path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

/** The owners after an update by `manager` (any write but apply): it owns what it added or changed, and nobody what it removed. */
export function ownUpdate(
  live: JsonObject,
  next: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  versions: Versions,
): Managers {
  const known = fitToSchema(live, managers, versions);
  const { owners, comparison } = takeOver(live, next, apiVersion, known, manager, true, versions);
  const own = owners.get(manager);
  let set = (own?.set ?? new FieldSet())
    .difference(comparison.removed)
    .union(comparison.modified)
    .union(comparison.added);
  const ignored = versions.ignored(apiVersion);
  if (ignored) set = set.recursiveDifference(ignored);
  if (set.isEmpty()) owners.delete(manager);
  else owners.set(manager, { set, apiVersion, applied: false, time: own?.time });
  return owners;
}

/**
 * The live object with a configuration applied by `manager`, and the owners after it; no object when nothing changes. Throws
 * {@link ConflictsError} when it would change what others own, unless forced.
 */
export function ownApply(
  live: Versioned,
  config: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  force: boolean,
  versions: Versions,
): { object: JsonObject | undefined; managers: Managers } {
  const owners = fitToSchema(live.object, managers, versions);
  const merged = mergeValues(live.object, config, live.schema) as JsonObject;
  const last = owners.get(manager);
  let set = toFieldSet(config, live.schema);
  const ignored = versions.ignored(apiVersion);
  if (ignored) set = set.recursiveDifference(ignored);
  owners.set(manager, { set, apiVersion, applied: true, time: last?.time });
  const pruned = last && !last.set.isEmpty() ? prune(merged, owners, apiVersion, last, versions) : merged;
  const after = takeOver(live.object, pruned, apiVersion, owners, manager, force, versions).owners;
  return { object: deepEqual(live.object, pruned) ? undefined : pruned, managers: after };
}

function fitToSchema(live: JsonObject, managers: Managers, versions: Versions): Managers {
  const out: Managers = new Map();
  for (const [id, owned] of managers) {
    const versioned = versions.at(live, owned.apiVersion);
    if (!versioned) continue;
    if (owned instanceof StoredOwned) owned.fit(versioned.schema);
    out.set(id, owned);
  }
  return out;
}

/** Compares the objects in every version that somebody owns fields in, and takes away from the others what changed. */
function takeOver(
  live: JsonObject,
  next: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  force: boolean,
  versions: Versions,
): { owners: Managers; comparison: Comparison } {
  const owners: Managers = new Map(managers);
  const comparisons = new Map<string, Comparison | undefined>();
  const comparisonAt = (version: string): Comparison | undefined => {
    if (!comparisons.has(version)) {
      const [before, after] = [versions.at(live, version), versions.at(next, version)];
      const found = before && after && compareValues(before.object, after.object, before.schema);
      comparisons.set(version, found && withoutFields(found, versions.ignored(version)));
    }
    return comparisons.get(version);
  };
  const conflicts: Conflict[] = [];
  for (const [id, owned] of managers) {
    if (id === manager) continue;
    const change = comparisonAt(owned.apiVersion);
    if (!change) {
      owners.delete(id);
      continue;
    }
    if (owned instanceof StoredOwned && !mayLose(owned, change)) continue;
    const taken = owned.set.intersection(change.modified.union(change.added));
    for (const path of taken.paths()) conflicts.push({ manager: id, path });
    const { applied, time } = owned;
    owners.set(id, {
      apiVersion: owned.apiVersion,
      applied,
      time,
      set: owned.set.difference(taken).difference(change.removed),
    });
  }
  if (!force && conflicts.length > 0) throw new ConflictsError(conflicts);
  for (const [id, owned] of owners) if (!(owned instanceof StoredOwned) && owned.set.isEmpty()) owners.delete(id);
  const nothing = { removed: new FieldSet(), modified: new FieldSet(), added: new FieldSet() };
  return { owners, comparison: comparisonAt(apiVersion) ?? nothing };
}

function mayLose(owned: StoredOwned, change: Comparison): boolean {
  return owned.mayLose(change.modified) || owned.mayLose(change.added) || owned.mayLose(change.removed);
}

/** Removes what the manager applied before and does not apply now, unless somebody else owns it too. */
function prune(
  merged: JsonObject,
  owners: Managers,
  apiVersion: string,
  last: { readonly set: FieldSet; readonly apiVersion: string },
  versions: Versions,
): JsonObject {
  const whole = versions.at(merged, last.apiVersion);
  if (!whole) return merged;
  const { schema } = whole;
  const lastSet = last.set.withNamedFields(schema);
  let pruned = removeFields(whole.object, lastSet, schema) as JsonObject;
  pruned = addBackOwned(whole, pruned, owners, last.apiVersion, versions);
  const prunedSet = toFieldSet(pruned, schema).withNamedFields(schema);
  const wholeSet = toFieldSet(whole.object, schema).withNamedFields(schema);
  const dropped = wholeSet.difference(prunedSet).intersection(lastSet);
  const result = removeFields(whole.object, dropped, schema) as JsonObject;
  return versions.at(result, apiVersion)?.object ?? result;
}

/** Brings back what pruning removed and anybody owns, in each owner's version; in the pruned version first. */
function addBackOwned(
  whole: Versioned,
  pruned: JsonObject,
  owners: Managers,
  version: string,
  versions: Versions,
): JsonObject {
  const byVersion = new Map<string, FieldSet>([[version, new FieldSet()]]);
  for (const { apiVersion, set } of owners.values()) {
    byVersion.set(apiVersion, (byVersion.get(apiVersion) ?? new FieldSet()).union(set));
  }
  let result = pruned;
  for (const [apiVersion, owned] of byVersion) {
    const [full, cut] = [versions.at(whole.object, apiVersion), versions.at(result, apiVersion)];
    if (!full || !cut) continue;
    const { schema } = full;
    const fullSet = toFieldSet(full.object, schema).withNamedFields(schema);
    const keep = toFieldSet(cut.object, schema).withNamedFields(schema).union(owned.withNamedFields(schema));
    const back = removeFields(full.object, fullSet.difference(keep), schema) as JsonObject;
    result = versions.at(back, version)?.object ?? back;
  }
  return result;
}
