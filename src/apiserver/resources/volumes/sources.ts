import type { corev1 } from "../../../api/index.ts";
import {
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isInRange,
  nameIsDnsLabel,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalFormat, requireFormat } from "../common/errors.ts";
import { validateDescendingPath, validateNoBacksteps } from "../pods/paths.ts";

/** `persistent`: it stands in a PersistentVolume, whose secrets are in a namespace that must be named. */
type Check<T> = (errors: Errors, path: string, source: T, persistent?: boolean) => void;
type VolumeKind = Exclude<keyof corev1.Volume, "name">;
type PvKind = keyof corev1.PersistentVolumeSpec;

/** The kinds of volume that pods and persistent volumes share, or nearly: what of each must hold. */
export type SharedKind = Extract<VolumeKind, PvKind>;
type Shared<K extends SharedKind> = NonNullable<corev1.Volume[K]> | NonNullable<corev1.PersistentVolumeSpec[K]>;

/** Complains about each of these fields that is empty. */
export function requireFields<T>(errors: Errors, path: string, source: T, fields: readonly (keyof T & string)[]): void {
  for (const field of fields) {
    const value: unknown = source[field];
    if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) {
      errors.push(required(`${path}.${field}`));
    }
  }
}

function fields<T>(...names: (keyof T & string)[]): Check<T> {
  return (errors, path, source) => requireFields(errors, path, source, names);
}

function partition(errors: Errors, path: string, value: number | undefined): void {
  if ((value ?? 0) < 0 || (value ?? 0) > 255) {
    errors.push(invalidValue(`${path}.partition`, value, "must be between 1 and 255, inclusive"));
  }
}

/** `secretRef`: its name, and its namespace where the kind has one (persistent volumes). */
function secretRef(errors: Errors, path: string, ref: object | undefined, namespaced: boolean): void {
  if (!ref) return;
  const { name, namespace } = ref as Partial<corev1.SecretReference>;
  if (!name) errors.push(required(`${path}.secretRef.name`));
  if (namespaced && !namespace) errors.push(required(`${path}.secretRef.namespace`));
}

const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

const hostPath: Check<corev1.HostPathVolumeSource> = (errors, path, source) => {
  if (!source.path) return void errors.push(required(`${path}.path`));
  validateNoBacksteps(errors, `${path}.path`, source.path);
  if (source.type !== undefined && !HOST_PATH_TYPES.includes(source.type)) {
    errors.push(notSupported(`${path}.type`, source.type, HOST_PATH_TYPES));
  }
};

const IQN = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/;
const FORMATS: readonly (readonly [prefix: string, format: RegExp])[] = [
  ["iqn", IQN],
  ["eui", /^eui.[A-Za-z0-9]{16}$/],
  ["naa", /^naa.[A-Za-z0-9]{32}$/],
];

function iscsiName(name: string, unknown: string): string | undefined {
  const format = FORMATS.find(([prefix]) => name.startsWith(prefix));
  if (!format) return unknown;
  return format[1].test(name) ? undefined : "must be valid format";
}

/** An iSCSI volume; `pvName` for a persistent one. The initiator's path joins the volume's name and the portal. */
export function validateIscsi(
  errors: Errors,
  path: string,
  source: Shared<"iscsi">,
  owner: { readonly volume: string } | { readonly pv: string },
): void {
  const unknown = "must be valid format starting with iqn, eui, or naa";
  const tooLongWords =
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
  const persistent = "pv" in owner;
  const name = persistent ? owner.pv : owner.volume;
  if (!source.targetPortal) errors.push(required(`${path}.targetPortal`));
  if (persistent && source.initiatorName !== undefined && `${name}:${source.targetPortal}`.length > 64) {
    errors.push(invalidValue(`${path}.targetportal`, source.targetPortal, tooLongWords));
  }
  if (!source.iqn) errors.push(required(`${path}.iqn`));
  else {
    const problem = iscsiName(source.iqn, persistent ? "must be valid format" : unknown);
    if (problem) errors.push(invalidValue(`${path}.iqn`, source.iqn, problem));
  }
  invalidEach(errors, `${path}.lun`, source.lun, isInRange(source.lun ?? 0, 0, 255));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) {
    errors.push(required(`${path}.secretRef`));
  }
  if (persistent) secretRef(errors, path, source.secretRef, false);
  if (source.initiatorName !== undefined) {
    const problem = iscsiName(source.initiatorName, unknown);
    if (problem) errors.push(invalidValue(`${path}.initiatorname`, source.initiatorName, problem));
  }
  if (!persistent && source.initiatorName !== undefined && `${name}:${source.targetPortal}`.length > 64) {
    errors.push(invalidValue(path.replace(/\.iscsi$/, ".name"), name, tooLongWords));
  }
}

