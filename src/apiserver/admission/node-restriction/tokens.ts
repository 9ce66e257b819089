import { type authenticationv1, type corev1, resources } from "../../../api/index.ts";
import { notFound } from "../../../machinery/index.ts";
import { permits } from "../../authz/permits.ts";
import type { Lookup } from "../../seams/index.ts";
import { refusal } from "../common.ts";
import type { NodeWrite } from "./write.ts";

/** Kubelets get tokens only for pods on their node, and for the audiences that those ask for. */
export async function restrictToken(write: NodeWrite): Promise<void> {
  const { request, node, lookup } = write;
  if (request.operation !== "CREATE" || request.subresource !== "token") return;
  const { spec } = request.object as unknown as authenticationv1.TokenRequest;
  const ref = spec.boundObjectRef;
  if (ref?.apiVersion !== "v1" || ref.kind !== "Pod" || !ref.name) {
    throw refusal(request, "node requested token not bound to a pod");
  }
  if (!ref.uid) throw refusal(request, "node requested token with a pod binding without a uid");
  const pod = await lookup.get(resources.pods, ref.name, request.namespace);
  if (!pod) throw notFound(resources.pods, ref.name);
  if (pod.metadata.uid !== ref.uid) {
    const words = "does not match the UID in record. The object might have been deleted and then recreated";
    throw refusal(request, `the UID in the bound object reference (${ref.uid}) ${words}`);
  }
  if (pod.spec.nodeName !== node) {
    throw refusal(request, "node requested token bound to a pod scheduled on a different node");
  }
  await restrictAudience(write, spec.audiences ?? [], pod);
}

async function restrictAudience(write: NodeWrite, audiences: readonly string[], pod: corev1.Pod): Promise<void> {
  const { request, lookup, authorizers, signal } = write;
  if (audiences.length > 1) throw refusal(request, "node may only request 0 or 1 audiences");
  const [audience = ""] = audiences;
  const { found, problems } = await asksFor(pod, audience, lookup);
  if (found) return;
  const what = JSON.stringify(audience);
  if (problems.length > 0) throw refusal(request, `error validating audience ${what}: ${problems.join(", ")}`);
  const { user, namespace, name } = request;
  const verb = "request-serviceaccounts-token-audience";
  const question = { user, verb, version: "v1", resource: audience, namespace, name };
  if (await permits(authorizers(), question, signal)) return;
  const words = `is not authorized to request tokens for this audience`;
  throw refusal(request, `audience ${what} not found in pod spec volume, ${user.name} ${words}`);
}

/** Whether a pod has a volume with tokens for an audience: projected, or of a CSI driver that is given such tokens. */
async function asksFor(
  pod: corev1.Pod,
  audience: string,
  lookup: Lookup,
): Promise<{ readonly found: boolean; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const sources = volume.projected?.sources ?? [];
    if (sources.some((s) => s.serviceAccountToken && (s.serviceAccountToken.audience ?? "") === audience)) {
      return { found: true, problems };
    }
    const driver = await driverOf(volume, pod, lookup);
    if (driver === undefined) continue;
    const found = await lookup.get(resources.csidrivers, driver);
    if (!found) problems.push(notFound(resources.csidrivers, driver).message);
    if ((found?.spec.tokenRequests ?? []).some((token) => token.audience === audience))
      return { found: true, problems };
  }
  return { found: false, problems };
}

async function driverOf(volume: corev1.Volume, pod: corev1.Pod, lookup: Lookup): Promise<string | undefined> {
  if (volume.csi) return volume.csi.driver;
  const claimName = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
  if (claimName === undefined) return undefined;
  const claim = await lookup.get(resources.persistentvolumeclaims, claimName, pod.metadata.namespace);
  const { volumeName } = claim?.spec ?? {};
  const persistent = volumeName ? await lookup.get(resources.persistentvolumes, volumeName) : undefined;
  return persistent?.spec.csi?.driver;
}
