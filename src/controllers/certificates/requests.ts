import type { certificatesv1 } from "../../api/index.ts";
import { errorText, type ParsedRequest, parseRequest } from "../../kit/index.ts";

type SigningRequest = certificatesv1.CertificateSigningRequest;

/** Signs for the servers of nodes. */
export const KUBELET_SERVING = "kubernetes.io/kubelet-serving";
/** Signs for nodes as clients of the API server. */
export const KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet";
/** Signs for any client of the API server. */
export const CLIENT = "kubernetes.io/kube-apiserver-client";
/** Signs anything that was approved. */
export const LEGACY = "kubernetes.io/legacy-unknown";

const NODE_GROUP = "system:nodes";
const NODE_USER = "system:node:";
const KEY_USAGES = ["digital signature", "key encipherment"];

/** Whether the request has a condition of that type. */
export function hasCondition({ status }: SigningRequest, type: string): boolean {
  return status.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
}

/** Whether there is a certificate already. */
export function isIssued({ status }: SigningRequest): boolean {
  return (status.certificate ?? "") !== "";
}

/** What the request asks for. Throws an Error that names the object. */
export function parsed({ metadata, spec }: SigningRequest): ParsedRequest {
  try {
    return parseRequest(Buffer.from(spec.request, "base64").toString("latin1"));
  } catch (error) {
    throw new Error(`unable to parse csr "${metadata.name}": ${errorText(error)}`, { cause: error });
  }
}

/** Why the signer that the request names will not sign it; `undefined` when it will. */
export function refusal({ spec }: SigningRequest, request: ParsedRequest): string | undefined {
  const usages = spec.usages ?? [];
  if (spec.signerName === KUBELET_SERVING) return servingRefusal(request, usages);
  if (spec.signerName === KUBELET_CLIENT) return clientRefusal(request, usages);
  return spec.signerName === CLIENT ? usageRefusal(usages) : undefined;
}

/** Whether the request is a node's for a client certificate. */
export function isNodeClient(object: SigningRequest, request: ParsedRequest): boolean {
  return object.spec.signerName === KUBELET_CLIENT && refusal(object, request) === undefined;
}

function isOfNodes({ subject }: ParsedRequest): boolean {
  return subject.organizations?.length === 1 && subject.organizations[0] === NODE_GROUP;
}

function servingRefusal(request: ParsedRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length + request.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  const mismatch = nodeUsageRefusal(usages, "server auth");
  if (mismatch !== undefined) return mismatch;
  return nameRefusal(request);
}

function clientRefusal(request: ParsedRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  return nameRefusal(request) ?? nodeUsageRefusal(usages, "client auth");
}

function nameRefusal({ subject }: ParsedRequest): string | undefined {
  return subject.commonName.startsWith(NODE_USER) ? undefined : "subject common name does not begin with system:node:";
}

/** Key encipherment is for RSA keys only, and may be left out. */
function nodeUsageRefusal(usages: readonly string[], purpose: string): string | undefined {
  const wanted = [...KEY_USAGES, purpose].toSorted();
  const given = [...new Set([...usages, "key encipherment"])].toSorted();
  return given.join() === wanted.join() ? undefined : `usages did not match [${wanted.join(" ")}]`;
}

function usageRefusal(usages: readonly string[]): string | undefined {
  const stranger = usages.find((usage) => usage !== "client auth" && !KEY_USAGES.includes(usage));
  if (stranger !== undefined) return `invalid usage for client certificate: ${stranger}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}
