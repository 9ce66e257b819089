import type { storagev1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  nameIsDnsSubdomain,
  notSupported,
  Quantity,
  required,
  semanticEqual,
  tooLong,
  utf8Length,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE, invalidEach, NEGATIVE, nonNegative, optionalOneOf } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import { deprecatedNodeLabel } from "../common/node-labels.ts";
import { validateVolumeSpec } from "../core/persistent-volumes.ts";
import type { Kind } from "../kind.ts";
import { validateCsiDriverName } from "../volumes/sources.ts";

type Driver = storagev1.CSIDriver;
type Node = storagev1.CSINode;
type Capacity = storagev1.CSIStorageCapacity;
type Attachment = storagev1.VolumeAttachment;

/** CSI drivers. */
export function csiDrivers(): Kind<Driver> {
  return {
    prepareForUpdate(driver, old) {
      if (semanticEqual(driver.spec, old.spec)) return;
      driver.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validate: ({ spec }) => validateDriver(spec),
    validateChange: ({ spec }, old) => [
      ...validateImmutable(spec.attachRequired, old.spec.attachRequired, "spec.attachedRequired"),
      ...validateImmutable(spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, "spec.volumeLifecycleModes"),
    ],
    warnings({ spec }, old) {
      const requests = spec.tokenRequests ?? [];
      if (requests.length === 0 || spec.serviceAccountTokenInSecrets !== undefined) return [];
      if (old && semanticEqual(old.spec.tokenRequests, requests)) return [];
      return [
        "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes",
      ];
    },
  };
}

function validateDriver(spec: storagev1.CSIDriverSpec): Errors {
  const errors: Errors = [];
  if (spec.attachRequired === undefined) errors.push(required("spec.attachedRequired"));
  for (const field of ["podInfoOnMount", "storageCapacity"] as const) {
    if (spec[field] === undefined) errors.push(required(`spec.${field}`));
  }
  optionalOneOf(errors, "spec.fsGroupPolicy", spec.fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"]);
  const audiences = new Set<string>();
  for (const [i, { audience = "", expirationSeconds: seconds }] of (spec.tokenRequests ?? []).entries()) {
    const at = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) {
      errors.push(duplicate(`${at}.audience`, audience));
      continue;
    }
    audiences.add(audience);
    const say = (words: string): void => void errors.push(invalidValue(`${at}.expirationSeconds`, seconds, words));
    if (seconds !== undefined && seconds < 600) say("may not specify a duration less than 10 minutes");
    if (seconds !== undefined && seconds > 2 ** 32) say("may not specify a duration larger than 2^32 seconds");
  }
  const modes = ["Persistent", "Ephemeral"];
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.push(notSupported("spec.volumeLifecycleModes", mode, modes));
  }
  if (spec.seLinuxMount === undefined) errors.push(required("spec.seLinuxMount"));
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) {
    const words = "must be greater than or equal to 10 seconds";
    errors.push(invalidValue("spec.nodeAllocatableUpdatePeriodSeconds", period, words));
  }
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    const words = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    errors.push(invalidValue("spec.serviceAccountTokenInSecrets", spec.serviceAccountTokenInSecrets, words));
  }
  return errors;
}

/** What CSI drivers say of nodes. */
export function csiNodes(): Kind<Node> {
  return {
    validate({ spec }, old) {
      const errors: Errors = [];
      const names = new Set<string>();
      const longIds = (old?.spec.drivers ?? []).some((d) => d.nodeID.length > 192);
      for (const [i, driver] of (spec.drivers ?? []).entries()) {
        const at = `spec.drivers[${i}]`;
        validateCsiDriverName(errors, `${at}.name`, driver.name);
        const most = longIds ? 256 : 192;
        if (!driver.nodeID) errors.push(required(`${at}.nodeID`));
        else if (driver.nodeID.length > most) {
          errors.push(invalidValue(`${at}.nodeID`, driver.nodeID, `must be ${most} characters or less`));
        }
        nonNegative(errors, `${at}.allocatable.count`, driver.allocatable?.count);
        if (names.has(driver.name)) errors.push(duplicate(`${at}.name`, driver.name));
        names.add(driver.name);
        const keys = driver.topologyKeys ?? [];
        for (const [j, key] of keys.entries()) {
          if (key === "") errors.push(required(at));
          if (keys.indexOf(key) < j) errors.push(duplicate(at, key));
          invalidEach(errors, at, key, isQualifiedName(key));
        }
      }
      return errors;
    },
    validateChange({ spec }, old) {
      return (old.spec.drivers ?? []).flatMap((was) => {
        const { allocatable: _, ...before } = was;
        const is = (spec.drivers ?? []).find((d) => d.name === was.name);
        if (!is) return [];
        const { allocatable: __, ...after } = is;
        return validateImmutable(after, before, "spec.drivers");
      });
    },
  };
}

