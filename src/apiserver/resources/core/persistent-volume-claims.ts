import type { corev1 } from "../../../api/index.ts";
import {
  deepClone,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  notSupported,
  Quantity,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { describeDiff } from "../common/diff.ts";
import { type Errors, IMMUTABLE, invalidEach } from "../common/errors.ts";
import { hasInvalidSelectorValue } from "../common/labels.ts";
import { compareAmounts, isNativeResource, validateResourceAmount } from "../common/quantities.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { validateClaimSpec } from "../volumes/claim-spec.ts";
import { claimSpecWarnings } from "../volumes/warnings.ts";

type Claim = corev1.PersistentVolumeClaim;
type Spec = corev1.PersistentVolumeClaimSpec;
const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";

/** Claims to persistent volumes. */
export function persistentVolumeClaims(env: KindEnv): Kind<Claim> {
  return {
    prepareForCreate: (claim) => prepareDataSources(claim.spec, undefined, env),
    prepareForUpdate: (claim, old) => prepareDataSources(claim.spec, old.spec, env),
    validate({ spec }, old) {
      const errors: Errors = [];
      validateClaimSpec(errors, "spec", spec, {
        allowInvalidSelectorValues: hasInvalidSelectorValue(old?.spec.selector),
        allowInvalidApiGroup: (old?.spec.dataSource?.apiGroup ?? old?.spec.dataSourceRef?.apiGroup) !== undefined,
      });
      return errors;
    },
    validateChange: validateClaimChange,
    warnings: ({ metadata, spec }) => [
      ...(metadata.annotations?.[BETA_CLASS] === undefined
        ? []
        : [`metadata.annotations[${BETA_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
      ...claimSpecWarnings("spec", spec),
    ],
    subresources: { status: { validate: validateStatus } },
  };
}

/** `dataSource` and `dataSourceRef` are two names of one thing, as far as the older one can say it. */
function prepareDataSources(spec: Spec, old: Spec | undefined, env: KindEnv): void {
  if (!env.gates.CrossNamespaceVolumeDataSource && spec.dataSourceRef?.namespace && !old?.dataSourceRef) {
    delete spec.dataSourceRef;
  }
  if (!old?.dataSource && !old?.dataSourceRef && !spec.dataSourceRef && spec.dataSource) {
    const { apiGroup = "", kind } = spec.dataSource;
    const known =
      (kind === "PersistentVolumeClaim" && apiGroup === "") ||
      (kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io");
    if (!known) delete spec.dataSource;
  }
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { namespace: _, ...ref } = spec.dataSourceRef;
    spec.dataSource = ref;
  }
}

function validateClaimChange(claim: Claim, old: Claim): Errors {
  const errors: Errors = [];
  const [next, before] = [deepClone(claim.spec), deepClone(old.spec)];
  const bound = claim.status?.phase === "Bound";
  if (!before.volumeName && next.volumeName !== undefined) before.volumeName = next.volumeName;
  adoptClass(errors, claim, old, next);
  if (bound) {
    const size = before.resources?.requests?.["storage"];
    if (next.resources?.requests && size !== undefined) next.resources.requests["storage"] = size;
    if (before.volumeAttributesClassName === undefined) delete next.volumeAttributesClassName;
    else next.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (!semanticEqual(next, before)) {
    const what =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(forbiddenField("spec", `${what}\n${describeDiff(before, next)}`));
  }
  const size = (o: Claim): string => o.spec.resources?.requests?.["storage"] ?? "0";
  const has = old.status?.capacity?.["storage"] ?? "0";
  if (compareAmounts(size(claim), size(old)) < 0 && compareAmounts(size(claim), has) <= 0) {
    const words = "field can not be less than status.capacity";
    errors.push(forbiddenField("spec.resources.requests.storage", words));
  }
  if (claim.spec.volumeMode !== old.spec.volumeMode) {
    errors.push(invalidValue("volumeMode", claim.spec.volumeMode ?? null, IMMUTABLE));
  }
  const { volumeAttributesClassName: className } = claim.spec;
  if (className !== old.spec.volumeAttributesClassName && old.status?.currentVolumeAttributesClassName !== undefined) {
    if (!className) {
      const to = className === undefined ? "nil" : "empty string";
      const words = `update to ${to} is forbidden when status.currentVolumeAttributesClassName is not nil`;
      errors.push(forbiddenField("spec.volumeAttributesClassName", words));
    }
  }
  return errors;
}

/** The class may move from the old annotation into the field, and be set where there was none. */
function adoptClass(errors: Errors, claim: Claim, old: Claim, next: Spec): void {
  const [oldNote, newNote] = [old.metadata.annotations?.[BETA_CLASS], claim.metadata.annotations?.[BETA_CLASS]];
  const [oldName, newName] = [old.spec.storageClassName, claim.spec.storageClassName];
  if (oldNote !== undefined && oldName === undefined && newName === oldNote && (newNote ?? oldNote) === oldNote) {
    delete next.storageClassName;
    return;
  }
  if ((newNote ?? "") !== (oldNote ?? "")) {
    errors.push(invalidValue(`metadata.annotations.${BETA_CLASS}`, newNote ?? "", IMMUTABLE));
  }
  if (newName !== undefined && oldName === undefined && (oldNote === undefined || oldNote === newName)) {
    delete next.storageClassName;
  }
}

const RESIZE = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
].toSorted();

function validateStatus({ metadata, spec, status }: Claim): Errors {
  const errors: Errors = [];
  if (!metadata.resourceVersion) errors.push(required("resourceVersion"));
  if ((spec.accessModes?.length ?? 0) === 0) errors.push(required("Spec.accessModes"));
  const amounts = (path: string, list: Readonly<Record<string, string>> | undefined, named: boolean): void => {
    for (const [name, text] of Object.entries(list ?? {})) {
      if (named && !validateKey(errors, path, name)) continue;
      const amount = Quantity.parse(text);
      if (amount.value() < 0) {
        errors.push(invalidValue(`${path}[${name}]`, amount.value(), "must be a valid resource quantity"));
      } else if (named) validateResourceAmount(errors, `${path}[${name}]`, "storage", text);
    }
  };
  amounts("status.capacity", status.capacity, false);
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    validateKey(errors, "status.allocatedResourceStatuses", name);
    if (!RESIZE.includes(state)) errors.push(notSupported("status.allocatedResourceStatuses", name, RESIZE));
  }
  amounts("status.allocatedResources", status.allocatedResources, true);
  return errors;
}

function validateKey(errors: Errors, path: string, name: string): boolean {
  const before = errors.length;
  invalidEach(errors, path, name, isQualifiedName(name));
  if (errors.length === before && isNativeResource(name) && name !== "storage") {
    errors.push(notSupported(path, name, ["storage"]));
  }
  return errors.length === before;
}
