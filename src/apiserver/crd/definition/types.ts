import type { apiextensionsv1 } from "../../../api/index.ts";
import type { JsonSchema } from "../../../machinery/structural/index.ts";

/** A CustomResourceDefinition as stored. */
export type Definition = apiextensionsv1.CustomResourceDefinition;
export type DefinitionSpec = apiextensionsv1.CustomResourceDefinitionSpec;
export type DefinitionVersion = apiextensionsv1.CustomResourceDefinitionVersion;
export type DefinitionNames = apiextensionsv1.CustomResourceDefinitionNames;
export type Condition = apiextensionsv1.CustomResourceDefinitionCondition;

/** The finalizer that keeps a definition until its objects are gone. */
export const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

/** A version's schema; undefined: it has none. */
export function schemaOf(version: Pick<DefinitionVersion, "schema">): JsonSchema | undefined {
  return version.schema?.openAPIV3Schema as JsonSchema | undefined;
}

/** All schemas of all versions. */
export function schemasOf(spec: DefinitionSpec): JsonSchema[] {
  return (spec.versions ?? []).flatMap((version) => {
    const schema = schemaOf(version);
    return schema ? [schema] : [];
  });
}

/** The status of a condition; undefined: there is none. */
export function conditionOf(definition: Definition, type: string): Condition | undefined {
  return definition.status.conditions?.find((condition) => condition.type === type);
}

/** Whether a condition holds. */
export function holds(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === "True";
}

/** Visits a schema and all below it; stops and answers true where `found` does. */
export function anySchema(schema: JsonSchema | undefined, found: (one: JsonSchema) => boolean): boolean {
  if (!schema) return false;
  if (found(schema)) return true;
  const items = schema.items as JsonSchema | JsonSchema[] | undefined;
  const below: JsonSchema[] = [
    ...(Array.isArray(items) ? items : items ? [items] : []),
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.not ? [schema.not] : []),
    ...Object.values(schema.properties ?? {}),
    ...(typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : []),
  ];
  return below.some((one) => anySchema(one, found));
}

/** Where objects of a definition lie, below `/registry/`. */
export function prefixOf({ spec }: Definition): string {
  return `${spec.group}/${spec.names.plural}`;
}
