import { createHash } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import type { PathHandler } from "../chain/chain.ts";
import type { Answer } from "../request/answer.ts";
import type { RequestContext } from "../request/types.ts";
import { aggregated, groupDocument, groupList, legacyVersions, resourceList } from "./documents.ts";

interface Document {
  readonly body: string;
  readonly etag: string;
}

const AGGREGATED =
  /application\/json\s*;(?=[^,]*as=APIGroupDiscoveryList)(?=[^,]*g=apidiscovery\.k8s\.io)[^,]*v=(v2|v2beta1)/;

/** Answers `/api`, `/apis` and all below that names no resource. `address` is how clients reach the server. */
export function discoveryHandler(catalog: Catalog, address: () => string): PathHandler {
  const made = new Map<string, Document | undefined>();
  let generation = -1;
  const remember = (name: string, make: () => object | undefined): Document | undefined => {
    if (generation !== catalog.generation) {
      made.clear();
      generation = catalog.generation;
    }
    if (!made.has(name)) {
      const object = make();
      made.set(name, object && documentOf(object));
    }
    return made.get(name);
  };
  return (context) => {
    const { path } = context.info;
    const parts = path.split("/").filter((part) => part !== "");
    const [root, group, version] = parts;
    if ((root !== "api" && root !== "apis") || context.request.method === "POST") return undefined;
    if (parts.length === 1) {
      const wanted = AGGREGATED.exec(context.request.headers["accept"] ?? "")?.[1];
      if (wanted !== undefined) {
        const document = remember(`${root} ${wanted}`, () => aggregated(catalog, root === "api", wanted));
        return document && cached(context, document, wanted);
      }
      const document = remember(root, () => (root === "api" ? legacyVersions(address()) : groupList(catalog)));
      return document && plain(document);
    }
    if (root === "api" && parts.length === 2)
      return found(remember(path, () => resourceList(catalog, "", group ?? "")));
    if (root === "apis" && parts.length === 2) return found(remember(path, () => groupDocument(catalog, group ?? "")));
    if (root === "apis" && parts.length === 3) {
      return found(remember(path, () => resourceList(catalog, group ?? "", version ?? "")));
    }
    return undefined;
  };
}

function documentOf(object: object): Document {
  const body = `${JSON.stringify(object)}\n`;
  return { body, etag: `"${createHash("sha512").update(body).digest("hex").toUpperCase()}"` };
}

function found(document: Document | undefined): Answer | undefined {
  return document && plain(document);
}

function plain({ body }: Document): Answer {
  return { type: "raw", status: 200, contentType: "application/json", body, headers: { vary: "Accept" } };
}

/** With an ETag, so that a client asks again without getting all of it again. */
function cached({ request }: RequestContext, { body, etag }: Document, version: string): Answer {
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  const known = request.headers["if-none-match"];
  if (known === etag) return { type: "raw", status: 304, contentType, body: "", headers };
  return { type: "raw", status: 200, contentType, body, headers };
}
