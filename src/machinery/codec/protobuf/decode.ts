import { decodeJson } from "../json.ts";
import { ParseError } from "../../errors/parse-error.ts";
import { type JsonObject, setField } from "../../objects/fields.ts";
import { bytesToBase64 } from "../../schema/base64.ts";
import type { Field, Shape, TypeTable } from "../../schema/model.ts";
import { isEmpty, type Plan, planOf, unsetValue } from "../../schema/normalize.ts";
import { typeTable } from "../../schema/type-table.ts";
import { formatDuration } from "../../values/duration.ts";
import { formatMicroTime, formatTime } from "../../values/time.ts";
import { DELIMITED, type MessagePlan, messagePlan, type Slot, wireOf } from "./plan.ts";
import { ProtoReader } from "./reader.ts";

/** Messages may nest this deep; no type needs more than a few dozen. */
const MAX_DEPTH = 1000;

/** What to do with an object that lies encoded inside another one. */
export type Nested = (bytes: Uint8Array, depth: number) => unknown;

/** Reads a message of a type into plain JSON in its normal form: fields in Go's order, what Go always prints filled in. */
export function decodeMessage(bytes: Uint8Array, table: TypeTable, nested: Nested, depth = 0): JsonObject {
  return new Decoder(nested).message(new ProtoReader(bytes), table, depth);
}

/** Values read so far, each at its field's order. */
type Slots = unknown[];

class Decoder {
  readonly #nested: Nested;

  constructor(nested: Nested) {
    this.#nested = nested;
  }

  message(reader: ProtoReader, table: TypeTable, depth: number): JsonObject {
    const slots: Slots = [];
    this.#into(slots, reader, messagePlan(table), depth);
    const out: JsonObject = {};
    for (const field of planOf(table).fields) {
      const value = slots[field.order];
      if (value === undefined) {
        if (field.always) out[field.name] = unsetValue(field);
      } else if (value === null ? field.pointer || !field.omitzero : isPrinted(field, value)) out[field.name] = value;
    }
    return out;
  }

