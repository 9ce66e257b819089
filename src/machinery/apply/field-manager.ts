import { badRequest } from "../errors/constructors.ts";
import { failure } from "../errors/status-error.ts";
import { stringifyJson } from "../codec/json.ts";
import { utf8Length } from "../field/text-rules.ts";
import { gvkOf, printGvk } from "../meta/gvk.ts";
import { MAX_ANNOTATIONS_BYTES } from "../meta/validate.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { formatTime } from "../values/time.ts";
import type { ApplySchema } from "./apply-schema.ts";
import { compareValues } from "./compare.ts";
import { FieldSet } from "./field-set.ts";
import { ApplyError } from "./list-items.ts";
import {
  asksForReset,
  capUpdateManagers,
  decodeManagers,
  encodeManagers,
  managerId,
  type Managers,
} from "./managers.ts";
import { ConflictsError, ownApply, ownUpdate, type Versioned, type Versions } from "./ownership.ts";
import { toFieldSet } from "./to-field-set.ts";
import { validateConfig } from "./validate-config.ts";

/** One write, as the tracking of field owners must know it. */
export interface WriteContext {
  /** `fieldManager` of the request, else the name that begins its User-Agent. */
  readonly manager: string;
  /** The version of the request. */
  readonly apiVersion: string;
  readonly kind: string;
  /** `status`, `scale`, ...; empty for the object itself. */
  readonly subresource: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The schema of the kind in a version; undefined when it is not served. */
  schemaAt(apiVersion: string): ApplySchema | undefined;
  /** The object in another version. Needed only by kinds that have several. */
  convert?(object: JsonObject, apiVersion: string): JsonObject | undefined;
  /** The fields that this endpoint resets (`status` on the object itself, ...), by version. */
  resetFields?(apiVersion: string): FieldSet | undefined;
}

const NEVER_OWNED = FieldSet.of(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => ["f:metadata", `f:${name}`]),
);

const SELF = "current-operation";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * The object that a create, update or patch wants to store, with `metadata.managedFields` telling who owns what after it. `live` is what is
 * stored now (undefined for a create); both must be normal (see `normalize`) and are not changed. An object that
 * cannot be tracked comes back without managed fields, as upstream does, rather than failing the write.
 */
export function trackUpdate(live: JsonObject | undefined, next: JsonObject, context: WriteContext): JsonObject {
  const bare = withManagers(next, undefined);
  try {
    const managers = managersOf(live, next, context.subresource !== "");
    if (managers.size === 0 && live) return bare;
    const tracked = update(live ? withManagers(live, undefined) : emptyObject(context), bare, managers, context);
    return withManagers(bare, encodeManagers(tracked));
  } catch (error) {
    if (error instanceof ApplyError) return bare;
    throw error;
  }
}

/**
 * The live object (undefined: there is none) with a configuration applied, and its managed fields. The caller normalizes, defaults and validates
 * it as any other write. Throws a `StatusError`: 400 for a configuration of the wrong kind or with managed fields, 409 with a cause for each
 * field that another manager owns, 500 (as upstream) for one that does not follow the schema.
 */
export function applyConfiguration(
  live: JsonObject | undefined,
  config: JsonObject,
  force: boolean,
  context: WriteContext,
): JsonObject {
  checkConfig(config, context);
  const current = live ?? emptyObject(context);
  const managers = decode(current);
  const bare = withManagers(current, undefined);
  const known = managers.size === 0 && live ? beforeFirstApply(bare, context) : managers;
  const applied = applyOrOverrule(bare, config, known, force, context);
  return withManagers(syncLastApplied(applied.object, config, context), encodeManagers(applied.managers));
}

function emptyObject({ apiVersion, kind }: WriteContext): JsonObject {
  return { kind, apiVersion, metadata: {} };
}

function metadataOf(object: JsonObject): JsonObject {
  return isJsonObject(object["metadata"]) ? object["metadata"] : {};
}

