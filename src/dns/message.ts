/** DNS messages (RFC 1035): what a server must read of a query, and how it writes an answer. */

export const TYPE = { A: 1, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const RCODE = { ok: 0, formatError: 1, serverFailure: 2, nxDomain: 3, notImplemented: 4, refused: 5 } as const;
const CLASS_IN = 1;
const MAX_NAME = 255;

/** A query's one question; names are lower-case and without the last dot. */
export interface Question {
  readonly name: string;
  readonly type: number;
}

export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** The question as it was asked, case and all: it is echoed. */
  readonly questionBytes: Uint8Array;
  /** The largest UDP answer the asker takes: 512, or what its EDNS record says (RFC 6891). */
  readonly maxSize: number;
  readonly edns: boolean;
}

export type Data =
  | { readonly type: typeof TYPE.A | typeof TYPE.AAAA; readonly address: string }
  | { readonly type: typeof TYPE.CNAME | typeof TYPE.PTR; readonly target: string }
  | { readonly type: typeof TYPE.TXT; readonly text: string }
  | {
      readonly type: typeof TYPE.SRV;
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: typeof TYPE.SOA; readonly primary: string; readonly mailbox: string; readonly serial: number };

export interface ResourceRecord {
  readonly name: string;
  readonly ttl: number;
  readonly data: Data;
}

export interface Answer {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

/** Thrown for bytes that are no query; `id` is there when at least the header could be read. */
export class MalformedQuery extends Error {
  readonly id: number | undefined;
  readonly rcode: number;

  constructor(message: string, id?: number, rcode: number = RCODE.formatError) {
    super(message);
    this.name = "MalformedQuery";
    this.id = id;
    this.rcode = rcode;
  }
}

/** Reads a query with exactly one question. Throws {@link MalformedQuery}. Never reads out of bounds, never loops. */
export function parseQuery(bytes: Buffer): Query {
  if (bytes.length < 12) throw new MalformedQuery(`a DNS message has at least 12 bytes, not ${bytes.length}`);
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if (flags & 0x8000) throw new MalformedQuery("a response, not a query");
  if ((flags >> 11) & 0xf) throw new MalformedQuery("only standard queries are supported", id, RCODE.notImplemented);
  if (bytes.readUInt16BE(4) !== 1) throw new MalformedQuery("expected exactly one question", id);
  const [name, end] = readName(bytes, 12, id);
  if (end + 4 > bytes.length) throw new MalformedQuery("the question is cut off", id);
  const additional = bytes.readUInt16BE(10);
  const maxSize = additional > 0 ? ednsSize(bytes, end + 4) : undefined;
  return {
    id,
    recursionDesired: (flags & 0x0100) !== 0,
    question: { name: name.toLowerCase(), type: bytes.readUInt16BE(end) },
    questionBytes: bytes.subarray(12, end + 4),
    maxSize: Math.max(512, maxSize ?? 512),
    edns: maxSize !== undefined,
  };
}

/** A question's name: never compressed, so a pointer is an error. */
function readName(bytes: Buffer, start: number, id: number): [name: string, end: number] {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const size = bytes[at];
    if (size === undefined || at - start > MAX_NAME) throw new MalformedQuery("the name is cut off or too long", id);
    if (size === 0) return [labels.join("."), at + 1];
    if (size > 63) throw new MalformedQuery("a question's name must not be compressed", id);
    labels.push(bytes.toString("latin1", at + 1, at + 1 + size));
    at += 1 + size;
  }
}

/** The UDP size of an OPT record that follows the question directly, as every resolver sends it. */
function ednsSize(bytes: Buffer, at: number): number | undefined {
  if (at + 11 > bytes.length || bytes[at] !== 0 || bytes.readUInt16BE(at + 1) !== TYPE.OPT) return undefined;
  return bytes.readUInt16BE(at + 3);
}

/**
 * Writes an answer with compressed names. When it exceeds `limit` bytes, records are dropped from the end; the truncation
 * flag is set if an answer record had to go, so that the asker comes again over TCP.
 */
export function encodeAnswer(query: Query, answer: Answer, limit: number): Buffer {
  const writer = new Writer(limit - (query.edns ? OPT_RECORD.length : 0));
  writer.header(query.questionBytes);
  const answers = writer.records(answer.answers);
  const complete = answers === answer.answers.length;
  const authority = complete ? writer.records(answer.authority) : 0;
  const additional = complete ? writer.records(answer.additional) : 0;
  const flags =
    0x8080 | (answer.authoritative ? 0x0400 : 0) | (complete ? 0 : 0x0200) | (query.recursionDesired ? 0x0100 : 0);
  return writer.finish(
    query.id,
    flags | answer.rcode,
    [1, answers, authority, additional + (query.edns ? 1 : 0)],
    query.edns,
  );
}

