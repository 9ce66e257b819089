import { type corev1, resources } from "../../api/index.ts";
import type { Clock, Random } from "../../kit/index.ts";
import { forbidden } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";

const MIRROR = "kubernetes.io/config.mirror";
const ENFORCE_SECRETS = "kubernetes.io/enforce-mountable-secrets";
const TOKEN_VOLUME = "kube-api-access";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Tells the token issuer that an old client may not read the token anew: see `tokens/`. */
const TOKEN_SECONDS = 3607;
const DEFAULT_ACCOUNT = "default";
/** A new namespace's account is made by a controller; a pod that comes right behind the namespace waits for it. */
const ATTEMPTS = 10;
const RETRY_MS = 100;

/** Gives pods a service account, its pull secrets, and a volume with its token, the cluster's CA and the namespace. */
export function serviceAccountAdmission(lookup: Lookup, clock: Clock, random: Random): Admission {
  const find = async (
    request: AdmissionRequest,
    name: string,
    signal?: AbortSignal,
  ): Promise<corev1.ServiceAccount> => {
    for (let attempt = 1; ; attempt++) {
      const found = await lookup.get(resources.serviceaccounts, name, request.namespace);
      if (found) return found;
      if (name !== DEFAULT_ACCOUNT || attempt === ATTEMPTS) break;
      await clock.sleep(RETRY_MS + random.int(RETRY_MS), signal);
    }
    const where = `${request.namespace}/${name}`;
    throw forbidden(
      request.resource,
      request.name,
      `error looking up service account ${where}: serviceaccount "${name}" not found`,
    );
  };
  return {
    name: "ServiceAccount",
    handles: (operation, resource, subresource) =>
      operation === "CREATE" && resource.group === "" && resource.resource === "pods" && subresource === "",
    async admit(request, signal) {
      const pod = request.object as unknown as corev1.Pod;
      if (isMirror(pod)) return;
      pod.spec.serviceAccountName ||= DEFAULT_ACCOUNT;
      const account = await find(request, pod.spec.serviceAccountName, signal);
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        mountToken(pod, () => `${TOKEN_VOLUME}-${random.suffix(5)}`);
      }
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        pod.spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((s) => ({ ...s }));
      }
    },
    async validate(request, signal) {
      const pod = request.object as unknown as corev1.Pod;
      const refuse = (message: string): never => {
        throw forbidden(request.resource, request.name, message);
      };
      if (isMirror(pod)) {
        const complaint = mirrorComplaint(pod);
        if (complaint) refuse(complaint);
        return;
      }
      if (!pod.spec.serviceAccountName)
        return refuse(`no service account specified for pod ${request.namespace}/${request.name}`);
      const account = await find(request, pod.spec.serviceAccountName, signal);
      if (account.metadata.annotations?.[ENFORCE_SECRETS] === "true") {
        const complaint = secretComplaint(pod, account);
        if (complaint) refuse(complaint);
      }
    },
  };
}

function isMirror(pod: corev1.Pod): boolean {
  return pod.metadata.annotations?.[MIRROR] !== undefined;
}

function mountToken(pod: corev1.Pod, newName: () => string): void {
  const present = (pod.spec.volumes ?? []).find((volume) => volume.name.startsWith(`${TOKEN_VOLUME}-`));
  const name = present?.name ?? newName();
  let needed = false;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if ((container.volumeMounts ?? []).some((mount) => mount.mountPath === MOUNT_PATH)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
    needed = true;
  }
  if (present || !needed) return;
  const projected: corev1.ProjectedVolumeSource = {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: TOKEN_SECONDS } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  };
  pod.spec.volumes = [...(pod.spec.volumes ?? []), { name, projected }];
}

function mirrorComplaint(pod: corev1.Pod): string | undefined {
  if (pod.spec.serviceAccountName) return "a mirror pod may not reference service accounts";
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const usesSecrets =
    (pod.spec.imagePullSecrets ?? []).length > 0 ||
    (pod.spec.volumes ?? []).some((v) => v.secret || (v.projected?.sources ?? []).some((s) => s.secret)) ||
    containers.some(
      (c) => (c.env ?? []).some((e) => e.valueFrom?.secretKeyRef) || (c.envFrom ?? []).some((e) => e.secretRef),
    );
  if (usesSecrets) return "a mirror pod may not reference secrets";
  const usesTokens = (pod.spec.volumes ?? []).some((v) =>
    (v.projected?.sources ?? []).some((s) => s.serviceAccountToken),
  );
  return usesTokens ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}

function secretComplaint(pod: corev1.Pod, account: corev1.ServiceAccount): string | undefined {
  const allowed = new Set((account.secrets ?? []).map((s) => s.name));
  const why = `is not allowed because service account ${account.metadata.name} does not reference that`;
  for (const { secret } of pod.spec.volumes ?? []) {
    if (secret && !allowed.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName}" ${why} secret`;
  }
  for (const [label, containers] of [
    ["init container", pod.spec.initContainers ?? []],
    ["container", pod.spec.containers],
  ] as const) {
    for (const c of containers) {
      for (const e of c.env ?? []) {
        const ref = e.valueFrom?.secretKeyRef?.name;
        if (ref && !allowed.has(ref))
          return `${label} ${c.name} with envVar ${e.name} referencing secret.secretName="${ref}" ${why} secret`;
      }
      for (const e of c.envFrom ?? []) {
        const ref = e.secretRef?.name;
        if (ref && !allowed.has(ref))
          return `${label} ${c.name} with envFrom referencing secret.secretName="${ref}" ${why} secret`;
      }
    }
  }
  const pulls = new Set((account.imagePullSecrets ?? []).map((s) => s.name));
  const index = (pod.spec.imagePullSecrets ?? []).findIndex((s) => !pulls.has(s.name));
  const name = pod.spec.imagePullSecrets?.[index]?.name;
  return index < 0 ? undefined : `imagePullSecrets[${index}].name="${name}" ${why} imagePullSecret`;
}