function textAt(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** A copy with these managed fields. */
function withManagers(object: JsonObject, entries: unknown): JsonObject {
  const metadata = metadataOf(object);
  if (entries === undefined && !Object.hasOwn(metadata, "managedFields")) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: entries === undefined ? rest : { ...rest, managedFields: entries } };
}

/** The owners that an update starts from: those that the request sends, else the stored ones; nobody when it asks to forget them. */
function managersOf(live: JsonObject | undefined, next: JsonObject, subresource: boolean): Managers {
  const stored = (): Managers => decodeOrNobody(live && metadataOf(live)["managedFields"]);
  if (subresource) return stored();
  const sent = metadataOf(next)["managedFields"];
  if (asksForReset(sent)) return new Map();
  const managers = decodeOrNobody(sent);
  return managers.size > 0 ? managers : stored();
}

function decodeOrNobody(entries: unknown): Managers {
  try {
    return decodeManagers(Array.isArray(entries) ? entries : []);
  } catch (error) {
    if (error instanceof ApplyError) return new Map();
    throw error;
  }
}

function decode(object: JsonObject): Managers {
  const entries = metadataOf(object)["managedFields"];
  try {
    return decodeManagers(Array.isArray(entries) ? entries : []);
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    throw failure({ code: 500, message: `failed to decode managed fields: ${error.message}` }, { cause: error });
  }
}

function versionsOf(context: WriteContext): Versions {
  return {
    at(object, apiVersion): Versioned | undefined {
      const schema = context.schemaAt(apiVersion);
      const same = object["apiVersion"] === apiVersion;
      const converted = same ? object : context.convert?.(object, apiVersion);
      return schema && converted ? { object: converted, schema } : undefined;
    },
    ignored: (apiVersion) => context.resetFields?.(apiVersion),
  };
}

function stripNeverOwned(managers: Managers, id: string): void {
  const owned = managers.get(id);
  if (!owned) return;
  const set = owned.set.difference(NEVER_OWNED);
  if (set.isEmpty()) managers.delete(id);
  else managers.set(id, { apiVersion: owned.apiVersion, applied: owned.applied, time: owned.time, set });
}

function update(live: JsonObject, next: JsonObject, managers: Managers, context: WriteContext): Managers {
  const { apiVersion, subresource } = context;
  const id = managerId({ manager: context.manager || "unknown", operation: "Update", apiVersion, subresource });
  const owners = ownUpdate(live, next, apiVersion, managers, SELF, versionsOf(context));
  stripNeverOwned(owners, SELF);
  const own = owners.get(SELF);
  if (own) {
    owners.delete(SELF);
    const before = owners.get(id);
    const set = before ? own.set.union(before.set) : own.set;
    owners.set(id, { apiVersion: own.apiVersion, applied: false, set, time: formatTime(context.now) });
  }
  capUpdateManagers(owners);
  return owners;
}

/** What was there before anybody applied belongs to a manager of that name. */
function beforeFirstApply(live: JsonObject, context: WriteContext): Managers {
  try {
    return update(emptyObject(context), live, new Map(), { ...context, manager: "before-first-apply" });
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    throw failure(
      { code: 500, message: `failed to create manager for existing fields: ${error.message}` },
      { cause: error },
    );
  }
}

