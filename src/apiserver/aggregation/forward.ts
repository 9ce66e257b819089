import type { IncomingMessage } from "node:http";
import { encodeJson } from "../../machinery/index.ts";
import type { Backends } from "../endpoints/connect/backend.ts";
import { exchange } from "../endpoints/connect/backend.ts";
import type { Target } from "../endpoints/connect/address.ts";
import { joinUpgrade } from "../endpoints/connect/stream.ts";
import type { Answer } from "../request/answer.ts";
import { MAX_BODY } from "../request/decode.ts";
import type { Body, RequestContext } from "../request/types.ts";
import type { UserInfo } from "../seams/index.ts";

const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|:.*)$/;
/** Nobody but us says who the user is. */
const PRIVATE = /^(authorization|host|x-remote-.*|x_remote_.*|impersonate-.*|content-length)$/;

/** Passes a request on to another API server, in the user's name, and its answer back as it comes. */
export async function forward(backends: Backends, target: Target, context: RequestContext): Promise<Answer> {
  const { request, info, user } = context;
  const query = request.query.toString();
  const path = query === "" ? info.path : `${info.path}?${query}`;
  const socket = await backends.connect(target, false);
  if (request.upgrade === true) {
    const vouching = Object.entries(userHeaders(user)).flatMap(([name, values]) => values.flatMap((v) => [name, v]));
    const take = (client: Parameters<typeof joinUpgrade>[0]): void => {
      const rawHeaders = [...withoutPrivate(client.rawHeaders), ...vouching];
      joinUpgrade({ ...client, rawHeaders }, socket, target, request.method, path);
    };
    return { type: "upgrade", take };
  }
  context.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const { body, contentType } = await bodyOf(request.body);
  const headers = {
    ...passed(request.headers),
    ...(contentType !== "" && { "content-type": contentType }),
    ...userHeaders(user),
  };
  const { signal } = context;
  const answer = await exchange(socket, target, {
    method: request.method,
    path,
    headers,
    ...(body && { body }),
    signal,
  });
  return {
    type: "raw",
    status: answer.statusCode ?? 502,
    contentType: answer.headers["content-type"] ?? "",
    body: answer,
    headers: returned(answer),
  };
}

async function bodyOf(body: Body): Promise<{ readonly body?: Uint8Array; readonly contentType: string }> {
  if (body.kind === "none") return { contentType: "" };
  const { contentType } = body;
  if (body.kind === "object") return { body: encodeJson(body.value), contentType };
  return { body: await body.read(MAX_BODY), contentType };
}

/** Asks another API server something in our own name. */
export async function ask(
  backends: Backends,
  target: Target,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const socket = await backends.connect(target, false);
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const headers = { ...userHeaders(OURSELVES), accept: "application/json" };
  const answer = await exchange(socket, target, { method: "GET", path, headers, signal });
  let text = "";
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new Error(`the answer to ${path} is larger than ${MAX_BODY} bytes`);
  }
  return { status: answer.statusCode ?? 502, text };
}

const OURSELVES: UserInfo = { name: "system:kube-aggregator", groups: ["system:masters"] };

/** How the front proxy tells another server who asks. */
function userHeaders({ name, uid, groups, extra = {} }: UserInfo): Record<string, string[]> {
  const out: Record<string, string[]> = { "X-Remote-User": [name], "X-Remote-Group": [...groups] };
  if (uid !== undefined) out["X-Remote-Uid"] = [uid];
  for (const [key, values] of Object.entries(extra)) out[`X-Remote-Extra-${encodeURIComponent(key)}`] = [...values];
  return out;
}

function passed(headers: RequestContext["request"]["headers"]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.test(name) && !PRIVATE.test(name)) out[name] = value;
  }
  return out;
}

function withoutPrivate(rawHeaders: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!PRIVATE.test(name.toLowerCase())) out.push(name, rawHeaders[i + 1] ?? "");
  }
  return out;
}

function returned(answer: IncomingMessage): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || HOP_BY_HOP.test(name) || name === "content-type") continue;
    out[name] = typeof value === "string" ? value : value.join(", ");
  }
  return out;
}
