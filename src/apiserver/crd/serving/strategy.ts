import {
  deepClone,
  type FieldError,
  forbidden,
  invalidValue,
  isQualifiedName,
  nameIsDnsSubdomain,
  semanticEqual,
  validateObjectMeta,
} from "../../../machinery/index.ts";
import {
  compileValidator,
  type JsonSchema,
  type SchemaValidator,
  type Structural,
  validateEmbedded,
  validateLists,
} from "../../../machinery/structural/index.ts";
import type { ApiObject, Strategy } from "../../seams/index.ts";
import type { DefinitionVersion } from "../definition/types.ts";
import { rulesOf } from "./rules.ts";

type Scale = NonNullable<NonNullable<DefinitionVersion["subresources"]>["scale"]>;

/** What the rules of custom objects follow from. */
export interface CustomRules {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly namespaced: boolean;
  readonly schema: JsonSchema | undefined;
  readonly structural: Structural;
  readonly hasStatus: boolean;
  readonly scale: Scale | undefined;
  /** The definition is going: nothing new comes into being. */
  readonly terminating: boolean;
  /** What is stored, as this version reads it; private to the caller. */
  read(stored: ApiObject): ApiObject;
}

/** The rules of a custom resource's objects in one version. */
export function customStrategy(rules: CustomRules): Strategy {
  const { structural, namespaced, hasStatus } = rules;
  const validators = new Validators(rules.schema);
  const cel = rulesOf(structural);
  return {
    async begin(object, old) {
      if (!old && rules.terminating) {
        const why = "create not allowed while custom resource definition is terminating";
        throw forbidden(rules.resource, object.metadata.name ?? "", why);
      }
      await cel?.load();
      return () => undefined;
    },
    prepareForCreate(object) {
      if (hasStatus) delete object["status"];
      object.metadata["generation"] = 1;
    },
    prepareForUpdate(object, stored, { subresource }) {
      const old = rules.read(stored);
      if (subresource === "status") return onlyStatus(object, old);
      if (hasStatus) keepStatus(object, old);
      if (!sameContent(object, old)) {
        object.metadata["generation"] = Number(old.metadata["generation"] ?? 0) + 1;
      }
    },
    validate(object, { warn }) {
      const errors = [
        ...validateObjectMeta(object.metadata, { namespaced, checkName: nameIsDnsSubdomain }),
        ...validators.whole.validate(object),
        ...scaleErrors(rules.scale, object, true),
        ...validateEmbedded(object, structural),
        ...validateLists(object, structural),
      ];
      return cel ? cel.check(object, undefined, errors, warn) : errors;
    },
    validateUpdate(object, stored, { subresource, warn }) {
      const old = rules.read(stored);
      const errors: FieldError[] = [];
      const status = subresource === "status";
      if (!status) errors.push(...validators.whole.validateUpdate(object, old));
      else if (Object.hasOwn(object, "status")) {
        errors.push(...validators.status.validateUpdate(object["status"], old["status"], "status"));
      }
      errors.push(...scaleErrors(rules.scale, object, !status), ...validateEmbedded(object, structural));
      if (structural.hasKeyedLists && validateLists(old, structural).length === 0) {
        errors.push(...validateLists(object, structural));
      }
      return cel ? cel.check(object, old, errors, warn) : errors;
    },
    warningsOnCreate: (object) => finalizerWarnings(finalizersOf(object)),
    warningsOnUpdate(object, old) {
      const before = finalizersOf(old);
      return finalizerWarnings(finalizersOf(object).filter((finalizer) => !before.includes(finalizer)));
    },
  };
}

/** Validators are compiled when first needed. */
class Validators {
  readonly #schema: JsonSchema;
  #whole: SchemaValidator | undefined;
  #status: SchemaValidator | undefined;

  constructor(schema: JsonSchema | undefined) {
    this.#schema = schema ?? {};
  }

  get whole(): SchemaValidator {
    return (this.#whole ??= compileValidator(this.#schema));
  }

  get status(): SchemaValidator {
    return (this.#status ??= compileValidator(this.#schema.properties?.["status"] ?? {}));
  }
}

function keepStatus(object: ApiObject, old: ApiObject): void {
  if (Object.hasOwn(old, "status")) object["status"] = old["status"];
  else delete object["status"];
}

/** A status update changes the status, and who manages which field; nothing else. */
function onlyStatus(object: ApiObject, old: ApiObject): void {
  const { status, metadata } = object;
  const { managedFields } = metadata;
  const kept = deepClone(old);
  for (const name of Object.keys(object)) if (!Object.hasOwn(kept, name)) delete object[name];
  Object.assign(object, kept);
  if (managedFields === undefined) delete object.metadata["managedFields"];
  else object.metadata["managedFields"] = managedFields;
  if (status === undefined) delete object["status"];
  else object["status"] = status;
}

function sameContent(object: ApiObject, old: ApiObject): boolean {
  const bare = (one: ApiObject): object => ({ ...one, metadata: undefined, apiVersion: undefined });
  return semanticEqual(bare(object), bare(old));
}

const MAX_INT32 = 2_147_483_647;

function scaleErrors(scale: Scale | undefined, object: ApiObject, spec: boolean): FieldError[] {
  if (!scale) return [];
  const errors: FieldError[] = [];
  const paths = spec ? [scale.specReplicasPath, scale.statusReplicasPath] : [scale.statusReplicasPath];
  for (const path of paths) {
    const value = valueAt(object, path);
    if (value === undefined) continue;
    const wrong = (shown: unknown, detail: string): void => void errors.push(invalidValue(path, shown, detail));
    if (typeof value !== "number")
      wrong(0, `${path} accessor error: ${JSON.stringify(value)} is of the wrong type, expected int64`);
    else if (value < 0) wrong(value, "should be a non-negative integer");
    else if (value > MAX_INT32) wrong(value, `should be less than or equal to ${MAX_INT32}`);
  }
  const selector = scale.labelSelectorPath && valueAt(object, scale.labelSelectorPath);
  if (selector !== undefined && typeof selector !== "string") {
    const detail = `${scale.labelSelectorPath} accessor error: ${JSON.stringify(selector)} is of the wrong type, expected string`;
    errors.push(invalidValue(scale.labelSelectorPath ?? "", "", detail));
  }
  return errors;
}

/** The value at a path such as `.spec.replicas`. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const name of pathNames(path)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** `.spec.replicas` → its names. */
export function pathNames(path: string): string[] {
  return path.replace(/^\./, "").split(".");
}

function finalizersOf(object: ApiObject): readonly string[] {
  return (object.metadata["finalizers"] as readonly string[] | undefined) ?? [];
}

const STANDARD = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

function finalizerWarnings(finalizers: readonly string[]): string[] {
  return [...new Set(finalizers)].toSorted().flatMap((name) => {
    const at = `metadata.finalizers: ${JSON.stringify(name)}: `;
    const warnings = isQualifiedName(name).map((wrong) => at + wrong);
    if (name.includes("/") || STANDARD.has(name)) return warnings;
    const path = name.includes(".") ? " including a path (/)" : "";
    warnings.push(
      `${at}prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    );
    return warnings;
  });
}