function checkConfig(config: JsonObject, context: WriteContext): void {
  const [apiVersion, kind] = [textAt(config, "apiVersion"), textAt(config, "kind")];
  const gvk = printGvk(gvkOf({ apiVersion, kind }));
  if (apiVersion !== context.apiVersion || kind !== context.kind) throw badRequest(`invalid object type: ${gvk}`);
  const metadata = metadataOf(config);
  if (metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const schema = context.schemaAt(apiVersion);
  const errors = schema ? validateConfig(config, schema) : [`no corresponding type for ${gvk}`];
  if (errors.length === 0) return;
  const where = `${textAt(metadata, "namespace")}/${textAt(metadata, "name")}; ${gvk}`;
  const list = errors.length === 1 ? errors[0] : ["errors:", ...errors.map((e) => `  ${e}`)].join("\n");
  throw failure({ code: 500, message: `failed to create typed patch object (${where}): ${list}` });
}

interface Applied {
  readonly object: JsonObject;
  readonly managers: Managers;
}

function applyOnce(
  live: JsonObject,
  config: JsonObject,
  managers: Managers,
  force: boolean,
  context: WriteContext,
): Applied {
  const { apiVersion, subresource } = context;
  const id = managerId({ manager: context.manager, operation: "Apply", apiVersion, subresource });
  const versions = versionsOf(context);
  const current = versions.at(live, apiVersion);
  if (!current) throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${apiVersion}`);
  try {
    const result = ownApply(current, config, apiVersion, managers, id, force, versions);
    stripNeverOwned(result.managers, id);
    const own = result.managers.get(id);
    if (own && result.object) {
      result.managers.set(id, {
        apiVersion: own.apiVersion,
        applied: true,
        set: own.set,
        time: formatTime(context.now),
      });
    }
    return { object: result.object ?? live, managers: result.managers };
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    throw failure({ code: 500, message: `failed to merge config: ${error.message}` }, { cause: error });
  }
}

/** kubectl may take over what its own client-side apply set, without being forced. */
function applyOrOverrule(
  live: JsonObject,
  config: JsonObject,
  managers: Managers,
  force: boolean,
  context: WriteContext,
): Applied {
  try {
    return applyOnce(live, config, managers, force, context);
  } catch (error) {
    if (!(error instanceof ConflictsError)) throw error;
    const allowed = context.manager === "kubectl" ? setByLastApplied(live, context) : undefined;
    const left = error.conflicts.filter(({ path }) => !allowed?.has(path));
    if (left.length > 0) throw new ConflictsError(left).toStatus();
    return applyOnce(live, config, managers, true, context);
  }
}

function lastAppliedOf(object: JsonObject): string | undefined {
  const annotations = metadataOf(object)["annotations"];
  const text = isJsonObject(annotations) ? annotations[LAST_APPLIED] : undefined;
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** The fields that client-side apply set and nobody changed since. */
function setByLastApplied(live: JsonObject, context: WriteContext): FieldSet | undefined {
  const text = lastAppliedOf(live);
  const schema = context.schemaAt(context.apiVersion);
  if (text === undefined || !schema) return undefined;
  try {
    const last = JSON.parse(text) as unknown;
    if (!isJsonObject(last) || last["apiVersion"] !== context.apiVersion) return undefined;
    const { modified, added, removed } = compareValues(last, live, schema);
    return toFieldSet(last, schema).difference(modified).difference(added).difference(removed);
  } catch (error) {
    if (error instanceof ApplyError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Keeps the annotation of client-side apply true, where there is one, so that it can be gone back to. */
function syncLastApplied(object: JsonObject, config: JsonObject, context: WriteContext): JsonObject {
  if (context.manager !== "kubectl" || lastAppliedOf(object) === undefined) return object;
  const { [LAST_APPLIED]: _, ...others } = (metadataOf(config)["annotations"] ?? {}) as JsonObject;
  const metadata = {
    ...metadataOf(config),
    ...(metadataOf(config)["annotations"] !== undefined && { annotations: others }),
  };
  const annotations: JsonObject = {
    ...(metadataOf(object)["annotations"] as JsonObject),
    [LAST_APPLIED]: `${stringifyJson({ ...config, metadata })}\n`,
  };
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + utf8Length(key) + utf8Length(value as string),
    0,
  );
  if (size > MAX_ANNOTATIONS_BYTES) delete annotations[LAST_APPLIED];
  return { ...object, metadata: { ...metadataOf(object), annotations } };
}
