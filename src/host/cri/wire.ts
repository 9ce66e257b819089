import { CodedError } from "../../kit/index.ts";

/** Messages and enums as `tools/generate/cri.ts` writes them. */
export interface WireSchema {
  readonly messages: Readonly<Record<string, string>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

type Kind = "varint" | "signed" | "bool" | "string" | "bytes" | "double" | "enum" | "message" | "map";

interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: Kind;
  readonly type: string;
  readonly repeated: boolean;
}

interface Message {
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}

const SCALARS: Readonly<Record<string, Kind>> = {
  int32: "signed",
  int64: "signed",
  uint32: "varint",
  uint64: "varint",
  bool: "bool",
  string: "string",
  bytes: "bytes",
  double: "double",
};

const TWO_32 = 4_294_967_296;

/**
 * Protocol Buffers (proto3) over a table. 64-bit integers are JavaScript numbers: exact to 2^53, beyond that (nanosecond
 * timestamps) rounded to 256 ns. A decoded message has every scalar, list and map field; absent messages are undefined.
 */
export class Wire {
  readonly #schema: WireSchema;
  readonly #parsed = new Map<string, Message>();

  constructor(schema: WireSchema) {
    this.#schema = schema;
  }

  encode(type: string, value: object): Buffer {
    const out = new Sink();
    this.#write(out, this.#message(type), value as Record<string, unknown>);
    return out.done();
  }

  /** Throws `WireMalformed` for bytes that end early or hold impossible tags. */
  decode<T>(type: string, bytes: Uint8Array): T {
    return this.#read(this.#message(type), new Source(bytes)) as T;
  }

  #message(type: string): Message {
    const known = this.#parsed.get(type);
    if (known) return known;
    const row = this.#schema.messages[type];
    if (row === undefined) throw new CodedError("WireUnknownMessage", `no message "${type}" in the schema`);
    const fields = row === "" ? [] : row.split(/,(?![^<]*>)/).map((cell) => this.#field(cell));
    const message: Message = { fields, byNumber: new Map(fields.map((f) => [f.number, f])) };
    this.#parsed.set(type, message);
    return message;
  }

  #field(cell: string): Field {
    const [name = "", number = "", spec = ""] = cell.split(" ");
    const repeated = spec.startsWith("*");
    const type = repeated ? spec.slice(1) : spec;
    const kind: Kind =
      SCALARS[type] ?? (type.startsWith("map<") ? "map" : type in this.#schema.enums ? "enum" : "message");
    return { name, number: Number(number), kind, type, repeated };
  }

