import type { certificatesv1, certificatesv1beta1 } from "../../api/index.ts";
import { errorText, parseRequest } from "../../kit/index.ts";
import { deepEqual, semanticEqual } from "../../machinery/index.ts";
import { permits } from "../authz/permits.ts";
import type { Admission, AdmissionRequest, Authorizer } from "../seams/index.ts";
import { handlesOnly, isResource, refusal } from "./common.ts";

const GROUP = "certificates.k8s.io";
const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
type Request = certificatesv1.CertificateSigningRequest;
type Authorizers = () => readonly Authorizer[];

/** Requests are approved and denied only by those who may `approve` for the signer. */
export function certificateApproval(authorizers: Authorizers): Admission {
  return {
    name: "CertificateApproval",
    handles: (operation, resource, subresource) =>
      operation === "UPDATE" && subresource === "approval" && isSigningRequest(resource),
    async validate(request, signal) {
      const { signerName } = (request.oldObject as unknown as Request).spec;
      if (await maySign(request, authorizers(), "approve", signerName, signal)) return;
      const words = `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`;
      throw refusal(request, words);
    },
  };
}

/** Certificates are issued, and requests failed, only by those who may `sign` for the signer. */
export function certificateSigning(authorizers: Authorizers): Admission {
  return {
    name: "CertificateSigning",
    handles: (operation, resource, subresource) =>
      operation === "UPDATE" && subresource === "status" && isSigningRequest(resource),
    async validate(request, signal) {
      const [next, old] = [request.object as unknown as Request, request.oldObject as unknown as Request];
      const same =
        next.status.certificate === old.status.certificate &&
        semanticEqual(next.status.conditions, old.status.conditions);
      const { signerName } = old.spec;
      if (same || (await maySign(request, authorizers(), "sign", signerName, signal))) return;
      const words = `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`;
      throw refusal(request, words);
    },
  };
}

/** Nobody gets into system:masters by a certificate from the API. */
export function certificateSubjectRestriction(): Admission {
  return {
    name: "CertificateSubjectRestriction",
    handles: handlesOnly("certificatesigningrequests", GROUP, "CREATE"),
    validate(request) {
      const { spec } = request.object as unknown as Request;
      if (spec.signerName !== CLIENT_SIGNER) return;
      if (!organizationsOf(request, spec.request).includes("system:masters")) return;
      throw refusal(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
    },
  };
}

function organizationsOf(request: AdmissionRequest, base64: string): readonly string[] {
  try {
    return parseRequest(Buffer.from(base64, "base64").toString("latin1")).subject.organizations ?? [];
  } catch (error) {
    throw refusal(request, `failed to parse CSR: ${errorText(error)}`);
  }
}

/** Trust bundles of a signer are written only by those who may `attest` for it. */
export function clusterTrustBundleAttest(authorizers: Authorizers): Admission {
  return {
    name: "ClusterTrustBundleAttest",
    handles: (operation, resource) =>
      (operation === "CREATE" || operation === "UPDATE") && isResource(resource, "clustertrustbundles", GROUP),
    async validate(request, signal) {
      const bundle = request.object as unknown as certificatesv1beta1.ClusterTrustBundle;
      const { signerName = "" } = bundle.spec;
      if (signerName === "" || changesOnlyOwnership(request)) return;
      if (await maySign(request, authorizers(), "attest", signerName, signal)) return;
      throw refusal(request, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`);
    },
  };
}

/** The garbage collector takes away owners and finalizers of what it may not write. */
function changesOnlyOwnership({ object, oldObject }: AdmissionRequest): boolean {
  if (!object || !oldObject) return false;
  const bare = (of: typeof object): object => {
    const { ownerReferences: _1, finalizers: _2, managedFields: _3, ...metadata } = of.metadata;
    return { ...of, metadata };
  };
  return deepEqual(bare(object), bare(oldObject));
}

function isSigningRequest(resource: AdmissionRequest["resource"]): boolean {
  return isResource(resource, "certificatesigningrequests", GROUP);
}

/** Whether a user may act for a signer: for it, or for all of its domain. */
async function maySign(
  { user }: AdmissionRequest,
  authorizers: readonly Authorizer[],
  verb: string,
  signer: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const question = { user, verb, group: GROUP, resource: "signers" };
  const domain = `${signer.split("/", 1)[0] ?? ""}/*`;
  return (
    (await permits(authorizers, { ...question, name: signer }, signal)) ||
    (await permits(authorizers, { ...question, name: domain }, signal))
  );
}
