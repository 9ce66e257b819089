/** Just enough DER (ITU-T X.690) to write certificates and to take certificate requests apart. */

/** Universal tags used by X.509. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), length(body.length), body]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => element(TAG.sequence, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => element(TAG.set, ...items);
export const octets = (content: Uint8Array): Buffer => element(TAG.octetString, content);
export const utf8 = (text: string): Buffer => element(TAG.utf8String, Buffer.from(text, "utf8"));
export const boolean = (value: boolean): Buffer => element(TAG.boolean, Buffer.from([value ? 0xff : 0]));
/** A bit string; `unused` counts the bits of the last byte that mean nothing. */
export const bits = (content: Uint8Array, unused = 0): Buffer => element(TAG.bitString, Buffer.from([unused]), content);
/** A context-specific element; `constructed` when it holds further elements. */
export const tagged = (number: number, constructed: boolean, ...content: readonly Uint8Array[]): Buffer =>
  element((constructed ? 0xa0 : 0x80) | number, ...content);

/** A non-negative integer, big-endian. */
export function integer(value: number | Uint8Array): Buffer {
  let bytes = typeof value === "number" ? Buffer.from([value]) : Buffer.from(value);
  while (bytes.length > 1 && bytes[0] === 0 && (bytes[1] ?? 0) < 0x80) bytes = bytes.subarray(1);
  return element(TAG.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [first * 40 + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128))
      septets.unshift((high & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return element(TAG.oid, Buffer.from(bytes));
}

/** A moment: UTCTime up to 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). Milliseconds are cut off. */
export function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const late = Number(text.slice(0, 4)) >= 2050;
  return element(late ? TAG.generalizedTime : TAG.utcTime, Buffer.from(late ? text : text.slice(2), "ascii"));
}

/** A parsed element; `content` and `whole` are views of the input. */
export interface DerNode {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** Reads the elements in `bytes`, one level deep. Throws RangeError for anything that is not well-formed DER. */
export function read(bytes: Buffer): DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length;) {
    const [size, header] = readLength(bytes, at + 1);
    const end = at + 1 + header + size;
    if (end > bytes.length)
      throw new RangeError(`DER element at ${at} claims ${size} bytes, ${bytes.length - at} are left`);
    nodes.push({ tag: bytes[at] ?? 0, content: bytes.subarray(at + 1 + header, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return nodes;
}

function readLength(bytes: Buffer, at: number): [size: number, header: number] {
  const first = bytes[at];
  if (first === undefined) throw new RangeError("DER element ends before its length");
  if (first < 0x80) return [first, 1];
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new RangeError(`DER length of ${count} bytes is not supported`);
  if (at + 1 + count > bytes.length) throw new RangeError("DER element ends inside its length");
  return [bytes.readUIntBE(at + 1, count), 1 + count];
}

/** The dotted form of an OBJECT IDENTIFIER's content. */
export function readOid(content: Buffer): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      parts.push(first, value - first * 40);
    } else parts.push(value);
    value = 0;
  }
  return parts.join(".");
}
