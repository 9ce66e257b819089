import type { corev1 } from "../../../api/index.ts";
import {
  forbiddenField,
  formatTime,
  invalidValue,
  isValidLabelValue,
  nameIsDnsSubdomain,
  notSupported,
  Quantity,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { describeDiff } from "../common/diff.ts";
import { type Errors, IMMUTABLE, invalidEach, optionalFormat, optionalOneOf } from "../common/errors.ts";
import { validatePositiveAmount } from "../common/quantities.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { validateNodeSelector } from "../pods/affinity.ts";
import { validateNoBacksteps } from "../pods/paths.ts";
import { validateAccessModes } from "../volumes/claim-spec.ts";
import { validatePersistentCsi } from "../volumes/csi.ts";
import { SHARED, validateIscsi } from "../volumes/sources.ts";
import { deprecatedNodeLabel } from "../common/node-labels.ts";

type Volume = corev1.PersistentVolume;
type Spec = corev1.PersistentVolumeSpec;

/** Persistent volumes. */
export function persistentVolumes(env: KindEnv): Kind<Volume> {
  return {
    prepareForCreate(volume, { now }) {
      volume.status = { phase: "Pending", lastPhaseTransitionTime: formatTime(now) };
    },
    validate(volume, old) {
      const errors: Errors = [];
      validateVolumeSpec(errors, "spec", volume.spec ?? {}, { name: volume.metadata.name, old: old?.spec });
      return errors;
    },
    validateChange(volume, old) {
      const errors: Errors = [];
      validateChange(errors, volume.spec, old.spec, env);
      return errors;
    },
    warnings: volumeWarnings,
    subresources: {
      status: {
        prepare({ status }, old, { now }) {
          const before = old.status;
          if (before.phase === status.phase) {
            if (status.lastPhaseTransitionTime === undefined && before.lastPhaseTransitionTime !== undefined) {
              status.lastPhaseTransitionTime = before.lastPhaseTransitionTime;
            }
          } else if (
            (status.lastPhaseTransitionTime ?? before.lastPhaseTransitionTime) === before.lastPhaseTransitionTime
          ) {
            status.lastPhaseTransitionTime = formatTime(now);
          }
        },
        validate: ({ metadata }) => (metadata.resourceVersion ? [] : [required("resourceVersion")]),
      },
    },
  };
}

/** The order in which upstream looks for the one source of a volume. */
const SOURCES = (
  "hostPath gcePersistentDisk awsElasticBlockStore glusterfs flocker nfs rbd quobyte cephfs iscsi cinder fc flexVolume " +
  "azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk scaleIO local storageos csi"
).split(" ") as (keyof typeof SHARED | "iscsi" | "local" | "csi")[];
const PATHS: Readonly<Record<string, string>> = { gcePersistentDisk: "persistentDisk" };
const SECOND_PATHS: Readonly<Record<string, string>> = { cephfs: "cephFS" };

/** A volume's spec: in a PersistentVolume, or (`inline`) in a VolumeAttachment. */
export function validateVolumeSpec(
  errors: Errors,
  path: string,
  spec: Spec,
  options: { readonly name: string; readonly old?: Spec | undefined; readonly inline?: boolean },
): void {
  const { inline = false } = options;
  const refuse = (field: string, words = "may not be specified in the context of inline volumes"): void =>
    void errors.push(forbiddenField(`${path}.${field}`, words));
  if (inline) {
    if (spec.claimRef) refuse("claimRef");
    if (Object.keys(spec.capacity ?? {}).length > 0) refuse("capacity");
    if (!spec.csi) errors.push(required(`${path}.csi`, "has to be specified in the context of inline volumes"));
  }
  if ((spec.accessModes?.length ?? 0) === 0) errors.push(required(`${path}.accessModes`));
  validateAccessModes(errors, `${path}.accessModes`, spec.accessModes ?? []);
  if (!inline) validateCapacity(errors, `${path}.capacity`, spec.capacity ?? {});
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && inline) {
    if (policy !== "Retain")
      refuse("persistentVolumeReclaimPolicy", "may only be Retain in the context of inline volumes");
  } else if (policy) {
    optionalOneOf(errors, `${path}.persistentVolumeReclaimPolicy`, policy, ["Delete", "Recycle", "Retain"]);
  }
  if (spec.nodeAffinity && inline) refuse("nodeAffinity");
  else if (spec.nodeAffinity) validateNodeAffinity(errors, `${path}.nodeAffinity`, spec.nodeAffinity, options.old);
  validateSource(errors, path, spec, options.name);
  const { hostPath, storageClassName, volumeMode, volumeAttributesClassName } = spec;
  if (hostPath && /^\/+$/.test(hostPath.path) && policy === "Recycle") {
    refuse("persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
  }
  const className = (name: string): string[] => nameIsDnsSubdomain(name, false);
  if (storageClassName && inline) refuse("storageClassName");
  else optionalFormat(errors, `${path}.storageClassName`, storageClassName, className);
  if (!inline) optionalOneOf(errors, `${path}.volumeMode`, volumeMode, ["Block", "Filesystem"]);
  else if (volumeMode !== undefined && volumeMode !== "Filesystem") {
    refuse("volumeMode", "may not specify volumeMode other than Filesystem in the context of inline volumes");
  }
  if (volumeAttributesClassName === undefined) return;
  const at = `${path}.volumeAttributesClassName`;
  if (volumeAttributesClassName === "") errors.push(required(at, "an empty string is disallowed"));
  else invalidEach(errors, at, volumeAttributesClassName, className(volumeAttributesClassName));
  if (!spec.csi) errors.push(required(`${path}.csi`, "has to be specified when using volumeAttributesClassName"));
}

function validateCapacity(errors: Errors, path: string, capacity: Readonly<Record<string, string>>): void {
  const names = Object.keys(capacity);
  if (names.length === 0) errors.push(required(path));
  if (capacity["storage"] === undefined || names.length > 1) errors.push(notSupported(path, capacity, ["storage"]));
  for (const name of names) {
    const amount = Quantity.parse(capacity[name] ?? "0");
    if (amount.value() < 0) {
      errors.push(invalidValue(`${path}[${name}]`, amount.value(), "must be a valid resource quantity"));
    }
    validatePositiveAmount(errors, `${path}[${name}]`, capacity[name] ?? "0");
  }
}

function validateNodeAffinity(
  errors: Errors,
  path: string,
  affinity: corev1.VolumeNodeAffinity,
  old: Spec | undefined,
): void {
  if (!affinity.required) {
    return void errors.push(required(`${path}.required`, "must specify required node constraints"));
  }
  const wasInvalid = (old?.nodeAffinity?.required?.nodeSelectorTerms ?? []).some((t) =>
    (t.matchExpressions ?? []).some((e) => (e.values ?? []).some((v) => isValidLabelValue(v).length > 0)),
  );
  validateNodeSelector(errors, `${path}.required`, affinity.required, wasInvalid);
}

function validateSource(errors: Errors, path: string, spec: Spec, name: string): void {
  const given = SOURCES.filter((kind) => spec[kind] !== undefined);
  const kind = given[0];
  if (kind === undefined) return void errors.push(required(path, "must specify a volume type"));
  const at = `${path}.${PATHS[kind] ?? kind}`;
  if (kind === "iscsi") {
    if (spec.iscsi) validateIscsi(errors, at, spec.iscsi, { pv: name });
  } else if (kind === "csi") validatePersistentCsi(errors, at, spec.csi);
  else if (kind === "local") {
    if (!spec.local?.path) errors.push(required(`${at}.path`));
    else validateNoBacksteps(errors, `${at}.path`, spec.local.path);
    if (!spec.nodeAffinity) errors.push(required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  } else
    (SHARED[kind] as (e: Errors, p: string, s: unknown, persistent: boolean) => void)(errors, at, spec[kind], true);
  for (const extra of given.slice(1)) {
    const words = "may not specify more than 1 volume type";
    errors.push(forbiddenField(`${path}.${SECOND_PATHS[extra] ?? extra}`, words));
  }
}

function sourceOf(spec: Spec, old: Spec): Record<string, unknown> {
  const source: Record<string, unknown> = {};
  for (const kind of SOURCES) if (spec[kind] !== undefined) source[kind] = spec[kind];
  // A secret for expansion may be added later.
  if (spec.csi?.controllerExpandSecretRef && old.csi && !old.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...csi } = spec.csi;
    source["csi"] = csi;
  }
  return source;
}

function validateChange(errors: Errors, spec: Spec, old: Spec, env: KindEnv): void {
  const [source, before] = [sourceOf(spec, old), sourceOf(old, old)];
  if (!semanticEqual(source, before)) {
    const words = `spec.persistentvolumesource is immutable after creation\n${describeDiff(before, source)}`;
    errors.push(forbiddenField("spec.persistentvolumesource", words));
  }
  if (spec.volumeMode !== old.volumeMode) errors.push(invalidValue("volumeMode", spec.volumeMode ?? null, IMMUTABLE));
  if (!env.gates.MutablePVNodeAffinity && old.nodeAffinity) {
    const renamed = JSON.parse(JSON.stringify(old.nodeAffinity), betaToGa) as unknown;
    const next = JSON.parse(JSON.stringify(spec.nodeAffinity ?? null), betaToGa) as unknown;
    if (!semanticEqual(next, renamed) || revertsToBeta(spec.nodeAffinity, old.nodeAffinity)) {
      const words = `${IMMUTABLE}, except for updating from beta label to GA`;
      errors.push(invalidValue("nodeAffinity", spec.nodeAffinity ?? null, words));
    }
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    const words = "update from non-nil value to nil is forbidden";
    errors.push(forbiddenField("spec.volumeAttributesClassName", words));
  }
}

const BETA: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

function betaToGa(key: string, value: unknown): unknown {
  return key === "key" && typeof value === "string" ? (BETA[value] ?? value) : value;
}

function revertsToBeta(next: corev1.VolumeNodeAffinity | undefined, old: corev1.VolumeNodeAffinity): boolean {
  const keys = (a: corev1.VolumeNodeAffinity | undefined): string[] =>
    (a?.required?.nodeSelectorTerms ?? []).flatMap((t) => (t.matchExpressions ?? []).map((e) => e.key));
  const before = keys(old);
  return keys(next).some((key, i) => key in BETA && before[i] !== key);
}

const ANNOTATIONS: Readonly<Record<string, string>> = {
  "volume.beta.kubernetes.io/storage-class": 'deprecated since v1.8; use "storageClassName" attribute instead',
  "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
};
const GONE: Readonly<Record<string, string>> = {
  photonPersistentDisk: "deprecated in v1.11, non-functional in v1.16+",
  scaleIO: "deprecated in v1.16, non-functional in v1.22+",
  storageos: "deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "deprecated in v1.25, non-functional in v1.26+",
  cephfs: "deprecated in v1.28, non-functional in v1.31+",
  rbd: "deprecated in v1.28, non-functional in v1.31+",
};
const NAMES: Readonly<Record<string, string>> = { storageos: "storageOS", cephfs: "cephfs" };

function volumeWarnings({ metadata, spec }: Volume): string[] {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return [
    ...Object.entries(ANNOTATIONS)
      .filter(([key]) => metadata.annotations?.[key] !== undefined)
      .map(([key, words]) => `metadata.annotations[${key}]: ${words}`),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle"
      ? [
          "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
        ]
      : []),
    ...terms.flatMap((term, i) =>
      (term.matchExpressions ?? []).flatMap(({ key }, j) => {
        const message = deprecatedNodeLabel(key);
        const at = `spec.nodeAffinity.required.nodeSelectorTerms[${i}].matchExpressions[${j}].key`;
        return message === undefined ? [] : [`${at}: ${key} is ${message}`];
      }),
    ),
    ...Object.entries(GONE)
      .filter(([kind]) => spec[kind as keyof Spec] !== undefined)
      .map(([kind, words]) => `spec.${NAMES[kind] ?? kind}: ${words}`),
  ];
}
