import { createHash } from "node:crypto";
import { apiVersionOf } from "../../api/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { Served } from "../catalog/kind.ts";
import type { PathHandler } from "../chain/chain.ts";
import type { Answer } from "../request/answer.ts";
import type { RequestContext } from "../request/types.ts";

const V3 = "/openapi/v3";
const V2 = "/openapi/v2";
const V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/** As asked for above, but in a form that is a media type. */
const V2_PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const YEAR_SECONDS = 31_536_000;

/**
 * `/openapi/v2` and `/openapi/v3`, made from the type tables when asked for and kept until the catalog changes. The code
 * that makes them is loaded with the first request.
 */
export function openapiHandler(catalog: Catalog, release: string): PathHandler {
  const made = new Map<string, Uint8Array | string>();
  let generation = -1;
  return async (context) => {
    const { path } = context.info;
    if (!path.startsWith("/openapi/")) return undefined;
    if (generation !== catalog.generation) {
      made.clear();
      generation = catalog.generation;
    }
    if (path === V2) return v2(context, catalog, made, release);
    if (path === V3 || path === `${V3}/`) return index(catalog, release);
    return path.startsWith(`${V3}/`) ? v3(context, catalog, made, release) : undefined;
  };
}

async function v2(
  context: RequestContext,
  catalog: Catalog,
  made: Map<string, Uint8Array | string>,
  release: string,
): Promise<Answer> {
  const accept = context.request.headers["accept"] ?? "";
  const protobuf =
    accept.includes(V2_PROTOBUF) || accept.includes("application/com.github.googleapis.gnostic.OpenAPIv2");
  const etag = hashOf(release, [...catalog]);
  if (context.request.headers["if-none-match"] === `"${etag}"`) return notModified(etag);
  const name = protobuf ? "v2 protobuf" : "v2";
  let body = made.get(name);
  if (body === undefined) {
    const { v2Document } = await import("./documents.ts");
    const document = v2Document([...catalog]);
    body = protobuf ? (await import("./gnostic.ts")).encodeGnostic(document) : `${JSON.stringify(document)}\n`;
    made.set(name, body);
  }
  const headers = { etag: `"${etag}"`, vary: "Accept" };
  return { type: "raw", status: 200, contentType: protobuf ? V2_PROTOBUF_TYPE : "application/json", body, headers };
}

/** The group versions and where their documents are. The hash in the address lets clients keep them for good. */
function index(catalog: Catalog, release: string): Answer {
  const paths: Record<string, object> = {};
  for (const [name, served] of documentsOf(catalog)) {
    paths[name] = { serverRelativeURL: `${V3}/${name}?hash=${hashOf(release, served)}` };
  }
  for (const { group, version } of catalog.remotes) {
    paths[`apis/${group}/${version}`] = { serverRelativeURL: `${V3}/apis/${group}/${version}` };
  }
  return { type: "object", status: 200, object: { paths } };
}

async function v3(
  { info, request }: RequestContext,
  catalog: Catalog,
  made: Map<string, Uint8Array | string>,
  release: string,
): Promise<Answer | undefined> {
  const name = info.path.slice(V3.length + 1);
  const served = documentsOf(catalog).get(name);
  if (!served) return undefined;
  const etag = hashOf(release, served);
  const wanted = request.query.get("hash");
  if (wanted !== "" && wanted !== etag) {
    const headers = { location: `${info.path}?hash=${etag}` };
    return { type: "raw", status: 301, contentType: "text/plain", body: "", headers };
  }
  if (request.headers["if-none-match"] === `"${etag}"`) return notModified(etag);
  let body = made.get(name);
  if (body === undefined) {
    const { v3Document } = await import("./documents.ts");
    body = `${JSON.stringify(v3Document(served))}\n`;
    made.set(name, body);
  }
  const forever: Record<string, string> =
    wanted === "" ? {} : { "cache-control": `public, immutable, max-age=${YEAR_SECONDS}` };
  const headers = { etag: `"${etag}"`, vary: "Accept", ...forever };
  return { type: "raw", status: 200, contentType: "application/json", body, headers };
}

function notModified(etag: string): Answer {
  return { type: "raw", status: 304, contentType: "application/json", body: "", headers: { etag: `"${etag}"` } };
}

/** `api/v1`, `apis/apps/v1`, ... with what is served there. */
function documentsOf(catalog: Catalog): Map<string, Served[]> {
  const out = new Map<string, Served[]>();
  for (const served of catalog) {
    const root = served.resource.group === "" ? "api" : "apis";
    const name = `${root}/${apiVersionOf(served.resource)}`;
    const known = out.get(name);
    if (known) known.push(served);
    else out.set(name, [served]);
  }
  return new Map([...out].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Follows from what is served and by which release, so that the documents themselves need not be made to know it. */
function hashOf(release: string, served: readonly Served[]): string {
  const hash = createHash("sha512").update(release);
  for (const { resource, schema } of served) hash.update(JSON.stringify([resource, schema ?? null]));
  return hash.digest("hex").toUpperCase();
}
