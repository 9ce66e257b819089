import { apiVersionOf } from "../../api/index.ts";
import { stringifyJson } from "../../machinery/index.ts";
import type { Item } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { isHub, viewOf } from "../catalog/view.ts";

/**
 * JSON of stored objects without parsing them: the stored bytes, with the resourceVersion put in behind the uid and, for
 * another version of the same shape, another apiVersion in front. One per served resource.
 */
export class Splicer {
  readonly #served: Served;
  /** `{"kind":"Pod","apiVersion":"v1",` as stored. */
  readonly #storedHead: Buffer;
  /** The same as served: for single objects, and for items of a list. */
  readonly #objectHead: Buffer;
  readonly #itemHead: Buffer;
  readonly #spliceable: boolean;

  constructor(served: Served) {
    this.#served = served;
    const { kind } = served.resource;
    this.#storedHead = head(kind, apiVersionOf(served.kind?.hub ?? served.resource));
    this.#objectHead = head(kind, apiVersionOf(served.resource));
    this.#itemHead = served.model.typedItems ? Buffer.from("{") : this.#objectHead;
    this.#spliceable = isHub(served) || served.model.convert === undefined;
  }

  /** One object. */
  object(item: Item): Uint8Array {
    return this.#join(item, this.#objectHead);
  }

  /** The object as an item of a list. */
  item(item: Item): Uint8Array {
    return this.#join(item, this.#itemHead);
  }

  /** `{"type":"ADDED","object":...}` and a newline. */
  event(type: string, item: Item): Uint8Array {
    return this.#join(item, Buffer.concat([EVENT[type] ?? Buffer.alloc(0), this.#objectHead]), EVENT_END);
  }

  #join(item: Item, front: Buffer, end: Buffer = NOTHING): Uint8Array {
    const at = this.#spliceable ? this.#uidEnd(item.bytes) : -1;
    if (at < 0) return this.#reencode(item, front, end);
    const from = this.#storedHead.length;
    const version = item.revision === 0 ? "" : `,"resourceVersion":"${item.revision}"`;
    const out = Buffer.allocUnsafe(front.length + item.bytes.length - from + version.length + end.length);
    let pos = front.copy(out, 0);
    out.set(item.bytes.subarray(from, at), pos);
    pos += at - from;
    pos += out.write(version, pos, "latin1");
    out.set(item.bytes.subarray(at), pos);
    end.copy(out, pos + item.bytes.length - at);
    return out;
  }

  /** Where the uid's closing quote ends; -1 when the bytes are not in the order that we write. */
  #uidEnd(bytes: Uint8Array): number {
    const buffer = asBuffer(bytes);
    const head = this.#storedHead;
    if (buffer.length < head.length || buffer.compare(head, 0, head.length, 0, head.length) !== 0) return -1;
    // A quote inside a string is escaped, so this is a field's name; and only strings come before it in the metadata.
    const at = buffer.indexOf(UID, head.length);
    const nested = buffer.indexOf(BRACE, head.length + METADATA_LENGTH);
    return at < 0 || (nested >= 0 && nested < at) ? -1 : buffer.indexOf(QUOTE, at + UID.length) + 1;
  }

  #reencode(item: Item, front: Buffer, end: Buffer): Uint8Array {
    const { kind: _, apiVersion: __, ...rest } = viewOf(this.#served, item);
    return Buffer.concat([front, Buffer.from(stringifyJson(rest).slice(1)), end]);
  }
}

const NOTHING = Buffer.alloc(0);
const UID = Buffer.from('"uid":"');
const QUOTE = 0x22;
const BRACE = 0x7b;
/** `"metadata":{` */
const METADATA_LENGTH = 12;
const EVENT_END = Buffer.from("}\n");
const EVENT: Readonly<Record<string, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};

function head(kind: string, apiVersion: string): Buffer {
  return Buffer.from(`{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
