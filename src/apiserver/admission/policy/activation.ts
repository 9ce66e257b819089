import { type CelValue, fromJson } from "../../../machinery/cel/index.ts";
import type { AdmissionRequest } from "../../seams/index.ts";
import { kindOf } from "../webhooks/match.ts";

/** What expressions see of a request; `params` and `namespace` are absent where there are none. */
export function activationOf(
  request: AdmissionRequest,
  params?: unknown,
  namespace?: unknown,
): Readonly<Record<string, CelValue>> {
  return {
    object: fromJson(request.object ?? null),
    oldObject: fromJson(request.oldObject ?? null),
    request: fromJson(requestOf(request)),
    params: fromJson(params ?? null),
    namespaceObject: fromJson(namespace ?? null),
    authorizer: null,
  };
}

function requestOf(request: AdmissionRequest): object {
  const { resource, subresource, user } = request;
  const [group, version, kind] = kindOf(resource, subresource);
  const gvk = { group, version, kind };
  const gvr = { group: resource.group, version: resource.version, resource: resource.resource };
  return {
    kind: gvk,
    resource: gvr,
    subResource: subresource,
    requestKind: gvk,
    requestResource: gvr,
    requestSubResource: subresource,
    name: request.name,
    namespace: request.namespace,
    operation: request.operation,
    userInfo: { username: user.name, uid: user.uid ?? "", groups: user.groups, extra: user.extra ?? {} },
    dryRun: request.dryRun,
    options: request.options,
  };
}
