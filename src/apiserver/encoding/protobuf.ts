import { apiVersionOf } from "../../api/index.ts";
import { encodeProtobuf, encodeWatchFrame, type StatusError } from "../../machinery/index.ts";
import type { Bookmark, Emission, Item } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { viewOf } from "../catalog/view.ts";
import type { ListPage } from "../registry/list.ts";
import { bookmarkObject, listMeta } from "./json.ts";

/** Encoded items are kept up to this many bytes altogether: lists of the same objects follow each other. */
const BUDGET = 64 * 1024 * 1024;
const CHUNK = 256 * 1024;
const MAGIC = 4;
/** Tags: `items` of a list, `raw` of the envelope, the envelope's two empty strings behind it. */
const ITEMS = 0x12;
const RAW = 0x12;
const TRAILER = Uint8Array.of(0x1a, 0, 0x22, 0);

/** Answers as `application/vnd.kubernetes.protobuf`. Only for kinds that have that form. One per server. */
export class ProtobufEncoder {
  #items = new WeakMap<Item, Map<Served, Uint8Array>>();
  #size = 0;

  object(served: Served, item: Item): Uint8Array {
    return encode(viewOf(served, item));
  }

  /** A list, piece by piece: the items are encoded once and kept for a while. */
  *list(served: Served, page: ListPage): Generator<Uint8Array> {
    const { resource } = served;
    const empty = {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: listMeta(page),
      items: [],
    };
    const skeleton = encode(empty);
    const [start, meta] = rawOf(skeleton);
    const items = page.items.map((item) => this.#item(served, item));
    const size = items.reduce((sum, item) => sum + 1 + varint(item.length).length + item.length, meta.length);
    let parts: Uint8Array[] = [skeleton.subarray(0, start), Uint8Array.of(RAW), varint(size), meta];
    let pending = 0;
    for (const item of items) {
      parts.push(Uint8Array.of(ITEMS), varint(item.length), item);
      pending += item.length;
      if (pending < CHUNK) continue;
      yield Buffer.concat(parts);
      [parts, pending] = [[], 0];
    }
    parts.push(TRAILER);
    yield Buffer.concat(parts);
  }

  /** One frame of a watch; made once for all watchers of the resource that get the same event. */
  event(served: Served, event: Emission): Uint8Array {
    const name = `protobuf ${served.resource.version}.${served.resource.group}`;
    let bytes = event.encoded.get(name);
    if (!bytes) event.encoded.set(name, (bytes = encodeWatchFrame(event.type, this.object(served, event.item))));
    return bytes;
  }

  bookmark(served: Served, bookmark: Bookmark): Uint8Array {
    return encodeWatchFrame("BOOKMARK", encode(bookmarkObject(served, bookmark)));
  }

  error(error: StatusError): Uint8Array {
    return encodeWatchFrame("ERROR", encode(error.status));
  }

  /** An item's message, without the envelope. */
  #item(served: Served, item: Item): Uint8Array {
    let forms = this.#items.get(item);
    const known = forms?.get(served);
    if (known) return known;
    const [, raw] = rawOf(this.object(served, item));
    this.#size += raw.length;
    if (this.#size > BUDGET) {
      this.#items = new WeakMap();
      this.#size = raw.length;
      forms = undefined;
    }
    if (forms) forms.set(served, raw);
    else this.#items.set(item, new Map([[served, raw]]));
    return raw;
  }
}

function encode(object: object): Uint8Array {
  const bytes = encodeProtobuf(object as Parameters<typeof encodeProtobuf>[0]);
  if (!bytes) throw new Error("an object without a protobuf form was to be encoded in it");
  return bytes;
}

/** Where the raw field of an envelope begins, and the message in it. */
function rawOf(envelope: Uint8Array): [start: number, raw: Uint8Array] {
  let at = MAGIC;
  for (;;) {
    const start = at;
    const tag = envelope[at++];
    let length = 0;
    let shift = 0;
    for (;;) {
      const byte = envelope[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    if (tag === RAW) return [start, envelope.subarray(at, at + length)];
    if (tag === undefined) return [start, new Uint8Array()];
    at += length;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
