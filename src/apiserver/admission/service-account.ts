import { type corev1, resources } from "../../api/index.ts";
import type { Clock, Random } from "../../kit/index.ts";
import { podSecretNames } from "../resources/pods/references.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { isMirrorPod, isResource, podOf, refusal } from "./common.ts";

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
  const find = async (request: AdmissionRequest, signal?: AbortSignal): Promise<corev1.ServiceAccount> => {
    const { namespace } = request;
    const name = podOf(request).spec.serviceAccountName ?? "";
    for (let attempt = 1; ; attempt++) {
      const found = await lookup.get(resources.serviceaccounts, name, namespace);
      if (found) return found;
      if (name !== DEFAULT_ACCOUNT || attempt === ATTEMPTS) break;
      await clock.sleep(RETRY_MS + random.int(RETRY_MS), signal);
    }
    const why = `serviceaccount "${name}" not found`;
    throw refusal(request, `error looking up service account ${namespace}/${name}: ${why}`);
  };
  const checkSecrets = async (request: AdmissionRequest, signal?: AbortSignal): Promise<void> => {
    const pod = podOf(request);
    if (!pod.spec.serviceAccountName) {
      throw refusal(request, `no service account specified for pod ${request.namespace}/${pod.metadata.name}`);
    }
    const account = await find(request, signal);
    if (!isTrue(account.metadata.annotations?.[ENFORCE_SECRETS])) return;
    const complaint = request.operation === "CREATE" ? podComplaint(pod, account) : lateComplaint(pod, account);
    if (complaint) throw refusal(request, complaint);
  };
  const refuseMirror = (request: AdmissionRequest): void => {
    const complaint = mirrorComplaint(podOf(request));
    if (complaint) throw refusal(request, complaint);
  };
  return {
    name: "ServiceAccount",
    handles: (operation, resource, subresource) =>
      isResource(resource, "pods") &&
      ((operation === "CREATE" && subresource === "") ||
        (operation === "UPDATE" && subresource === "ephemeralcontainers")),
    async admit(request, signal) {
      if (request.operation !== "CREATE") return;
      const pod = podOf(request);
      if (isMirrorPod(pod)) return refuseMirror(request);
      pod.spec.serviceAccountName ||= DEFAULT_ACCOUNT;
      const account = await find(request, signal);
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        mountToken(pod, () => `${TOKEN_VOLUME}-${random.suffix(5)}`);
      }
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        pod.spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((s) => ({ ...s }));
      }
    },
    validate(request, signal) {
      if (request.operation === "CREATE" && isMirrorPod(podOf(request))) return refuseMirror(request);
      return checkSecrets(request, signal);
    },
  };
}

/** What Go's ParseBool takes for true. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && ["1", "t", "T", "TRUE", "true", "True"].includes(text);
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
  if (podSecretNames(pod.spec).length > 0) return "a mirror pod may not reference secrets";
  const usesTokens = (pod.spec.volumes ?? []).some((v) =>
    (v.projected?.sources ?? []).some((s) => s.serviceAccountToken),
  );
  return usesTokens ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}

/** A secret that a pod uses though its account, which is strict about it, does not list it. */
function podComplaint(pod: corev1.Pod, account: corev1.ServiceAccount): string | undefined {
  const allowed = secretsOf(account);
  const why = reason(account);
  for (const { secret } of pod.spec.volumes ?? []) {
    const name = secret?.secretName ?? "";
    if (secret && !allowed.has(name)) return `volume with secret.secretName="${name}" ${why} secret`;
  }
  const complaint =
    containerComplaint("init container", pod.spec.initContainers ?? [], account) ??
    containerComplaint("container", pod.spec.containers, account);
  if (complaint) return complaint;
  const pulls = new Set((account.imagePullSecrets ?? []).map((s) => s.name));
  const used = (pod.spec.imagePullSecrets ?? []).map((s) => s.name);
  const bad = used.findIndex((name) => !pulls.has(name));
  return bad === -1 ? undefined : `imagePullSecrets[${bad}].name="${used[bad]}" ${why} imagePullSecret`;
}

function lateComplaint(pod: corev1.Pod, account: corev1.ServiceAccount): string | undefined {
  return containerComplaint("ephemeral container", pod.spec.ephemeralContainers ?? [], account);
}

function containerComplaint(
  label: string,
  containers: readonly Pick<corev1.Container, "name" | "env" | "envFrom">[],
  account: corev1.ServiceAccount,
): string | undefined {
  const allowed = secretsOf(account);
  const tail = (name: string): string => `referencing secret.secretName="${name}" ${reason(account)} secret`;
  for (const c of containers) {
    for (const e of c.env ?? []) {
      const ref = e.valueFrom?.secretKeyRef?.name;
      if (ref && !allowed.has(ref)) return `${label} ${c.name} with envVar ${e.name} ${tail(ref)}`;
    }
    for (const e of c.envFrom ?? []) {
      const ref = e.secretRef?.name;
      if (ref && !allowed.has(ref)) return `${label} ${c.name} with envFrom ${tail(ref)}`;
    }
  }
  return undefined;
}

function secretsOf(account: corev1.ServiceAccount): ReadonlySet<string | undefined> {
  return new Set((account.secrets ?? []).map((s) => s.name));
}

function reason(account: corev1.ServiceAccount): string {
  return `is not allowed because service account ${account.metadata.name} does not reference that`;
}
