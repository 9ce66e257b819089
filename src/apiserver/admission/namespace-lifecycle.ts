import { resources } from "../../api/index.ts";
import { failure, forbidden, notFound } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { isResource, refusal } from "./common.ts";

/** Namespaces that a cluster cannot do without. */
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

/**
 * Nothing is created in a namespace that does not exist or is on its way out, and three namespaces cannot be deleted. Creations
 * are refused before anything else is known to be wrong with them.
 */
export function namespaceLifecycle(lookup: Lookup): Admission {
  const mayDie = ({ operation, resource, name }: AdmissionRequest): void => {
    if (operation === "DELETE" && isResource(resource, "namespaces") && IMMORTAL.has(name)) {
      throw forbidden(resource, name, "this namespace may not be deleted");
    }
  };
  return {
    name: "NamespaceLifecycle",
    handles: (operation) => operation === "CREATE" || operation === "DELETE",
    async admit(request) {
      mayDie(request);
      const { resource, namespace, operation } = request;
      // Reviews are answered in namespaces that do not exist, too.
      const isReview = isResource(resource, "localsubjectaccessreviews", "authorization.k8s.io");
      if (operation !== "CREATE" || namespace === "" || isResource(resource, "namespaces") || isReview) return;
      const found = await lookup.get(resources.namespaces, namespace);
      if (!found) throw notFound(resources.namespaces, namespace);
      if (found.status.phase === "Terminating") throw terminating(request);
    },
    validate: mayDie,
  };
}

function terminating(request: AdmissionRequest): Error {
  const { namespace } = request;
  const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = refusal(request, message);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  const details = { ...status.details, causes: [...(status.details?.causes ?? []), cause] };
  return failure({ code: 403, reason: "Forbidden", message: status.message ?? message, details });
}
