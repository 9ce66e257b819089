import { badRequest } from "../../machinery/index.ts";
import type { ApiObject } from "../seams/index.ts";
import type { WriteCall } from "./call.ts";

/** Fills in the namespace of the request (clears it for cluster-scoped kinds); refuses an object that names another. */
export function checkNamespace(call: Pick<WriteCall, "namespace" | "kind">, metadata: ApiObject["metadata"]): void {
  const wanted = call.kind.hub.namespaced ? call.namespace : "";
  const given = metadata.namespace ?? "";
  if (given === wanted) return;
  if (wanted === "") delete metadata.namespace;
  else if (given === "") metadata.namespace = wanted;
  else throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}
