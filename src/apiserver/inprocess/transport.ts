import { apiVersionOf } from "../../api/index.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent } from "../../client/index.ts";
import { deepFreeze, failure, statusErrorFrom } from "../../machinery/index.ts";
import type { Bookmark, Emission } from "../cache/index.ts";
import { viewOf } from "../catalog/view.ts";
import type { Chain, Handled } from "../chain/chain.ts";
import { bookmarkObject, listMeta } from "../encoding/json.ts";
import type { Answer, ListAnswer, RawAnswer, WatchAnswer } from "../request/answer.ts";
import { Query } from "../request/query.ts";
import type { ServerRequest } from "../request/types.ts";
import type { UserInfo } from "../seams/index.ts";

const NEVER = new AbortController().signal;

/**
 * A transport into the server's own chain, as `user`. Nothing is encoded: answers carry the stored, frozen objects
 * themselves, shared with everybody else in the process.
 */
export function inProcessTransport(chain: Chain, user: UserInfo, inFlight: InFlight): Transport {
  const send = async (request: ApiRequest, watch: boolean, signal: AbortSignal): Promise<Handled> => {
    inFlight.begin();
    try {
      return await chain.handle(serverRequest(request, user, watch, signal));
    } finally {
      inFlight.end();
    }
  };
  return {
    async request(request) {
      const handled = await send(request, false, request.signal ?? NEVER);
      return response(handled);
    },
    watch: (request) => watchEvents(request, send),
  };
}

/** Counts requests under way, so that tests know when a server is at rest. */
export interface InFlight {
  begin(): void;
  end(): void;
}

function serverRequest(request: ApiRequest, user: UserInfo, watch: boolean, signal: AbortSignal): ServerRequest {
  const query = watch ? { ...request.query, watch: "true" } : (request.query ?? {});
  return {
    method: request.method,
    path: request.path,
    query: Query.from(query),
    headers: request.headers ?? {},
    body:
      request.body === undefined
        ? { kind: "none" }
        : { kind: "object", value: request.body, contentType: request.contentType ?? "application/json" },
    signal,
    user,
  };
}

async function response({ context, answer }: Handled): Promise<ApiResponse> {
  const headers: Record<string, string> = { "audit-id": context.auditId };
  const [warning] = context.warnings;
  if (warning !== undefined)
    headers["warning"] = context.warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ");
  if (answer.type === "raw") return rawResponse(answer, headers);
  const [status, body] = bodyOf(answer);
  return { status, headers, body };
}

function bodyOf(answer: Exclude<Answer, RawAnswer>): [status: number, body: unknown] {
  switch (answer.type) {
    case "stored":
      return [answer.status, viewOf(answer.served, answer.item)];
    case "object":
      return [answer.status, deepFreeze(answer.object)];
    case "list":
      return [200, listBody(answer)];
    case "watch":
      answer.watcher.end();
      throw new Error("a watch was asked for through request(): use watch()");
    case "upgrade":
      throw new Error("an upgrade was asked for through an in-process transport, which has no connection");
  }
}

/**
 * What a network client would decode, decoded: documents that are kept as text (discovery), answers of other servers. Throws
 * what those answered with.
 */
async function rawResponse(
  { status, body, contentType }: RawAnswer,
  headers: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const text = typeof body === "string" ? body : await textOf(body);
  const decoded: unknown = contentType.startsWith("application/json") ? deepFreeze(JSON.parse(text)) : text;
  if (status >= 400) throw statusErrorFrom(decoded) ?? failure({ code: status, message: text });
  return { status, headers, body: decoded };
}

async function textOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function listBody({ served, page }: ListAnswer): unknown {
  return Object.freeze({
    kind: `${served.resource.kind}List`,
    apiVersion: apiVersionOf(served.resource),
    metadata: Object.freeze(listMeta(page)),
    items: Object.freeze(page.items.map((item) => viewOf(served, item))),
  });
}

async function* watchEvents(
  request: ApiRequest,
  send: (request: ApiRequest, watch: boolean, signal: AbortSignal) => Promise<Handled>,
): AsyncGenerator<WatchEvent> {
  const { answer } = await send(request, true, request.signal ?? NEVER);
  if (answer.type === "raw") return yield* remoteEvents(answer);
  if (answer.type !== "watch") throw new Error(`a watch of ${request.path} was answered with ${answer.type}`);
  const { watcher, served } = answer;
  try {
    for (let batch = await watcher.next(); batch; batch = await watcher.next()) {
      for (const event of batch) yield eventOf(served, event);
    }
  } finally {
    watcher.end();
  }
}

function eventOf(served: WatchAnswer["served"], event: Emission | Bookmark): WatchEvent {
  if (event.type !== "BOOKMARK") return { type: event.type, object: viewOf(served, event.item) };
  return { type: "BOOKMARK", object: bookmarkObject(served, event) };
}

/** Events of a watch that another server serves: JSON, one a line. */
async function* remoteEvents(answer: RawAnswer): AsyncGenerator<WatchEvent> {
  if (answer.status >= 400 || typeof answer.body === "string" || answer.body instanceof Uint8Array) {
    await rawResponse(answer, {});
    return;
  }
  let rest = "";
  for await (const chunk of answer.body) {
    const lines = (rest + Buffer.from(chunk).toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = JSON.parse(line) as { type: WatchEvent["type"] | "ERROR"; object: unknown };
      if (event.type === "ERROR") throw statusErrorFrom(event.object) ?? failure({ code: 500, message: line });
      yield { type: event.type, object: deepFreeze(event.object) };
    }
  }
}
