import type { Clock } from "../../kit/index.ts";
import { encodeProtobuf, encodeWatchFrame, internalError, type StatusError } from "../../machinery/index.ts";
import type { Handled } from "../chain/chain.ts";
import { JsonEncoder } from "../encoding/json.ts";
import { ProtobufEncoder } from "../encoding/protobuf.ts";
import type { Representation } from "../encoding/representation.ts";
import { encodeBody, PROTOBUF, streamTypeOf } from "../encoding/text.ts";
import { EventView, objectFor } from "../encoding/views.ts";
import type { RawAnswer, WatchAnswer } from "../request/answer.ts";
import { GZIP_THRESHOLD, gzipBytes, gzipSink, wantsGzip } from "./compress.ts";
import type { Exchange, Headers, Sink } from "./exchange.ts";
import { type Framer, streamWatch } from "./watch-stream.ts";

/** Encodes answers and sends them. One per server. */
export class Responder {
  readonly #json = new JsonEncoder();
  readonly #protobuf = new ProtobufEncoder();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async answer(exchange: Exchange, handled: Handled, representation: Representation): Promise<void> {
    const { context, answer } = handled;
    const headers = commonHeaders(context.auditId, context.warnings);
    const includeObject = context.request.query.get("includeObject");
    const direct = this.#direct(representation);
    if (answer.type === "upgrade") throw internalError("an upgrade was granted to a request that did not ask for it");
    if (answer.type === "raw") return sendRaw(exchange, headers, answer);
    if (answer.type === "watch") {
      headers["content-type"] = streamTypeOf(representation);
      const framer = direct ? splicing(direct, answer) : viewing(answer, representation, includeObject, this.#clock);
      return streamWatch(answer.watcher, framer, exchange.stream(200, headers));
    }
    if (direct && answer.type !== "object") {
      headers["content-type"] = representation.format === "protobuf" ? PROTOBUF : "application/json";
      if (answer.type === "list") return sendPieces(exchange, headers, direct.list(answer.served, answer.page));
      return sendWhole(exchange, answer.status, headers, direct.object(answer.served, answer.item));
    }
    if (answer.type === "object") Object.assign(headers, answer.headers);
    const object = await objectFor(answer, representation, includeObject, context.now);
    const { bytes, contentType } = await encodeBody(object, representation);
    headers["content-type"] = contentType;
    await sendWhole(exchange, answer.type === "list" ? 200 : answer.status, headers, bytes);
  }

  /** The encoder that needs no object built; undefined for views, YAML and indented JSON. */
  #direct({ as, format, pretty }: Representation): Direct | undefined {
    if (as !== "object" || pretty || format === "yaml") return undefined;
    return format === "protobuf" ? this.#protobuf : this.#json;
  }

  /** An answer that tells of a failure of the transport or the chain. */
  failure(exchange: Exchange, error: StatusError, auditId?: string): void {
    const headers = commonHeaders(auditId, []);
    headers["content-type"] = "application/json";
    headers["x-content-type-options"] = "nosniff";
    const retry = error.status.details?.retryAfterSeconds;
    if (retry !== undefined && retry > 0) headers["retry-after"] = String(retry);
    exchange.send(error.code, headers, Buffer.from(`${JSON.stringify(error.status)}\n`));
  }
}

type Direct = JsonEncoder | ProtobufEncoder;

async function sendPieces(exchange: Exchange, headers: Headers, pieces: Generator<Uint8Array>): Promise<void> {
  const first = pieces.next().value ?? Buffer.alloc(0);
  const second = pieces.next();
  if (second.done === true) return sendWhole(exchange, 200, headers, first);
  const compress = wantsGzip(exchange.headers["accept-encoding"], exchange.remoteAddress);
  if (compress) headers["content-encoding"] = "gzip";
  const plain = exchange.stream(200, headers);
  const sink = compress ? gzipSink(plain) : plain;
  sink.write(first);
  await copy(sink, second.value, pieces, exchange.signal);
}

function splicing(direct: Direct, { served }: WatchAnswer): Framer {
  return {
    event: (event) => direct.event(served, event),
    bookmark: (bookmark) => direct.bookmark(served, bookmark),
    error: (error) => direct.error(error),
  };
}

async function copy(sink: Sink, next: Uint8Array, rest: Iterable<Uint8Array>, gone: AbortSignal): Promise<void> {
  if (!sink.write(next)) await sink.drained();
  for (const piece of rest) {
    if (gone.aborted) return;
    if (!sink.write(piece)) await sink.drained();
  }
  sink.end();
}

/** Frames of tables, bare metadata and YAML. */
function viewing({ served }: WatchAnswer, representation: Representation, includeObject: string, clock: Clock): Framer {
  const view = new EventView(served, representation, includeObject, clock);
  return {
    event: async (event) => frameOf(event.type, await view.object(event), representation),
    bookmark: async (bookmark) => frameOf("BOOKMARK", await view.object(bookmark), representation),
    error: (error) => frameOf("ERROR", error.status, representation),
  };
}

/** An event of an object that is no stored one. YAML documents are JSON as well, so they are sent as such. */
function frameOf(type: string, object: unknown, { format }: Representation): Uint8Array {
  const bytes = format === "protobuf" ? encodeProtobuf(object as Parameters<typeof encodeProtobuf>[0]) : undefined;
  return bytes ? encodeWatchFrame(type, bytes) : Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

async function sendWhole(exchange: Exchange, status: number, headers: Headers, bytes: Uint8Array): Promise<void> {
  const large = bytes.length > GZIP_THRESHOLD && wantsGzip(exchange.headers["accept-encoding"], exchange.remoteAddress);
  if (!large) return exchange.send(status, headers, bytes);
  headers["content-encoding"] = "gzip";
  headers["vary"] = "Accept-Encoding";
  exchange.send(status, headers, await gzipBytes(bytes));
}

async function sendRaw(exchange: Exchange, headers: Headers, answer: RawAnswer): Promise<void> {
  headers["content-type"] = answer.contentType;
  Object.assign(headers, answer.headers);
  const { body } = answer;
  if (typeof body === "string") return sendWhole(exchange, answer.status, headers, Buffer.from(body));
  if (body instanceof Uint8Array) return sendWhole(exchange, answer.status, headers, body);
  const sink = exchange.stream(answer.status, headers);
  try {
    for await (const chunk of body) {
      if (exchange.signal.aborted) return;
      if (!sink.write(chunk)) await sink.drained();
    }
    sink.end();
  } catch {
    sink.destroy();
  }
}

function commonHeaders(auditId: string | undefined, warnings: readonly string[]): Headers {
  const headers: Headers = { "cache-control": "no-cache, private" };
  if (auditId !== undefined) headers["audit-id"] = auditId;
  if (warnings.length > 0) headers["warning"] = warnings.map((text) => `299 - ${quoted(text)}`);
  return headers;
}

/** RFC 7234's warn-text: a quoted string without control characters. */
function quoted(text: string): string {
  return `"${text.replace(/\p{Cc}/gu, " ").replace(/["\\]/g, "\\$&")}"`;
}
