import { type corev1, resources } from "../../api/index.ts";
import { failure, forbidden, notFound } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";

/** Namespaces that a cluster cannot do without. */
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);
/** Reviews belong to no namespace's content: they are answered in namespaces that do not exist, too. */
const REVIEWS = new Set(["localsubjectaccessreviews"]);

/** Nothing is created in a namespace that does not exist or is on its way out, and three namespaces cannot be deleted. */
export function namespaceLifecycle(lookup: Lookup): Admission {
  return {
    name: "NamespaceLifecycle",
    handles: (operation) => operation !== "CONNECT",
    async validate(request) {
      const { resource, namespace, name, operation } = request;
      const isNamespace = resource.group === "" && resource.resource === "namespaces";
      if (operation === "DELETE" && isNamespace && IMMORTAL.has(name)) {
        throw forbidden(resource, name, "this namespace may not be deleted");
      }
      if (operation !== "CREATE" || namespace === "" || isNamespace || REVIEWS.has(resource.resource)) return;
      const found = await lookup.get(resources.namespaces, namespace);
      if (!found) throw notFound(resources.namespaces, namespace);
      if (found.status.phase === "Terminating") throw terminating(request, found);
    },
  };
}

function terminating({ resource, name, namespace }: AdmissionRequest, found: corev1.Namespace): Error {
  const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(resource, name, message);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  return failure({
    code: 403,
    reason: "Forbidden",
    message: status.message ?? message,
    details: {
      ...status.details,
      causes: [...(status.details?.causes ?? []), ...(found.metadata.deletionTimestamp ? [cause] : [])],
    },
  });
}
