export { applySchemaOfStructural } from "./apply-schema.ts";
export { checkStructural } from "./check-schema.ts";
export { applySchemaDefaults } from "./defaults.ts";
export { coerceMetadata, validateEmbedded } from "./embedded.ts";
export { isIpv4, isIpv6, KNOWN_FORMATS } from "./formats.ts";
export { itemKeyOf, validateLists } from "./lists.ts";
export { prune } from "./prune.ts";
export { type JsonSchema, type Structural, structuralOf, type ValidationRule } from "./schema.ts";
export { characters, compileValidator, type SchemaValidator } from "./validate.ts";
