import {
  deepEqual,
  type FieldError,
  forbiddenField,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  notSupported,
  required,
  validateImmutable,
} from "../../../machinery/index.ts";
import { validateWebhookClient } from "../../resources/registration/webhooks.ts";
import { validateApproval } from "./approval.ts";
import { validateNames } from "./names.ts";
import { validateSchema } from "./schema.ts";
import { type Definition, type DefinitionSpec, type DefinitionVersion, holds, schemaOf } from "./types.ts";
import { validateColumns, validateSelectable, validateSubresources, validateVersion } from "./version.ts";

export { KNOWN_FORMATS } from "../../../machinery/structural/index.ts";

/** What is wrong with a definition, or with a change of one, metadata aside, in upstream's words. */
export function validateDefinition(definition: Definition, old: Definition | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, metadata } = definition;
  if (!old && metadata.name !== `${spec.names.plural}.${spec.group}`) {
    errors.push(invalidValue("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  errors.push(...validateSpec(spec, old?.spec));
  if (old) errors.push(...unchanged(spec, old));
  errors.push(
    ...validateStatus(definition),
    ...validateStoredVersions(definition),
    ...validateApproval(definition, old),
  );
  if (spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.push(invalidValue("spec.preserveUnknownFields", true, detail));
  }
  return errors;
}

/** What is wrong with a definition's status. */
export function validateStatus({ status }: Definition): FieldError[] {
  return validateNames(status.acceptedNames, "status.acceptedNames");
}

function unchanged(spec: DefinitionSpec, old: Definition): FieldError[] {
  const errors: FieldError[] = [];
  if (holds(old, "Established")) {
    errors.push(...validateImmutable(spec.scope, old.spec.scope, "spec.scope"));
    errors.push(...validateImmutable(spec.names.kind, old.spec.names.kind, "spec.names.kind"));
  }
  errors.push(...validateImmutable(spec.group, old.spec.group, "spec.group"));
  errors.push(...validateImmutable(spec.names.plural, old.spec.names.plural, "spec.names.plural"));
  return errors;
}

function validateStoredVersions({ spec, status }: Definition): FieldError[] {
  const path = "status.storedVersions";
  const stored = status.storedVersions ?? [];
  if (stored.length === 0) return [invalidValue(path, stored, "must have at least one stored version")];
  const errors: FieldError[] = [];
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name))
      errors.push(invalidValue(path, stored, `must have the storage version ${name}`));
  }
  for (const [i, name] of stored.entries()) {
    if (spec.versions.some((version) => version.name === name)) continue;
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalidValue(`${path}[${i}]`, name, detail));
  }
  return errors;
}

function validateSpec(spec: DefinitionSpec, old: DefinitionSpec | undefined): FieldError[] {
  const errors: FieldError[] = [...validateGroup(spec.group)];
  const scopes = ["Cluster", "Namespaced"];
  if (!spec.scope) errors.push(required("spec.scope"));
  else if (!scopes.includes(spec.scope)) errors.push(notSupported("spec.scope", spec.scope, scopes));
  const versions = spec.versions ?? [];
  for (const [i, version] of versions.entries()) {
    if (!schemaOf(version)) errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
  }
  const unchangedSchemas = new Set(
    versions
      .filter((v) => old?.versions.some((o) => o.name === v.name && deepEqual(o.schema, v.schema)))
      .map((v) => v.name),
  );
  errors.push(...validateVersions(spec, unchangedSchemas));
  for (const name of ["plural", "singular", "kind", "listKind"] as const) {
    if (!spec.names[name]) errors.push(required(`spec.names.${name}`));
  }
  errors.push(...validateNames(spec.names, "spec.names"));
  errors.push(...validateConversion(spec));
  return errors;
}

function validateGroup(group: string): FieldError[] {
  if (!group) return [required("spec.group")];
  const wrong = isDns1123Subdomain(group);
  if (wrong.length > 0) return [invalidValue("spec.group", group, wrong.join(","))];
  return group.includes(".") ? [] : [invalidValue("spec.group", group, "should be a domain with at least one dot")];
}

/** What all versions have in common is, upstream, of the definition as a whole, and its errors say so. */
function validateVersions(spec: DefinitionSpec, unchangedSchemas: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const versions = spec.versions ?? [];
  const [first] = versions;
  const same = (part: keyof DefinitionVersion): boolean =>
    first?.[part] !== undefined && versions.every((version) => deepEqual(version[part], first[part]));
  const common = {
    schema: same("schema"),
    subresources: same("subresources"),
    columns: same("additionalPrinterColumns"),
    fields: same("selectableFields"),
  };
  for (const [i, version] of versions.entries()) {
    errors.push(...validateVersion(version, `spec.versions[${i}]`, common, unchangedSchemas.has(version.name)));
  }
  const names = versions.map((version) => version.name);
  if (new Set(names).size < names.length) {
    errors.push(invalidValue("spec.versions", versions, "must contain unique version names"));
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    errors.push(invalidValue("spec.versions", versions, "must have exactly one version marked as storage version"));
  }
  if (!first) return errors;
  const schema = schemaOf(first);
  if (common.schema && schema) {
    const status = versions.some((version) => version.subresources?.status !== undefined);
    const old = versions.every((version) => unchangedSchemas.has(version.name));
    errors.push(...validateSchema(schema, "spec.validation", status, old));
  }
  if (common.subresources) errors.push(...validateSubresources(first.subresources, "spec.subresources"));
  if (common.columns) errors.push(...validateColumns(first.additionalPrinterColumns, "spec.additionalPrinterColumns"));
  if (common.fields) errors.push(...validateSelectable(first.selectableFields, schema, "spec.selectableFields"));
  return errors;
}

const REVIEW_VERSIONS = ["v1", "v1beta1"];

function validateConversion({ conversion }: DefinitionSpec): FieldError[] {
  if (!conversion) return [];
  const errors: FieldError[] = [];
  const path = "spec.conversion";
  const { strategy, webhook } = conversion;
  if (!strategy) errors.push(required(`${path}.strategy`));
  else if (strategy !== "None" && strategy !== "Webhook") {
    errors.push(notSupported(`${path}.strategy`, strategy, ["None", "Webhook"]));
  }
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy !== "Webhook") {
    const detail = "should not be set when strategy is not set to Webhook";
    if (webhook?.clientConfig) errors.push(forbiddenField(`${path}.webhookClientConfig`, detail));
    if (versions.length > 0) errors.push(forbiddenField(`${path}.conversionReviewVersions`, detail));
    return errors;
  }
  if (!webhook?.clientConfig) {
    errors.push(required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook"));
  } else validateWebhookClient(errors, `${path}.webhookClientConfig`, webhook.clientConfig as never);
  if (versions.length === 0) return [...errors, required(`${path}.conversionReviewVersions`)];
  for (const [i, version] of versions.entries()) {
    const at = `${path}.conversionReviewVersions[${i}]`;
    if (versions.indexOf(version) < i) errors.push(invalidValue(at, version, "duplicate version"));
    else errors.push(...isDns1035Label(version).map((wrong) => invalidValue(at, version, wrong)));
  }
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    const detail = `must include at least one of ${REVIEW_VERSIONS.join(", ")}`;
    errors.push(invalidValue(`${path}.conversionReviewVersions`, versions, detail));
  }
  return errors;
}