const fc: Check<corev1.FCVolumeSource> = (errors, path, source) => {
  const [targets, ids] = [source.targetWWNs?.length ?? 0, source.wwids?.length ?? 0];
  if (targets === 0 && ids === 0) {
    errors.push(required(`${path}.targetWWNs`, "must specify either targetWWNs or wwids, but not both"));
  }
  if (targets > 0 && ids > 0) {
    const words = "targetWWNs and wwids can not be specified simultaneously";
    errors.push(invalidValue(`${path}.targetWWNs`, source.targetWWNs, words));
  }
  if (targets === 0) return;
  if (source.lun === undefined) errors.push(required(`${path}.lun`, "lun is required if targetWWNs is specified"));
  else invalidEach(errors, `${path}.lun`, source.lun, isInRange(source.lun, 0, 255));
};

const nfs: Check<corev1.NFSVolumeSource> = (errors, path, source) => {
  requireFields(errors, path, source, ["server", "path"]);
  if (!source.path?.startsWith("/")) {
    errors.push(invalidValue(`${path}.path`, source.path ?? "", "must be an absolute path"));
  }
};

const quobyte: Check<corev1.QuobyteVolumeSource> = (errors, path, source) => {
  const words = "must be a host:port pair or multiple pairs separated by commas";
  if (!source.registry) errors.push(required(`${path}.registry`, words));
  else if ((source.tenant ?? "").length >= 65) {
    errors.push(required(`${path}.tenant`, "must be a UUID and may not exceed a length of 64 characters"));
  } else {
    for (const pair of source.registry.split(",")) {
      const good = pair.startsWith("[") ? /^\[[^[\]]*\]:[^:]*$/.test(pair) : /^[^:]*:[^:]*$/.test(pair);
      if (!good) errors.push(invalidValue(`${path}.registry`, source.registry, words));
    }
  }
  requireFields(errors, path, source, ["volume"]);
};

const glusterfs: Check<Shared<"glusterfs">> = (errors, path, source) => {
  requireFields(errors, path, source, ["endpoints", "path"]);
  const namespace = "endpointsNamespace" in source ? source.endpointsNamespace : undefined;
  if (namespace === undefined) return;
  const at = `${path}.endpointsNamespace`;
  const words = "if the endpointnamespace is set, it must be a valid namespace name";
  invalidEach(errors, at, namespace, namespace === "" ? [words] : nameIsDnsLabel(namespace, false));
};

const flocker: Check<corev1.FlockerVolumeSource> = (errors, path, source) => {
  if (!source.datasetName && !source.datasetUUID) {
    errors.push(required(path, "one of datasetName and datasetUUID is required"));
  }
  if (source.datasetName && source.datasetUUID) {
    const words = "datasetName and datasetUUID can not be specified simultaneously";
    errors.push(invalidValue(path, "resource", words));
  }
  if (source.datasetName?.includes("/")) {
    errors.push(invalidValue(`${path}.datasetName`, source.datasetName, "must not contain '/'"));
  }
};

