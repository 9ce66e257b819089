import type { Client } from "./client.ts";
import { createClient } from "./create-client.ts";
import type { ApiRequest, Transport } from "./transport.ts";

const FORM = "g=meta.k8s.io;v=v1";
const ONE = `application/json;as=PartialObjectMetadata;${FORM},application/json`;
const LIST = `application/json;as=PartialObjectMetadataList;${FORM},application/json`;

const COLLECTION = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/[^/]+$/;

/**
 * The same client, asking for objects' metadata only: get, list, watch, and the informers of a factory made with it. In process,
 * and from servers that cannot do that, come whole objects; so look at no more than `metadata`, and take an object's kind from the
 * resource that was asked for, since a reduced one says `PartialObjectMetadata`.
 */
export function metadataOnly(client: Client): Client {
  const { transport } = client;
  const reduced: Transport = {
    request: (request) => transport.request(request.method === "GET" ? reduce(request) : request),
    watch: (request) => transport.watch(withAccept(request, ONE)),
  };
  return createClient(reduced);
}

function reduce(request: ApiRequest): ApiRequest {
  return withAccept(request, COLLECTION.test(request.path) ? LIST : ONE);
}

function withAccept(request: ApiRequest, accept: string): ApiRequest {
  return { ...request, headers: { accept, ...request.headers } };
}
