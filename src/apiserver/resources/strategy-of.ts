import type { Resource } from "../../api/index.ts";
import {
  invalidValue,
  type MetaInput,
  nameIsDnsSubdomain,
  semanticEqual,
  validateObjectMeta,
} from "../../machinery/index.ts";
import type { ApiObject, FieldError, Strategy, StrategyContext } from "../seams/index.ts";
import type { Kind, SubresourceKind } from "./kind.ts";

/** What of metadata a subresource that keeps metadata takes from the stored object. */
const KEPT_METADATA = [
  "deletionTimestamp",
  "generation",
  "selfLink",
  "labels",
  "annotations",
  "finalizers",
  "ownerReferences",
];
const ENVELOPE = new Set(["kind", "apiVersion", "metadata"]);

/**
 * Makes a kind's whole strategy from what is special about it. The registry itself compares the metadata of an update with
 * what is stored, and calls `begin` before the prepare steps.
 */
export function strategyOf<T>(resource: Resource, kind: Kind<T>): Strategy {
  const hasStatus = resource.subresources.some((s) => s.name === "status");
  const rules = { namespaced: resource.namespaced, checkName: kind.name ?? nameIsDnsSubdomain };
  const typed = (object: ApiObject): T => object as unknown as T;
  return {
    prepareForCreate(object, context) {
      if (hasStatus) object["status"] = kind.initialStatus?.(typed(object)) ?? {};
      if (kind.generation) object.metadata["generation"] = 1;
      kind.prepareForCreate?.(typed(object), context);
    },
    prepareForUpdate(object, old, context) {
      copyField(object.metadata, old.metadata, "generation");
      const sub = subresourceOf(kind, context, hasStatus);
      if (sub) {
        keepAllBut(sub.changes ?? [context.subresource], object, old);
        if (sub.keepMetadata) for (const field of KEPT_METADATA) copyField(object.metadata, old.metadata, field);
        sub.prepare?.(typed(object), typed(old), context);
      } else {
        if (hasStatus) copyField(object, old, "status");
        kind.prepareForUpdate?.(typed(object), typed(old), context);
      }
      countGeneration(kind.generation, object, old);
    },
    validate(object, context) {
      return [
        ...validateObjectMeta(object.metadata, rules),
        ...(kind.bareFinalizers ? [] : bareFinalizers(object.metadata)),
        ...(kind.validate?.(typed(object), undefined, context) ?? []),
      ];
    },
    validateUpdate(object, old, context) {
      const errors = kind.bareFinalizers ? [] : bareFinalizers(object.metadata);
      const sub = subresourceOf(kind, context, hasStatus);
      if (sub) return [...errors, ...(sub.validate?.(typed(object), typed(old), context) ?? [])];
      errors.push(...(kind.validateChange?.(typed(object), typed(old), context) ?? []));
      if (kind.updateChecksChangeOnly) return errors;
      return [...errors, ...(kind.validate?.(typed(object), typed(old), context) ?? [])];
    },
    ...(kind.warnings && {
      warningsOnCreate: (object: ApiObject) => kind.warnings?.(typed(object), undefined) ?? [],
      warningsOnUpdate: (object: ApiObject, old: ApiObject) => kind.warnings?.(typed(object), typed(old)) ?? [],
    }),
    ...(kind.gracefulDelete && {
      gracefulDelete: (object: ApiObject, requested: number | undefined) =>
        kind.gracefulDelete?.(typed(object), requested),
    }),
    ...(kind.begin && {
      begin: async (object: ApiObject, old: ApiObject | undefined, context: StrategyContext) =>
        (await kind.begin?.(typed(object), old && typed(old), context)) ?? (() => undefined),
    }),
    ...(kind.afterDelete && { afterDelete: (object: ApiObject) => kind.afterDelete?.(typed(object)) }),
  };
}

/** The rules of the subresource that a request is for; undefined: the object itself (also for `scale`, which is a view of it). */
function subresourceOf<T>(kind: Kind<T>, context: StrategyContext, hasStatus: boolean): SubresourceKind<T> | undefined {
  if (context.subresource === "") return undefined;
  return kind.subresources?.[context.subresource] ?? (context.subresource === "status" && hasStatus ? {} : undefined);
}

function copyField(to: Record<string, unknown>, from: Readonly<Record<string, unknown>>, field: string): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

function keepAllBut(changes: readonly string[], object: ApiObject, old: ApiObject): void {
  for (const field of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (!ENVELOPE.has(field) && !changes.includes(field)) copyField(object, old, field);
  }
}

function countGeneration(fields: readonly string[] | undefined, object: ApiObject, old: ApiObject): void {
  if (!fields || fields.every((field) => semanticEqual(at(object, field), at(old, field)))) return;
  object.metadata["generation"] = Number(old.metadata["generation"] ?? 0) + 1;
}

function at(object: ApiObject, field: string): unknown {
  return field.startsWith("metadata.") ? object.metadata[field.slice("metadata.".length)] : object[field];
}

const BARE_FINALIZERS = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** Built-in kinds take finalizers without a domain only when they are Kubernetes' own. */
function bareFinalizers(meta: MetaInput): FieldError[] {
  return (meta.finalizers ?? []).flatMap((name, i) =>
    name.includes("/") || BARE_FINALIZERS.has(name)
      ? []
      : [
          invalidValue(
            `metadata.finalizers[${i}]`,
            name,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ],
  );
}
