import type { corev1 } from "../../../api/index.ts";
import { forbiddenField, invalidValue, isQualifiedName, notSupported, required } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { validateLabelSelector } from "../common/labels.ts";
import { isKubernetesSigner, trustBundleNameProblems, validateSignerName } from "../common/signers.ts";
import { validateDownwardFile, validateItems } from "./files.ts";
import type { PodRules } from "./options.ts";
import { validateFileMode, validateNonReservedPath } from "./paths.ts";

/** Remembers the files of a volume and complains of a second one at the same place. */
type Taken = (file: string, shown: unknown) => void;

/** A volume put together from several sources. */
export function validateProjected(
  errors: Errors,
  path: string,
  projected: corev1.ProjectedVolumeSource,
  rules: PodRules,
): void {
  validateFileMode(errors, `${path}.defaultMode`, projected.defaultMode);
  const files = new Set<string>();
  const taken: Taken = (file, shown) => {
    if (file !== "" && files.has(file)) errors.push(invalidValue(path, shown, "conflicting duplicate paths"));
    files.add(file);
  };
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`;
    for (const kind of ["secret", "configMap"] as const) {
      const keys = source[kind];
      if (!keys) continue;
      if (!keys.name) errors.push(required(`${at}.${kind}.name`));
      validateItems(errors, `${at}.${kind}.items`, keys.items);
      for (const item of keys.items ?? []) taken(item.path ?? "", keys.name ?? "");
    }
    for (const file of source.downwardAPI?.items ?? []) {
      validateDownwardFile(errors, `${at}.downwardAPI`, file);
      taken(file.path ?? "", file.path);
    }
    if (source.serviceAccountToken) validateToken(errors, [path, at], source.serviceAccountToken, rules);
    if (source.clusterTrustBundle) {
      validateTrustBundle(errors, `${at}.clusterTrustBundle`, source.clusterTrustBundle);
      taken(source.clusterTrustBundle.path, source.clusterTrustBundle.path);
    }
    if (source.podCertificate) validateCertificate(errors, `${at}.podCertificate`, source.podCertificate, taken);
    if (Object.values(source).filter((s) => s !== undefined).length > 1) {
      errors.push(forbiddenField(at, "may not specify more than 1 volume type per source"));
    }
  }
}

function validateToken(
  errors: Errors,
  [volumePath, path]: [string, string],
  token: corev1.ServiceAccountTokenProjection,
  rules: PodRules,
): void {
  const at = `${path}.serviceAccountToken.expirationSeconds`;
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < 600) errors.push(invalidValue(at, seconds, "may not specify a duration less than 10 minutes"));
  if (seconds > 2 ** 32) errors.push(invalidValue(at, seconds, "may not specify a duration larger than 2^32 seconds"));
  if (!token.path) errors.push(required(`${volumePath}.path`));
  else if (!rules.allowNonLocalTokenPath) validateNonReservedPath(errors, `${volumePath}.path`, token.path);
}

function validateTrustBundle(errors: Errors, path: string, bundle: corev1.ClusterTrustBundleProjection): void {
  const { name, signerName } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalidValue(path, bundle, "only one of name and signerName may be used"));
  } else if (name !== undefined) {
    if (name === "") errors.push(required(`${path}.name`, "must be a valid object name"));
    const colon = name.lastIndexOf(":");
    const signer = colon < 0 ? "" : name.slice(0, colon).replaceAll(":", "/");
    const problems = trustBundleNameProblems(signer, name, false).map(
      (m) => `not a valid clustertrustbundlename: ${m}`,
    );
    invalidEach(errors, `${path}.name`, name, problems);
    if (bundle.labelSelector) {
      const words = "labelSelector must be unset if name is specified";
      errors.push(invalidValue(`${path}.labelSelector`, bundle.labelSelector, words));
    }
  } else if (signerName !== undefined) {
    if (signerName === "") errors.push(required(`${path}.signerName`, "must be a valid signer name"));
    validateSignerName(errors, `${path}.signerName`, signerName);
    validateLabelSelector(errors, `${path}.labelSelector`, bundle.labelSelector);
  } else errors.push(required(path, "either name or signerName must be specified"));
  if (!bundle.path) errors.push(required(`${path}.path`));
  validateNonReservedPath(errors, `${path}.path`, bundle.path ?? "");
}

const KEY_TYPES = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const DAY = 86_400;

function validateCertificate(
  errors: Errors,
  path: string,
  certificate: corev1.PodCertificateProjection,
  taken: Taken,
): void {
  validateSignerName(errors, `${path}.signerName`, certificate.signerName);
  for (const key of Object.keys(certificate.userAnnotations ?? {})) {
    const problems = isQualifiedName(key.toLowerCase());
    const prefixed = key.includes("/");
    const words = 'must be a domain-prefixed key (such as "acme.io/foo")';
    invalidEach(errors, `${path}.userAnnotations`, key, problems.length > 0 || prefixed ? problems : [words]);
  }
  if (!KEY_TYPES.includes(certificate.keyType)) {
    errors.push(notSupported(`${path}.keyType`, certificate.keyType ?? "", KEY_TYPES));
  }
  const seconds = certificate.maxExpirationSeconds;
  if (seconds !== undefined) {
    const max = isKubernetesSigner(certificate.signerName) ? DAY : 91 * DAY;
    const at = `${path}.maxExpirationSeconds`;
    if (seconds < 3600) errors.push(invalidValue(at, seconds, "if provided, maxExpirationSeconds must be >= 3600"));
    if (seconds > max) errors.push(invalidValue(at, seconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  }
  let files = 0;
  for (const field of ["credentialBundlePath", "keyPath", "certificateChainPath"] as const) {
    const file = certificate[field];
    if (!file) continue;
    files++;
    validateNonReservedPath(errors, `${path}.${field}`, file);
    taken(file, file);
  }
  if (files === 0) {
    errors.push(required(path, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"));
  }
}
