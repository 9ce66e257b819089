import { prefixEnd } from "../contract.ts";
import { byteLess } from "../shared/key-order.ts";

/** etcd's word for "no upper bound", and its smallest key. */
const ZERO = Buffer.from([0]);

/** The store's keys as etcd's: below a prefix, as bytes. */
export class KeySpace {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  encode(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  decode(bytes: Uint8Array): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().slice(this.#prefix.length);
  }

  /** Both bounds of `[start, end)`; undefined when nothing can lie between. */
  range(start: string, end: string): { readonly key: Buffer; readonly rangeEnd: Buffer } | undefined {
    if (end !== "" && !byteLess(start, end)) return undefined;
    const bound = end === "" ? prefixEnd(this.#prefix) : this.#prefix + end;
    const key = this.#prefix + start;
    return { key: key === "" ? ZERO : Buffer.from(key), rangeEnd: bound === "" ? ZERO : Buffer.from(bound) };
  }
}