/** An answer without any record, for what could not even be parsed. */
export function encodeError(id: number, rcode: number): Buffer {
  const out = Buffer.alloc(12);
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(0x8080 | rcode, 2);
  return out;
}

/** Our own EDNS record: version 0, 1,232 bytes of UDP (what fits every path without fragments). */
const OPT_RECORD = Buffer.from([0, 0, TYPE.OPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);

class Writer {
  #bytes = Buffer.alloc(512);
  #at = 12;
  readonly #limit: number;
  /** Where each name suffix was written first (RFC 1035, 4.1.4). */
  readonly #offsets = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  header(question: Uint8Array): void {
    this.#reserve(question.length);
    this.#bytes.set(question, this.#at);
    let name = "";
    const starts: [number, string][] = [];
    for (let at = 0; question[at]; at += 1 + (question[at] ?? 0)) starts.push([12 + at, ""]);
    for (const [offset] of starts.toReversed()) {
      const size = question[offset - 12] ?? 0;
      const label = Buffer.from(question.subarray(offset - 11, offset - 11 + size))
        .toString("latin1")
        .toLowerCase();
      name = name === "" ? label : `${label}.${name}`;
      this.#offsets.set(name, offset);
    }
    this.#at += question.length;
  }

  /** Writes records while they fit; returns how many did. */
  records(records: readonly ResourceRecord[]): number {
    let count = 0;
    for (const record of records) {
      const mark = this.#at;
      this.#record(record);
      if (this.#at > this.#limit) {
        this.#at = mark;
        break;
      }
      count++;
    }
    return count;
  }

  finish(id: number, flags: number, counts: readonly number[], edns: boolean): Buffer {
    this.#bytes.writeUInt16BE(id, 0);
    this.#bytes.writeUInt16BE(flags, 2);
    counts.forEach((count, i) => this.#bytes.writeUInt16BE(count, 4 + i * 2));
    const body = this.#bytes.subarray(0, this.#at);
    return edns ? Buffer.concat([body, OPT_RECORD]) : Buffer.from(body);
  }

  #record({ name, ttl, data }: ResourceRecord): void {
    this.#name(name);
    this.#reserve(10);
    this.#u16(data.type);
    this.#u16(CLASS_IN);
    this.#bytes.writeUInt32BE(ttl, this.#at);
    this.#at += 6;
    const start = this.#at;
    this.#data(data);
    this.#bytes.writeUInt16BE(this.#at - start, start - 2);
  }

  #data(data: Data): void {
    switch (data.type) {
      case TYPE.A:
      case TYPE.AAAA:
        return this.#put(addressBytes(data.address));
      case TYPE.CNAME:
      case TYPE.PTR:
        return this.#name(data.target);
      case TYPE.TXT:
        return this.#put(
          Buffer.concat([
            Buffer.from([Math.min(255, data.text.length)]),
            Buffer.from(data.text.slice(0, 255), "latin1"),
          ]),
        );
      case TYPE.SRV:
        this.#reserve(6);
        this.#u16(data.priority);
        this.#u16(data.weight);
        this.#u16(data.port);
        return this.#name(data.target, false);
      case TYPE.SOA:
        this.#name(data.primary);
        this.#name(data.mailbox);
        this.#reserve(20);
        for (const value of [data.serial, 7200, 1800, 86400, 30]) {
          this.#bytes.writeUInt32BE(value, this.#at);
          this.#at += 4;
        }
    }
  }

  /** `compress` is off for SRV targets, which must not be compressed (RFC 2782). */
  #name(name: string, compress = true): void {
    let rest = name;
    while (rest !== "") {
      const offset = compress ? this.#offsets.get(rest) : undefined;
      if (offset !== undefined && offset < this.#at) {
        this.#reserve(2);
        return this.#u16(0xc000 | offset);
      }
      if (this.#at < 0x4000) this.#offsets.set(rest, this.#at);
      const dot = rest.indexOf(".");
      const label = dot < 0 ? rest : rest.slice(0, dot);
      this.#put(Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]));
      rest = dot < 0 ? "" : rest.slice(dot + 1);
    }
    this.#put(Buffer.from([0]));
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #u16(value: number): void {
    this.#bytes.writeUInt16BE(value, this.#at);
    this.#at += 2;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes], Math.max(this.#bytes.length * 2, this.#at + size));
  }
}

function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const words = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Uint8Array.from([...front, ...zeros, ...back].flatMap((word) => [word >> 8, word & 0xff]));
}