/** How much a driver can still provide, and where. */
export function csiStorageCapacities(): Kind<Capacity> {
  return {
    validate({ nodeTopology, storageClassName, capacity }) {
      const errors: Errors = [];
      validateLabelSelector(errors, "nodeTopology", nodeTopology);
      invalidEach(errors, "storageClassName", storageClassName, nameIsDnsSubdomain(storageClassName, false));
      if (capacity !== undefined && Quantity.parse(capacity).sign() < 0) {
        errors.push(invalidValue("capacity", Quantity.parse(capacity).toString(), NEGATIVE));
      }
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange(next, old) {
      const errors: Errors = [];
      for (const field of ["nodeTopology", "storageClassName"] as const) {
        if (!semanticEqual(next[field], old[field])) errors.push(invalidValue(field, next[field] ?? null, IMMUTABLE));
      }
      return errors;
    },
    warnings({ nodeTopology }, old) {
      if (!nodeTopology || (old && hasInvalidSelectorValue(old.nodeTopology))) return [];
      const expressions = (nodeTopology.matchExpressions ?? []).flatMap(({ key }, i) => {
        const message = deprecatedNodeLabel(key);
        return message === undefined ? [] : [`nodeTopology.matchExpressions[${i}].key: ${key} is ${message}`];
      });
      const labels = Object.keys(nodeTopology.matchLabels ?? {}).flatMap((key) => {
        const message = deprecatedNodeLabel(key);
        return message === undefined ? [] : [`nodeTopology.matchLabels.${key}: ${message}`];
      });
      return [...expressions, ...labels];
    },
  };
}

/** Volumes that are to be attached to nodes. */
export function volumeAttachments(): Kind<Attachment> {
  return {
    initialStatus: () => ({ attached: false }),
    validate({ spec, status }, old) {
      const errors: Errors = [];
      if (old) validateStatus(errors, status);
      validateSource(errors, spec);
      if (old) return errors;
      validateCsiDriverName(errors, "spec.attacher", spec.attacher);
      const name = spec.source.persistentVolumeName;
      if (name) invalidEach(errors, "spec.source.persistentVolumeName", name, nameIsDnsSubdomain(name, false));
      return errors;
    },
    validateChange: ({ spec }, old) => (semanticEqual(spec, old.spec) ? [] : [invalidValue("spec", spec, IMMUTABLE)]),
    subresources: {
      status: {
        keepMetadata: true,
        validate({ status }) {
          const errors: Errors = [];
          validateStatus(errors, status);
          return errors;
        },
      },
    },
  };
}

function validateSource(errors: Errors, { attacher, source, nodeName }: storagev1.VolumeAttachmentSpec): void {
  const at = "spec.source";
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  const words = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!attacher) errors.push(required("spec.attacher"));
  if (!inline && name === undefined) errors.push(required(at, words));
  else if (inline && name !== undefined) errors.push(forbiddenField(at, words));
  else if (inline) validateVolumeSpec(errors, `${at}.inlineVolumeSpec`, inline, { name: "", inline: true });
  else if (name === "") {
    errors.push(required(`${at}.persistentVolumeName`, "must specify non empty persistentVolumeName"));
  }
  invalidEach(errors, "spec.nodeName", nodeName, nameIsDnsSubdomain(nodeName, false));
}

function validateStatus(errors: Errors, status: storagev1.VolumeAttachmentStatus): void {
  const size = Object.entries(status.attachmentMetadata ?? {}).reduce(
    (n, [k, v]) => n + utf8Length(k) + utf8Length(v),
    0,
  );
  if (size > 256 * 1024) errors.push(tooLong("status.attachmentMetadata", 256 * 1024));
  for (const field of ["attachError", "detachError"] as const) {
    const error = status[field];
    if ((error?.message ?? "").length > 1024) errors.push(tooLong(`status.${field}.message`, 256 * 1024));
    if ((error?.errorCode ?? 0) < 0) {
      const words = "must be between 0 and 2147483647, inclusive";
      errors.push(invalidValue(`status.${field}.errorCode`, error?.errorCode, words));
    }
  }
}
