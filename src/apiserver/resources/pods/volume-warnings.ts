import type { corev1 } from "../../../api/index.ts";
import { claimSpecWarnings } from "../volumes/warnings.ts";

const GONE: Readonly<Record<string, string>> = {
  photonPersistentDisk: "deprecated in v1.11, non-functional in v1.16+",
  gitRepo: "deprecated in v1.11, and disabled by default in v1.33+",
  scaleIO: "deprecated in v1.16, non-functional in v1.22+",
  flocker: "deprecated in v1.22, non-functional in v1.25+",
  storageos: "deprecated in v1.22, non-functional in v1.25+",
  quobyte: "deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "deprecated in v1.25, non-functional in v1.26+",
  cephfs: "deprecated in v1.28, non-functional in v1.31+",
  rbd: "deprecated in v1.28, non-functional in v1.31+",
};
const NAMES: Readonly<Record<string, string>> = { storageos: "storageOS" };

/** Warnings of volumes that no longer work, and of files that hide each other. */
export function volumeWarnings(path: string, volumes: readonly corev1.Volume[]): string[] {
  const gone = volumes.flatMap((volume, i) => [
    ...Object.entries(GONE)
      .filter(([kind]) => volume[kind as keyof corev1.Volume] !== undefined)
      .map(([kind, words]) => `${path}[${i}].${NAMES[kind] ?? kind}: ${words}`),
    ...(volume.ephemeral?.volumeClaimTemplate
      ? claimSpecWarnings(`${path}[${i}].ephemeral.volumeClaimTemplate.spec`, volume.ephemeral.volumeClaimTemplate.spec)
      : []),
  ]);
  return [...gone, ...volumes.flatMap(overlaps)];
}

interface File {
  readonly path: string;
  readonly source: string;
}

function overlaps(volume: corev1.Volume): string[] {
  const { configMap, secret, downwardAPI, projected, name } = volume;
  const within = (description: string, files: readonly File[]): string[] =>
    collisions(files).map((body) => `volume "${name}" (${description}): overlapping paths: ${body}`);
  const plain = (items: readonly { readonly path: string }[] | undefined): File[] =>
    (items ?? []).map((i) => ({ path: i.path, source: "" }));
  return [
    ...(configMap ? within(`ConfigMap "${configMap.name ?? ""}"`, plain(configMap.items)) : []),
    ...(secret ? within(`Secret "${secret.secretName ?? ""}"`, plain(secret.items)) : []),
    ...(downwardAPI ? within("DownwardAPI", plain(downwardAPI.items)) : []),
    ...(projected?.sources ?? [])
      .filter((s) => Object.keys(s).length === 0)
      .map(() => `volume "${name}" (Projected) has no sources provided`),
    ...(projected ? within("Projected", (projected.sources ?? []).flatMap(projectedFiles)) : []),
  ];
}

function projectedFiles(s: corev1.VolumeProjection): File[] {
  const from = (source: string, ...paths: (string | undefined)[]): File[] =>
    paths.filter((p) => p !== undefined && p !== "").map((path) => ({ path: path ?? "", source }));
  const items = (list: readonly { readonly path: string }[] | undefined): string[] => (list ?? []).map((i) => i.path);
  if (s.configMap) return from(`ConfigMap "${s.configMap.name ?? ""}"`, ...items(s.configMap.items));
  if (s.secret) return from(`Secret "${s.secret.name ?? ""}"`, ...items(s.secret.items));
  if (s.downwardAPI) return from("DownwardAPI", ...items(s.downwardAPI.items));
  if (s.serviceAccountToken) return from("ServiceAccountToken", s.serviceAccountToken.path);
  const bundle = s.clusterTrustBundle;
  if (bundle) return from(`ClusterTrustBundle "${bundle.name ?? bundle.signerName ?? ""}"`, bundle.path);
  const certificate = s.podCertificate;
  return [
    ...from("PodCertificate chain", certificate?.certificateChainPath),
    ...from("PodCertificate key", certificate?.keyPath),
    ...from("PodCertificate credential bundle", certificate?.credentialBundlePath),
  ];
}

function collisions(files: readonly File[]): string[] {
  const trimmed = files.map((f) => ({ ...f, path: f.path.replace(/\/+$/, "") }));
  const print = (f: File): string => (f.source === "" ? `"${f.path}"` : `"${f.path}" (${f.source})`);
  return trimmed.flatMap((file, i) =>
    trimmed
      .slice(0, i)
      .filter((o) => file.path !== "" && o.path !== "" && nested(o.path, file.path))
      .map((o) => `${print(file)} with ${print(o)}`),
  );
}

function nested(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}
