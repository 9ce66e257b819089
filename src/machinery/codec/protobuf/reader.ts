import { ParseError } from "../../errors/parse-error.ts";

const decoder = new TextDecoder();
/** Texts shorter than this are decoded faster by hand. */
const SHORT = 24;

/** Reads the fields of one message. Throws {@link ParseError} at whatever is truncated or malformed. */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  /** Field number of the last {@link next}. */
  number = 0;
  /** Wire type of the last {@link next}. */
  wire = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Whether everything was read. */
  done(): boolean {
    return this.#at >= this.#end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.varint();
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.number === 0) throw new ParseError("proto: illegal tag 0");
    return true;
  }

  /** An integer below 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new ParseError("proto: integer overflow");
        return value;
      }
      scale *= 0x80;
    }
    throw new ParseError("proto: integer overflow");
  }

  /** A signed 64-bit integer; `bigint` where a double would lose digits. */
  integer(): number | bigint {
    const start = this.#at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    this.#at = start;
    return this.#longInteger();
  }

  #longInteger(): number | bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const signed = BigInt.asIntN(64, value);
      const number = Number(signed);
      return Number.isSafeInteger(number) ? number : signed;
    }
    throw new ParseError("proto: integer overflow");
  }

  /** A little-endian IEEE double. */
  double(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  /** A length and the bytes that follow it, not copied. */
  bytes(): Uint8Array {
    const length = this.varint();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A length and the message that follows it. */
  message(): ProtoReader {
    const length = this.varint();
    const at = this.#take(length);
    return new ProtoReader(this.#bytes, at, at + length);
  }

  /** A length and the text that follows it. */
  text(): string {
    const length = this.varint();
    const at = this.#take(length);
    if (length < SHORT) {
      let out = "";
      for (let i = at; i < at + length; i++) {
        const byte = this.#bytes[i] ?? 0;
        if (byte >= 0x80) return decoder.decode(this.#bytes.subarray(at, at + length));
        out += String.fromCharCode(byte);
      }
      return out;
    }
    return decoder.decode(this.#bytes.subarray(at, at + length));
  }

  /** Passes over the value of a field that nobody wants. */
  skip(): void {
    if (this.wire === 0) this.integer();
    else if (this.wire === 1) this.#take(8);
    else if (this.wire === 2) this.#take(this.varint());
    else if (this.wire === 5) this.#take(4);
    else throw new ParseError(`proto: illegal wireType ${this.wire}`);
  }

  /** Insists on the wire type of the field just read. */
  expect(wire: number, what: string): void {
    if (this.wire !== wire) throw new ParseError(`proto: wrong wireType = ${this.wire} for field ${what}`);
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ParseError("unexpected EOF");
    return this.#bytes[this.#at++] ?? 0;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw new ParseError("unexpected EOF");
    this.#at = at + length;
    return at;
  }
}
