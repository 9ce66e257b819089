import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  FieldPath,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  nameIsDnsSubdomain,
  Quantity,
  required,
  validateAnnotations,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireFormat, requireOneOf } from "../common/errors.ts";
import { validateLabels } from "../common/labels.ts";
import { validateClaimSpec } from "../volumes/claim-spec.ts";
import {
  requireFields,
  SHARED,
  type SharedKind,
  validateCsiDriverName,
  validateGitRepo,
  validateIscsi,
} from "../volumes/sources.ts";
import { validateDownwardFile, validateItems } from "./files.ts";
import type { VolumeMap } from "./mounts.ts";
import type { PodRules } from "./options.ts";
import { validateFileMode } from "./paths.ts";
import { validateProjected } from "./projected.ts";

/** What volumes need to know of their pod. `podName` is empty in templates and while the name is yet to be generated. */
export interface VolumeContext {
  readonly podName: string;
  readonly rules: PodRules;
}

/** A pod's volumes. Answers those that containers may mount. */
export function validateVolumes(
  errors: Errors,
  path: string,
  volumes: readonly corev1.Volume[],
  context: VolumeContext,
): VolumeMap {
  const { podName } = context;
  const made = new Set(volumes.filter((v) => v.ephemeral && podName !== "").map((v) => `${podName}-${v.name}`));
  const good = new Map<string, corev1.Volume>();
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    const before = errors.length;
    validateSource(errors, at, volume, context);
    requireFormat(errors, `${at}.name`, volume.name, isDns1123Label);
    if (good.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    if (errors.length === before) good.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) {
      const words = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(invalidValue(`${at}.persistentVolumeClaim.claimName`, claim, words));
    }
  }
  return good;
}

/** The order in which upstream looks for the one source of a volume. */
const ORDER = (
  "emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker " +
  "persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume " +
  "photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image"
).split(" ") as (keyof typeof OWN | SharedKind)[];
/** Where upstream's path is not the field's name. */
const PATHS: Readonly<Record<string, string>> = { gcePersistentDisk: "persistentDisk" };
const SECOND_PATHS: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };

function validateSource(errors: Errors, path: string, volume: corev1.Volume, context: VolumeContext): void {
  const given = ORDER.filter((kind) => volume[kind] !== undefined);
  const kind = given[0];
  if (kind === undefined) return void errors.push(required(path, "must specify a volume type"));
  const at = `${path}.${PATHS[kind] ?? kind}`;
  if (kind in OWN) OWN[kind as keyof typeof OWN](errors, at, volume, context);
  else (SHARED[kind as keyof typeof SHARED] as (e: Errors, p: string, s: unknown) => void)(errors, at, volume[kind]);
  for (const extra of given.slice(1)) {
    errors.push(forbiddenField(`${path}.${SECOND_PATHS[extra] ?? extra}`, "may not specify more than 1 volume type"));
  }
}

type OwnCheck = (errors: Errors, path: string, volume: corev1.Volume, context: VolumeContext) => void;

/** Kinds that only pods have, or that need more than the source itself. */
const OWN = {
  emptyDir: (errors, path, { emptyDir }) => {
    if (emptyDir?.sizeLimit !== undefined && Quantity.parse(emptyDir.sizeLimit).sign() < 0) {
      errors.push(forbiddenField(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
    }
  },
  gitRepo: (errors, path, { gitRepo }) => validateGitRepo(errors, path, gitRepo ?? { repository: "" }),
  iscsi: (errors, path, { iscsi, name }) => {
    if (iscsi) validateIscsi(errors, path, iscsi, { volume: name });
  },
  persistentVolumeClaim: (errors, path, { persistentVolumeClaim: claim }) =>
    requireFields(errors, path, claim ?? { claimName: "" }, ["claimName"]),
  secret: (errors, path, { secret }) => {
    if (!secret?.secretName) errors.push(required(`${path}.secretName`));
    validateFileMode(errors, `${path}.defaultMode`, secret?.defaultMode);
    validateItems(errors, `${path}.items`, secret?.items);
  },
  configMap: (errors, path, { configMap }) => {
    if (!configMap?.name) errors.push(required(`${path}.name`));
    validateFileMode(errors, `${path}.defaultMode`, configMap?.defaultMode);
    validateItems(errors, `${path}.items`, configMap?.items);
  },
  downwardAPI: (errors, path, { downwardAPI }) => {
    validateFileMode(errors, `${path}.defaultMode`, downwardAPI?.defaultMode);
    for (const file of downwardAPI?.items ?? []) validateDownwardFile(errors, path, file);
  },
  projected: (errors, path, { projected }, { rules }) => {
    if (projected) validateProjected(errors, path, projected, rules);
  },
  csi: (errors, path, { csi }) => {
    validateCsiDriverName(errors, `${path}.driver`, csi?.driver);
    const ref = csi?.nodePublishSecretRef;
    if (!ref) return;
    if (!ref.name) errors.push(required(`${path}.nodePublishSecretRef.name`));
    else invalidEach(errors, `${path}.name`, ref.name, nameIsDnsSubdomain(ref.name, false));
  },
  ephemeral: (errors, path, { ephemeral, name }, { podName }) => {
    const template = ephemeral?.volumeClaimTemplate;
    if (!template) errors.push(required(`${path}.volumeClaimTemplate`));
    else validateClaimTemplate(errors, `${path}.volumeClaimTemplate`, template);
    if (podName === "" || name === "") return;
    const claim = `${podName}-${name}`;
    const problems = nameIsDnsSubdomain(claim, false).map((m) => `PVC name "${claim}": ${m}`);
    invalidEach(errors, path.replace(/\.ephemeral$/, ".name"), name, problems);
  },
  image: (errors, path, { image }, { rules }) => {
    if (rules.isPod && !image?.reference) errors.push(required(`${path}.reference`));
    requireOneOf(errors, `${path}.pullPolicy`, image?.pullPolicy, ["Always", "IfNotPresent", "Never"]);
  },
} satisfies Readonly<Record<string, OwnCheck>>;

const TEMPLATE_METADATA = new Set(["annotations", "labels", "creationTimestamp"]);

function validateClaimTemplate(errors: Errors, path: string, template: corev1.PersistentVolumeClaimTemplate): void {
  const { metadata = {} } = template;
  errors.push(...validateAnnotations(metadata.annotations, FieldPath.root(`${path}.metadata.annotations`)));
  validateLabels(errors, `${path}.metadata.labels`, metadata.labels);
  for (const [field, value] of Object.entries(metadata)) {
    if (!TEMPLATE_METADATA.has(field) && value !== "") {
      errors.push(forbiddenField(`${path}.metadata.${field}`, "cannot be set"));
    }
  }
  validateClaimSpec(errors, `${path}.spec`, template.spec);
}
