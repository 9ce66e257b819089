import type { corev1 } from "../../../api/index.ts";

/** What of a pod can name objects that it uses: a stored pod, or one on its way in. */
type Spec = corev1.PodSpec;
type AnyContainer = Pick<corev1.Container, "env" | "envFrom">;

function containersOf(spec: Spec): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** The secrets that a pod refers to, for its images, environment and volumes; a name may come more than once. */
export function podSecretNames(spec: Spec): string[] {
  const names = [
    ...(spec.imagePullSecrets ?? []).map((ref) => ref.name),
    ...containersOf(spec).flatMap((c) => [
      ...(c.envFrom ?? []).map((source) => source.secretRef?.name),
      ...(c.env ?? []).map((variable) => variable.valueFrom?.secretKeyRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(volumeSecrets),
  ];
  return names.filter((name) => name !== undefined && name !== "") as string[];
}

function volumeSecrets(volume: corev1.Volume): (string | undefined)[] {
  return [
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    volume.rbd?.secretRef?.name,
    volume.secret?.secretName,
    volume.scaleIO?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
}

/** The config maps that a pod refers to, for its environment and volumes; a name may come more than once. */
export function podConfigMapNames(spec: Spec): string[] {
  const names = [
    ...containersOf(spec).flatMap((c) => [
      ...(c.envFrom ?? []).map((source) => source.configMapRef?.name),
      ...(c.env ?? []).map((variable) => variable.valueFrom?.configMapKeyRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap((volume) => [
      ...(volume.projected?.sources ?? []).map((source) => source.configMap?.name),
      volume.configMap?.name,
    ]),
  ];
  return names.filter((name) => name !== undefined && name !== "") as string[];
}