const flexVolume: Check<Shared<"flexVolume">> = (errors, path, source) => {
  requireFields(errors, path, source, ["driver"]);
  for (const key of Object.keys(source.options ?? {})) {
    const domain = `.${key.split("/", 2).length === 2 ? key.slice(0, key.indexOf("/")) : key}`.toLowerCase();
    if (domain.endsWith(".kubernetes.io") || domain.endsWith(".k8s.io")) {
      const words = "kubernetes.io and k8s.io namespaces are reserved";
      errors.push(invalidValue(`${path}.options[${key}]`, key, words));
    }
  }
};

const azureFile: Check<Shared<"azureFile">> = (errors, path, source) => {
  requireFields(errors, path, source, ["secretName", "shareName"]);
  if ("secretNamespace" in source && source.secretNamespace === "") errors.push(required(`${path}.secretNamespace`));
};

const MANAGED_DISK = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_DISK = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

const azureDisk: Check<corev1.AzureDiskVolumeSource> = (errors, path, source) => {
  requireFields(errors, path, source, ["diskName", "diskURI"]);
  const { cachingMode, kind, diskURI } = source;
  const modes = ["None", "ReadOnly", "ReadWrite"];
  if (cachingMode !== undefined && !modes.includes(cachingMode)) {
    errors.push(notSupported(`${path}.cachingMode`, cachingMode, modes));
  }
  if (kind === undefined) return;
  const kinds = ["Dedicated", "Managed", "Shared"];
  if (!kinds.includes(kind)) errors.push(notSupported(`${path}.kind`, kind, kinds));
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/")) {
    errors.push(notSupported(`${path}.diskURI`, diskURI, [MANAGED_DISK]));
  } else if (kind !== "Managed" && !diskURI.startsWith("https://")) {
    errors.push(notSupported(`${path}.diskURI`, diskURI, [BLOB_DISK]));
  }
};

/** Checks of the kinds of volume that pods and persistent volumes share; iSCSI and CSI have their own functions. */
export const SHARED: { readonly [K in Exclude<SharedKind, "iscsi" | "csi">]: Check<Shared<K>> } = {
  hostPath,
  gcePersistentDisk: (errors, path, source) => {
    requireFields(errors, path, source, ["pdName"]);
    partition(errors, path, source.partition);
  },
  awsElasticBlockStore: (errors, path, source) => {
    requireFields(errors, path, source, ["volumeID"]);
    partition(errors, path, source.partition);
  },
  nfs,
  glusterfs,
  rbd: fields("monitors", "image"),
  flexVolume,
  cinder: (errors, path, source, persistent = false) => {
    requireFields(errors, path, source, ["volumeID"]);
    secretRef(errors, path, source.secretRef, persistent);
  },
  cephfs: fields("monitors"),
  flocker,
  fc,
  azureFile,
  vsphereVolume: fields("volumePath"),
  quobyte,
  azureDisk,
  photonPersistentDisk: fields("pdID"),
  portworxVolume: fields("volumeID"),
  scaleIO: fields("gateway", "system", "volumeName"),
  storageos: (errors, path, source, persistent = false) => {
    requireFormat(errors, `${path}.volumeName`, source.volumeName, isDns1123Label);
    optionalFormat(errors, `${path}.volumeNamespace`, source.volumeNamespace, isDns1123Label);
    secretRef(errors, path, source.secretRef, persistent);
  },
};

/** A clone of a git repository (deprecated). */
export const validateGitRepo: Check<corev1.GitRepoVolumeSource> = (errors, path, source) => {
  requireFields(errors, path, source, ["repository"]);
  validateDescendingPath(errors, `${path}.directory`, source.directory ?? "");
};

/** The name of a CSI driver. */
export function validateCsiDriverName(errors: Errors, path: string, name: string | undefined): void {
  if (!name) return void errors.push(required(path));
  if (name.length > 63) errors.push(tooLong(path, 63));
  invalidEach(errors, path, name, isDns1123Subdomain(name.toLowerCase()));
}