  #write(out: Sink, message: Message, value: Record<string, unknown>): void {
    for (const field of message.fields) {
      const given = value[field.name];
      if (given === undefined || given === null) continue;
      if (field.kind === "map") this.#writeMap(out, field, given as Record<string, string>);
      else if (field.repeated) for (const item of given as readonly unknown[]) this.#writeOne(out, field, item, true);
      else this.#writeOne(out, field, given, false);
    }
  }

  #writeMap(out: Sink, field: Field, map: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(map)) {
      const entry = new Sink();
      entry.text(1, key);
      entry.text(2, value);
      out.block(field.number, entry.done());
    }
  }

  #writeOne(out: Sink, field: Field, value: unknown, always: boolean): void {
    switch (field.kind) {
      case "string":
        if (always || value !== "") out.text(field.number, value as string);
        return;
      case "bytes":
        if (always || (value as Uint8Array).length > 0) out.block(field.number, value as Uint8Array);
        return;
      case "message": {
        const inner = new Sink();
        this.#write(inner, this.#message(field.type), value as Record<string, unknown>);
        out.block(field.number, inner.done());
        return;
      }
      case "double":
        if (always || value !== 0) out.double(field.number, value as number);
        return;
      default: {
        const number = this.#toNumber(field, value);
        if (always || number !== 0) {
          out.varint(field.number * 8);
          out.varint(number);
        }
      }
    }
  }

  #toNumber(field: Field, value: unknown): number {
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value === "number") return Math.trunc(value);
    const index = this.#schema.enums[field.type]?.indexOf(value as string) ?? -1;
    if (index < 0)
      throw new CodedError("WireValue", `field ${field.name}: ${JSON.stringify(value)} is no ${field.type}`);
    return index;
  }

  #read(message: Message, source: Source): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    for (const field of message.fields) {
      if (field.kind === "map") out[field.name] = {};
      else if (field.repeated) out[field.name] = [];
      else if (field.kind !== "message") out[field.name] = this.#zero(field);
    }
    while (!source.ended) {
      const tag = source.varint(false);
      const field = message.byNumber.get(Math.floor(tag / 8));
      const wireType = tag % 8;
      if (!field || !fits(field, wireType)) source.skip(wireType);
      else this.#readInto(out, field, source, wireType);
    }
    return out;
  }

  #readInto(out: Record<string, unknown>, field: Field, source: Source, wireType: number): void {
    if (field.kind === "map") {
      const entry = new Source(source.block());
      let [key, value] = ["", ""];
      while (!entry.ended) {
        const number = Math.floor(entry.varint(false) / 8);
        const text = entry.text();
        if (number === 1) key = text;
        else value = text;
      }
      Object.defineProperty(out[field.name], key, { value, enumerable: true, writable: true, configurable: true });
    } else if (!field.repeated) {
      out[field.name] = this.#readOne(field, source);
    } else if (wireType === 2 && field.kind !== "string" && field.kind !== "bytes" && field.kind !== "message") {
      const packed = new Source(source.block());
      while (!packed.ended) (out[field.name] as unknown[]).push(this.#readOne(field, packed));
    } else {
      (out[field.name] as unknown[]).push(this.#readOne(field, source));
    }
  }

  #readOne(field: Field, source: Source): unknown {
    switch (field.kind) {
      case "string":
        return source.text();
      case "bytes":
        return source.block();
      case "message":
        return this.#read(this.#message(field.type), new Source(source.block()));
      case "double":
        return source.double();
      case "bool":
        return source.varint(false) !== 0;
      case "enum":
        return this.#schema.enums[field.type]?.[source.varint(false)] ?? "";
      default:
        return source.varint(field.kind === "signed");
    }
  }

  #zero(field: Field): unknown {
    switch (field.kind) {
      case "string":
        return "";
      case "bytes":
        return new Uint8Array(0);
      case "bool":
        return false;
      case "enum":
        return this.#schema.enums[field.type]?.[0] ?? "";
      default:
        return 0;
    }
  }
}

/** Whether a field can come with that wire type; one that cannot is treated as unknown, as the specification asks. */
function fits(field: Field, wireType: number): boolean {
  if (field.kind === "double") return wireType === 1 || (field.repeated && wireType === 2);
  const block = field.kind === "string" || field.kind === "bytes" || field.kind === "message" || field.kind === "map";
  return block ? wireType === 2 : wireType === 0 || (field.repeated && wireType === 2);
}

/** A growing buffer that protobuf fields are written to. */
class Sink {
  #bytes = Buffer.allocUnsafe(128);
  #length = 0;

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  varint(value: number): void {
    this.#room(10);
    let low = value >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    while (high !== 0 || low > 127) {
      this.#bytes[this.#length++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  text(number: number, value: string): void {
    const size = Buffer.byteLength(value);
    this.varint(number * 8 + 2);
    this.varint(size);
    this.#room(size);
    this.#length += this.#bytes.write(value, this.#length, "utf8");
  }

  block(number: number, value: Uint8Array): void {
    this.varint(number * 8 + 2);
    this.varint(value.length);
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  double(number: number, value: number): void {
    this.varint(number * 8 + 1);
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** A cursor over protobuf bytes. */
class Source {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(signed: boolean): number {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed("ends inside a number");
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 128) return (signed ? high | 0 : high >>> 0) * TWO_32 + (low >>> 0);
    }
    throw malformed("has a number of more than 10 bytes");
  }

  block(): Buffer {
    const size = this.varint(false);
    if (this.#at + size > this.#bytes.length) throw malformed(`promises ${size} bytes that are not there`);
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  text(): string {
    return this.block().toString("utf8");
  }

  double(): number {
    if (this.#at + 8 > this.#bytes.length) throw malformed("ends inside a number");
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint(false);
    else if (wireType === 2) this.block();
    else if (wireType === 1 || wireType === 5) this.#at += wireType === 1 ? 8 : 4;
    else throw malformed(`has wire type ${wireType}`);
    if (this.#at > this.#bytes.length) throw malformed("ends inside a field");
  }
}

function malformed(what: string): CodedError {
  return new CodedError("WireMalformed", `a protobuf message ${what}`);
}
