export {
  type ApplyList,
  type ApplyMap,
  type ApplySchema,
  applySchemaOf,
  DEDUCED,
  UNTYPED_ATOMIC,
} from "./apply/apply-schema.ts";
export { applyConfiguration, trackUpdate, type WriteContext } from "./apply/field-manager.ts";
export { FieldSet } from "./apply/field-set.ts";
export { withoutUnknown } from "./codec/duplicates.ts";
export * from "./codec/json.ts";
export * from "./codec/protobuf/envelope.ts";
export * from "./codec/yaml.ts";
export { encodeYaml } from "./codec/yaml-encode.ts";
export * from "./errors/constructors.ts";
export * from "./errors/parse-error.ts";
export * from "./errors/predicates.ts";
export { goJson, quote } from "./errors/quote.ts";
export { type Failure, failure, StatusError, statusErrorFrom } from "./errors/status-error.ts";
export * from "./field/error.ts";
export * from "./field/formats.ts";
export { FieldPath } from "./field/path.ts";
export * from "./field/text-rules.ts";
export * from "./meta/conditions.ts";
export * from "./meta/gvk.ts";
export * from "./meta/names.ts";
export * from "./meta/owners.ts";
export * from "./meta/validate-labels.ts";
export * from "./meta/validate-options.ts";
export * from "./meta/validate.ts";
export * from "./objects/clone.ts";
export * from "./objects/equal.ts";
export * from "./objects/semantic-equal.ts";
export { base64ToBytes, bytesToBase64 } from "./schema/base64.ts";
export { applyDefaults } from "./schema/defaults/apply.ts";
export type { DefaultsOptions } from "./schema/defaults/context.ts";
export { aggregateResources } from "./schema/defaults/pod-level.ts";
export { normalize } from "./schema/normalize.ts";
export * from "./schema/decode-object.ts";
export { type StructureOptions, validateStructure } from "./schema/structure.ts";
export * from "./patch/json-patch.ts";
export * from "./patch/merge-patch.ts";
export { strategicMergePatch } from "./patch/strategic.ts";
export { createStrategicPatch, createThreeWayPatch } from "./patch/strategic-diff.ts";
export type * from "./schema/model.ts";
export * from "./schema/type-table.ts";
export * from "./selectors/fields.ts";
export * from "./selectors/labels.ts";
export type { Operator, Requirement } from "./selectors/requirement.ts";
export * from "./values/time.ts";
export * from "./values/duration.ts";
export * from "./values/image.ts";
export * from "./values/int-or-string.ts";
export * from "./values/quantity.ts";
export type { QuantityFormat } from "./values/quantity-text.ts";
