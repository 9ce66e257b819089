import type { certificatesv1, coordinationv1, resourcev1 } from "../../../api/index.ts";
import { errorText, parseRequest } from "../../../kit/index.ts";
import { nodeNameOf } from "../../authz/node/identity.ts";
import type { Admission, AdmissionRequest } from "../../seams/index.ts";
import { refusal } from "../common.ts";
import { restrictClaimStatus, restrictNode } from "./nodes.ts";
import { restrictEviction, restrictPod, restrictPodStatus } from "./pods.ts";
import { restrictToken } from "./tokens.ts";
import type { NodeWrite, RestrictionParts } from "./write.ts";

type Rule = (write: NodeWrite) => void | Promise<void>;

/** What a kubelet may write of each resource; of those that are not here, whatever it is authorized to. */
const RULES: Readonly<Record<string, Rule>> = {
  pods: (write) => {
    const { subresource } = write.request;
    if (subresource === "") return restrictPod(write);
    if (subresource === "status") return restrictPodStatus(write);
    if (subresource === "eviction") return restrictEviction(write);
    const what = `unexpected pod subresource ${JSON.stringify(subresource)}`;
    throw refusal(write.request, `${what}, only 'status' and 'eviction' are allowed`);
  },
  nodes: restrictNode,
  persistentvolumeclaims: restrictClaimStatus,
  serviceaccounts: restrictToken,
  "podcertificaterequests.certificates.k8s.io": ({ request }) => {
    throw refusal(request, "PodCertificateRequest feature gate is disabled");
  },
  "leases.coordination.k8s.io": restrictLease,
  "csinodes.storage.k8s.io": ({ request, node }) => {
    if (nameOf(request) !== node) {
      throw refusal(request, "can only access CSINode with the same name as the requesting node");
    }
  },
  "resourceslices.resource.k8s.io": restrictSlice,
  "certificatesigningrequests.certificates.k8s.io": restrictSigningRequest,
};

/** Keeps kubelets to their own node, and to the pods on it. */
export function nodeRestriction(parts: RestrictionParts): Admission {
  const check = (request: AdmissionRequest, signal?: AbortSignal): void | Promise<void> => {
    const node = nodeNameOf(request.user);
    if (node === undefined) return;
    if (node === "") {
      throw refusal(request, `could not determine node from user ${JSON.stringify(request.user.name)}`);
    }
    return ruleFor(request)?.({ ...parts, node, request, signal });
  };
  return {
    name: "NodeRestriction",
    handles: (operation, resource) => operation !== "CONNECT" && ruleFor({ resource }) !== undefined,
    admit: check,
    validate(request, signal) {
      // Nothing is changed on the way to a deletion.
      if (request.operation === "DELETE") return check(request, signal);
    },
  };
}

function ruleFor({ resource }: Pick<AdmissionRequest, "resource">): Rule | undefined {
  const { group, resource: name } = resource;
  return RULES[group === "" ? name : `${name}.${group}`];
}

function nameOf({ operation, object, name }: AdmissionRequest): string | undefined {
  return operation === "CREATE" ? object?.metadata.name : name;
}

function restrictLease({ request, node }: NodeWrite): void {
  if (request.namespace !== "kube-node-lease") {
    throw refusal(request, 'can only access leases in the "kube-node-lease" system namespace');
  }
  const lease = request.object as unknown as coordinationv1.Lease | undefined;
  const name = request.operation === "CREATE" ? lease?.metadata.name : request.name;
  if (name !== node) {
    throw refusal(request, "can only access node lease with the same name as the requesting node");
  }
}

function restrictSlice({ request, node }: NodeWrite): void {
  const { operation } = request;
  if (operation === "UPDATE") return;
  const slice = (operation === "CREATE" ? request.object : request.oldObject) as unknown as resourcev1.ResourceSlice;
  if (slice.spec.nodeName === node) return;
  const verb = operation === "CREATE" ? "create" : "delete";
  throw refusal(request, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
}

const KUBELET_SIGNERS = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"];

function restrictSigningRequest({ request, node }: NodeWrite): void {
  if (request.operation !== "CREATE") return;
  const { spec } = request.object as unknown as certificatesv1.CertificateSigningRequest;
  if (!KUBELET_SIGNERS.includes(spec.signerName)) return;
  const name = `system:node:${node}`;
  if (commonNameOf(request, spec.request) === name) return;
  throw refusal(request, `can only create a node CSR with CN=${name}`);
}

function commonNameOf(request: AdmissionRequest, base64: string): string {
  try {
    return parseRequest(Buffer.from(base64, "base64").toString("latin1")).subject.commonName;
  } catch (error) {
    throw refusal(request, `unable to parse csr: ${errorText(error)}`);
  }
}
