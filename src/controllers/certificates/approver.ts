import { type certificatesv1, resources } from "../../api/index.ts";
import type { Component } from "../../kit/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { hasCondition, isIssued, isNodeClient, parsed } from "./requests.ts";

type SigningRequest = certificatesv1.CertificateSigningRequest;

/** A right that makes approval a formality, and what the approval says. */
interface Formality {
  readonly subresource: string;
  readonly message: string;
  applies(request: SigningRequest, commonName: string): boolean;
}

const FORMALITIES: readonly Formality[] = [
  {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
    applies: ({ spec }, commonName) => spec.username === commonName,
  },
  {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
    applies: () => true,
  },
];

/** Approves the client certificates of nodes when whoever asks has the right to them. */
export function approver(context: ControllerContext): Component {
  const requests = context.caches.informer(resources.certificatesigningrequests);
  const client = context.client.resource(resources.certificatesigningrequests);
  const reviews = context.client.resource(resources.subjectaccessreviews);
  const isAllowed = async ({ spec }: SigningRequest, subresource: string, signal: AbortSignal): Promise<boolean> => {
    const { username = "", uid, groups, extra } = spec;
    const review = await reviews.create(
      {
        spec: {
          user: username,
          ...(uid === undefined ? {} : { uid }),
          ...(groups === undefined ? {} : { groups }),
          ...(extra === undefined ? {} : { extra }),
          resourceAttributes: {
            group: "certificates.k8s.io",
            resource: "certificatesigningrequests",
            verb: "create",
            subresource,
            version: "*",
          },
        },
      },
      { signal },
    );
    return review.status.allowed;
  };
  const loop = new Loop({
    context,
    retry: { base: 200 },
    informers: [requests],
    reconcile: async (name, signal) => {
      const request = requests.lister.get(name);
      if (request === undefined || isIssued(request)) return;
      if (hasCondition(request, "Approved") || hasCondition(request, "Denied")) return;
      const wanted = parsed(request);
      if (!isNodeClient(request, wanted)) return;
      const formalities = FORMALITIES.filter((each) => each.applies(request, wanted.subject.commonName));
      for (const { subresource, message } of formalities) {
        if (!(await isAllowed(request, subresource, signal))) continue;
        const approval = { type: "Approved", status: "True", reason: "AutoApproved", message };
        const status = { ...request.status, conditions: [...(request.status.conditions ?? []), approval] };
        await client.update({ ...request, status }, { subresource: "approval", signal });
        return;
      }
      const tried = formalities.map(({ subresource }) => subresource).join(" ");
      throw new Error(`recognized csr "${name}" as [${tried}] but subject access review was not approved`);
    },
  });
  loop.follow(requests);
  return loop;
}
