import { apiVersionOf } from "../../api/index.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent } from "../../client/index.ts";
import { deepFreeze } from "../../machinery/index.ts";
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

function response({ context, answer }: Handled): ApiResponse {
  const headers: Record<string, string> = { "audit-id": context.auditId };
  const [warning] = context.warnings;
  if (warning !== undefined)
    headers["warning"] = context.warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ");
  const [status, body] = bodyOf(answer);
  return { status, headers, body };
}

function bodyOf(answer: Answer): [status: number, body: unknown] {
  switch (answer.type) {
    case "stored":
      return [answer.status, viewOf(answer.served, answer.item)];
    case "object":
      return [answer.status, deepFreeze(answer.object)];
    case "list":
      return [200, listBody(answer)];
    case "raw":
      return [answer.status, rawBody(answer)];
    case "watch":
      answer.watcher.end();
      throw new Error("a watch was asked for through request(): use watch()");
    case "upgrade":
      throw new Error("an upgrade was asked for through an in-process transport, which has no connection");
  }
}

/** What a network client would decode, decoded: documents that are kept as text (discovery) become objects. */
function rawBody({ body, contentType }: RawAnswer): unknown {
  return typeof body === "string" && contentType.startsWith("application/json") ? deepFreeze(JSON.parse(body)) : body;
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
