import { resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { isAlreadyExists, notFound } from "../../machinery/index.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { isResource } from "./common.ts";

/** Refuses all writes in namespaces that do not exist. Off by default: {@link namespaceLifecycle} covers creations. */
export function namespaceExists(lookup: Lookup): Admission {
  return {
    name: "NamespaceExists",
    handles: (operation) => operation !== "CONNECT",
    async validate(request) {
      if (await isMissing(request, lookup)) throw notFound(resources.namespaces, request.namespace);
    },
  };
}

/** Makes the namespace of an object that is created in one that does not exist. Off by default. */
export function namespaceAutoProvision(lookup: Lookup, client: Client): Admission {
  return {
    name: "NamespaceAutoProvision",
    handles: (operation) => operation === "CREATE",
    async admit(request) {
      if (request.dryRun || !(await isMissing(request, lookup))) return;
      try {
        await client.resource(resources.namespaces).create({ metadata: { name: request.namespace } });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    },
  };
}

async function isMissing({ namespace, resource }: AdmissionRequest, lookup: Lookup): Promise<boolean> {
  if (namespace === "" || isResource(resource, "namespaces")) return false;
  return (await lookup.get(resources.namespaces, namespace)) === undefined;
}
