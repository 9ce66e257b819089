import type { storagemigrationv1beta1 } from "../../../api/index.ts";
import {
  FieldPath,
  invalidValue,
  isConditionTrue,
  isDns1035Label,
  isDns1123Subdomain,
  required,
  validateConditions,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

type Migration = storagemigrationv1beta1.StorageVersionMigration;

/** Orders to write all objects of a resource again. */
export function storageMigrations(): Kind<Migration> {
  return {
    validate({ spec }) {
      const errors: Errors = [];
      const { resource, group } = spec.resource;
      const at = "spec.resource";
      const wrong = isDns1035Label(resource);
      if (resource === "") errors.push(required(`${at}.resource`, "resource is required to be set"));
      else if (wrong.length > 0) errors.push(invalidValue(`${at}.resource`, resource, wrong.join(",")));
      const wrongGroup = group === "" ? [] : isDns1123Subdomain(group);
      if (wrongGroup.length > 0) errors.push(invalidValue(`${at}.group`, group, wrongGroup.join(",")));
      return errors;
    },
    validateChange: ({ spec }, old) => validateImmutable(spec, old.spec, "spec"),
    subresources: { status: { keepMetadata: true, validate: validateStatus } },
  };
}

function validateStatus({ status }: Migration, { status: before }: Migration): Errors {
  const version = status.resourceVersion ?? "";
  const conditions = status.conditions ?? [];
  const at = "status.conditions";
  const errors: Errors = [];
  if (version !== "" && !/^[1-9]\d*$/.test(version)) {
    errors.push(invalidValue("status.resourceVersion", version, `resource version is not well formed: ${version}`));
  }
  errors.push(...validateConditions(conditions, FieldPath.root(at)));
  if (before.resourceVersion && before.resourceVersion !== version) {
    errors.push(invalidValue("status.resourceVersion", version, IMMUTABLE));
  }
  const is = (type: string, of = status): boolean => isConditionTrue(of.conditions ?? [], type);
  const problems: [holds: boolean, words: string][] = [
    [is("Succeeded") && is("Failed"), "Both success and failed conditions cannot be true at the same time"],
    [is("Succeeded") && is("Running"), "Running condition cannot be true when success condition is true"],
    [is("Failed") && is("Running"), "Running condition cannot be true when failed condition is true"],
    [is("Succeeded", before) && !is("Succeeded"), "Success condition cannot be set to false once it is true"],
    [is("Failed", before) && !is("Failed"), "Failed condition cannot be set to false once it is true"],
  ];
  for (const [holds, words] of problems) if (holds) errors.push(invalidValue(at, conditions, words));
  return errors;
}