  #into(out: Slots, reader: ProtoReader, plan: MessagePlan, depth: number): void {
    if (depth > MAX_DEPTH) throw new ParseError("proto: exceeded max depth");
    while (reader.next()) {
      const slot = plan.byNumber.get(reader.number);
      if (slot?.field) this.#field(out, slot.field, reader, depth);
      else if (slot?.inlined) this.#inlined(out, slot, slot.inlined, reader, depth);
      else reader.skip();
    }
  }

  #inlined(out: Slots, slot: Slot, plan: MessagePlan, reader: ProtoReader, depth: number): void {
    reader.expect(DELIMITED, String(slot.number));
    this.#into(out, reader.message(), plan, depth + 1);
  }

  #field(out: Slots, field: Field, reader: ProtoReader, depth: number): void {
    const { shape, name, order } = field;
    if (shape.kind === "list") {
      const list = (out[order] ??= []) as unknown[];
      if (field.wrapped) this.#wrapped(list, shape.item, reader, depth);
      else this.#item(list, shape.item, reader, depth, name);
    } else if (shape.kind === "map")
      this.#entry((out[order] ??= {}) as JsonObject, shape.item, field.wrapped, reader, depth);
    else {
      reader.expect(wireOf(shape), name);
      out[order] = this.#value(shape, reader, depth);
    }
  }

  /** One item; or many, when numbers come packed. */
  #item(list: unknown[], item: Shape, reader: ProtoReader, depth: number, name: string): void {
    const wire = wireOf(item);
    if (wire !== DELIMITED && reader.wire === DELIMITED) {
      const packed = new ProtoReader(reader.bytes());
      while (!packed.done()) list.push(this.#value(item, packed, depth));
      return;
    }
    reader.expect(wire, name);
    list.push(this.#value(item, reader, depth));
  }

  #wrapped(list: unknown[], item: Shape, reader: ProtoReader, depth: number): void {
    const inner = reader.message();
    while (inner.next()) {
      if (inner.number === 1) this.#item(list, item, inner, depth + 1, "items");
      else inner.skip();
    }
  }

  #entry(map: JsonObject, item: Shape, wrapped: boolean, reader: ProtoReader, depth: number): void {
    const entry = reader.message();
    let key = "";
    let value: unknown = wrapped ? [] : item.kind === "string" || item.kind === "bytes" ? "" : undefined;
    while (entry.next()) {
      if (entry.number === 1) key = entry.text();
      else if (entry.number !== 2) entry.skip();
      else if (wrapped && item.kind === "list") this.#wrapped(value as unknown[], item.item, entry, depth + 1);
      else {
        entry.expect(wireOf(item), "value");
        value = this.#value(item, entry, depth);
      }
    }
    setField(map, key, value ?? {});
  }

  #value(shape: Shape, reader: ProtoReader, depth: number): unknown {
    switch (shape.kind) {
      case "string":
        return reader.text();
      case "struct":
        return this.message(reader.message(), shape.table, depth + 1);
      case "int32":
      case "int64":
      case "uint32":
      case "uint64":
        return reader.integer();
      case "boolean":
        return reader.varint() !== 0;
      case "double":
        return reader.double();
      case "bytes":
        return bytesToBase64(reader.bytes());
      default:
        return this.#special(shape, reader.message(), depth + 1);
    }
  }

  #special(shape: Shape, reader: ProtoReader, depth: number): unknown {
    switch (shape.kind) {
      case "quantity":
        return fields(reader).text(1) || "0";
      case "intOrString":
        return intOrString(reader);
      case "time":
      case "microTime":
        return instant(shape.kind, reader);
      case "duration":
        return formatDuration(Number(fields(reader).integer(1)) / 1e6);
      case "raw":
      case "fields":
      case "json":
        return this.#raw(reader, depth);
      case "schemaOrArray":
      case "schemaOrBool":
      case "schemaOrStrings":
        return this.#schema(shape.kind, reader, depth);
      default:
        throw new ParseError(`proto: no decoding for a value of kind ${shape.kind}`);
    }
  }

  #raw(reader: ProtoReader, depth: number): unknown {
    const bytes = fields(reader).bytes(1);
    if (!bytes || bytes.length === 0) return null;
    return bytes[0] === 0x6b ? this.#nested(bytes, depth) : decodeJson(bytes);
  }

  #schema(kind: string, reader: ProtoReader, depth: number): unknown {
    const table = typeTable("apiextensions.v1.JSONSchemaProps");
    if (!table) throw new ParseError("proto: the table of JSONSchemaProps is missing");
    const list: unknown[] = [];
    let schema: JsonObject | undefined;
    let allows = false;
    const schemaNumber = kind === "schemaOrBool" ? 2 : 1;
    while (reader.next()) {
      if (reader.number === schemaNumber) schema = this.message(reader.message(), table, depth + 1);
      else if (kind === "schemaOrBool" && reader.number === 1) allows = reader.varint() !== 0;
      else if (kind === "schemaOrArray" && reader.number === 2)
        list.push(this.message(reader.message(), table, depth + 1));
      else if (kind === "schemaOrStrings" && reader.number === 2) list.push(reader.text());
      else reader.skip();
    }
    if (kind === "schemaOrBool") return schema ?? allows;
    return list.length > 0 ? list : (schema ?? null);
  }
}

/** Clients in Go write the zero values that JSON leaves out. */
function isPrinted(field: Plan, value: unknown): boolean {
  if (!field.omitempty || field.pointer) return true;
  if (field.shape.kind === "string") return value !== "";
  if (field.shape.kind === "boolean") return value === true;
  return !isEmpty(field.shape, value);
}

/** The fields of a small message, each by its number; the last one counts. */
function fields(reader: ProtoReader): {
  text(number: number): string;
  integer(number: number): number | bigint;
  bytes(number: number): Uint8Array | undefined;
} {
  const found = new Map<number, Uint8Array | number | bigint>();
  while (reader.next()) {
    if (reader.wire === 0) found.set(reader.number, reader.integer());
    else if (reader.wire === DELIMITED) found.set(reader.number, reader.bytes());
    else reader.skip();
  }
  const bytes = (number: number): Uint8Array | undefined => {
    const value = found.get(number);
    return value instanceof Uint8Array ? value : undefined;
  };
  return {
    bytes,
    text: (number) => new TextDecoder().decode(bytes(number)),
    integer: (number) => {
      const value = found.get(number);
      return typeof value === "number" || typeof value === "bigint" ? value : 0;
    },
  };
}

function intOrString(reader: ProtoReader): number | string {
  const read = fields(reader);
  return Number(read.integer(1)) === 1 ? read.text(3) : Number(read.integer(2));
}

/** Null for Go's zero time, which is an empty message. */
function instant(kind: string, reader: ProtoReader): string | null {
  if (reader.done()) return null;
  const read = fields(reader);
  const ms = Number(read.integer(1)) * 1000;
  if (Math.abs(ms) > 8.64e15) throw new ParseError("proto: time out of range");
  if (kind === "time") return formatTime(ms);
  const micros = Math.floor(Number(read.integer(2)) / 1000);
  return formatMicroTime(ms + Math.floor(micros / 1000), micros % 1000);
}
