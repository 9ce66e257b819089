import type { corev1 } from "../../../api/index.ts";
import { isDns1123Label, isDns1123Subdomain, required } from "../../../machinery/index.ts";
import { type Errors, requireFormat } from "../common/errors.ts";
import { validateCsiDriverName } from "./sources.ts";

const SECRETS = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
] as const;

/** A persistent volume that a CSI driver provides. */
export function validatePersistentCsi(
  errors: Errors,
  path: string,
  source: corev1.CSIPersistentVolumeSource | undefined,
): void {
  validateCsiDriverName(errors, `${path}.driver`, source?.driver);
  if (!source?.volumeHandle) errors.push(required(`${path}.volumeHandle`));
  for (const field of SECRETS) {
    const ref = source?.[field];
    if (!ref) continue;
    requireFormat(errors, `${path}.${field}.name`, ref.name, isDns1123Subdomain);
    requireFormat(errors, `${path}.${field}.namespace`, ref.namespace, isDns1123Label);
  }
}
