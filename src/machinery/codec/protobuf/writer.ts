const encoder = new TextEncoder();

/**
 * Writes a message from its end to its beginning, so that the length of what a message contains is known when it is
 * to be written in front of it.
 */
export class ProtoWriter {
  #buffer = new Uint8Array(4096);
  /** Index of the first byte written; everything behind it is. */
  position = 4096;

  /** A copy of all that was written, or of what was written since `end`. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(this.position);
  }

  /** Makes room for `size` bytes in front and gives the index of the first. */
  #room(size: number): number {
    if (this.position < size) {
      const used = this.#buffer.length - this.position;
      let length = this.#buffer.length * 2;
      while (length < used + size) length *= 2;
      const larger = new Uint8Array(length);
      larger.set(this.#buffer.subarray(this.position), length - used);
      this.position = length - used;
      this.#buffer = larger;
    }
    this.position -= size;
    return this.position;
  }

  /** How many bytes were written since the writer stood at `mark`, measured by {@link mark}. */
  since(mark: number): number {
    return this.mark() - mark;
  }

  /** Bytes written so far: survives that the buffer grows. */
  mark(): number {
    return this.#buffer.length - this.position;
  }

  /** A length, a tag, or an integer of zero or more below 2^53. */
  varint(value: number): void {
    if (value < 0x80) {
      const only = this.#room(1);
      this.#buffer[only] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    let at = this.#room(size);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    this.#buffer[at] = rest;
  }

  /** Any 64-bit integer; negative ones take ten bytes. */
  integer(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value)) return this.varint(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.bytes(Uint8Array.from(bytes));
  }

  /** Text in UTF-8, without its length. */
  text(value: string): void {
    const { length } = value;
    const at = this.#room(length);
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.position = at + length;
        return this.bytes(encoder.encode(value));
      }
      this.#buffer[at + i] = unit;
    }
  }

  /** Bytes as they are, without their length. */
  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  /** An IEEE double, little-endian. */
  double(value: number): void {
    const at = this.#room(8);
    new DataView(this.#buffer.buffer).setFloat64(at, value, true);
  }
}
