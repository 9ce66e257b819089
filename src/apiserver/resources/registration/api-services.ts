import type { apiregistrationv1 } from "../../../api/index.ts";
import {
  formatTime,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isValidPortNumber,
  nameIsPathSegment,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

const STATUSES = ["True", "False", "Unknown"];

/** Groups and versions that are served here or by another server. */
export function apiServices(): Kind<apiregistrationv1.APIService> {
  return {
    // What is wrong with the name depends on the spec: see validate.
    name: nameIsPathSegment,
    prepareForCreate(object, { now }) {
      if (object.spec.service) return;
      const condition = {
        type: "Available",
        status: "True",
        reason: "Local",
        message: "Local APIServices are always available",
        lastTransitionTime: formatTime(now),
      } as const;
      object.status.conditions = [condition];
    },
    validate: validateService,
    subresources: {
      status: {
        keepMetadata: true,
        validate: ({ status }) =>
          (status.conditions ?? []).flatMap((condition, i) =>
            STATUSES.includes(condition.status)
              ? []
              : [notSupported(`status.conditions[${i}].status`, condition.status, STATUSES)],
          ),
      },
    },
  };
}

function validateService({ metadata, spec }: apiregistrationv1.APIService): Errors {
  const errors: Errors = [];
  const { group = "", version = "", service, caBundle = "", insecureSkipTLSVerify: insecure = false } = spec;
  const name = `${version}.${group}`;
  if (metadata.name !== name && nameIsPathSegment(metadata.name, false).length === 0) {
    const words = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`;
    errors.push(invalidValue("metadata.name", metadata.name, words));
  }
  if (group === "" && version !== "v1") {
    errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  }
  if (group !== "") invalidEach(errors, "spec.group", group, isDns1123Subdomain(group));
  invalidEach(errors, "spec.version", version, isDns1035Label(version));
  rank(errors, "spec.groupPriorityMinimum", spec.groupPriorityMinimum, 20_000);
  rank(errors, "spec.versionPriority", spec.versionPriority, 1000);
  if (!service) {
    if (caBundle !== "") {
      const size = `${Buffer.from(caBundle, "base64").length} bytes`;
      errors.push(invalidValue("spec.caBundle", size, "local APIServices may not have a caBundle"));
    }
    if (insecure) {
      const words = "local APIServices may not have insecureSkipTLSVerify";
      errors.push(invalidValue("spec.insecureSkipTLSVerify", insecure, words));
    }
    return errors;
  }
  if (!service.namespace) errors.push(required("spec.service.namespace"));
  if (!service.name) errors.push(required("spec.service.name"));
  const port = service.port ?? 443;
  const problems = isValidPortNumber(port);
  if (problems.length > 0) {
    errors.push(invalidValue("spec.service.port", port, `port is not valid: ${problems.join(", ")}`));
  }
  if (insecure && caBundle !== "") {
    errors.push(invalidValue("spec.insecureSkipTLSVerify", insecure, "may not be true if caBundle is present"));
  }
  return errors;
}

function rank(errors: Errors, path: string, value: number, most: number): void {
  if (value <= 0 || value > most) errors.push(invalidValue(path, value, `must be positive and less than ${most}`));
}
