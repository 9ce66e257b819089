import { ParseError } from "../../errors/parse-error.ts";
import type { JsonObject } from "../../objects/fields.ts";
import type { TypeTable } from "../../schema/model.ts";
import { typeTable } from "../../schema/type-table.ts";
import { tableFor } from "../../schema/structure.ts";
import { decodeMessage } from "./decode.ts";
import { writeMessage } from "./encode.ts";
import { DELIMITED, messagePlan } from "./plan.ts";
import { ProtoReader } from "./reader.ts";
import { ProtoWriter } from "./writer.ts";

const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/**
 * An object as `application/vnd.kubernetes.protobuf`: four bytes that say so, then its kind and its message. Gives undefined for types that have no
 * protobuf form (custom resources, Table).
 */
export function encodeProtobuf(
  object: JsonObject,
  options: { readonly type?: TypeTable | string } = {},
): Uint8Array<ArrayBuffer> | undefined {
  const table = tableFor(object, options.type);
  if (!table || !hasProtobuf(table)) return undefined;
  const writer = new ProtoWriter();
  field(writer, 4, () => undefined);
  field(writer, 3, () => undefined);
  field(writer, 2, () => writeMessage(messagePlan(table), object, writer));
  field(writer, 1, () => {
    field(writer, 2, () => writer.text(textOf(object["kind"])));
    field(writer, 1, () => writer.text(textOf(object["apiVersion"])));
  });
  writer.bytes(MAGIC);
  return writer.finish();
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function field(writer: ProtoWriter, number: number, write: () => void): void {
  const mark = writer.mark();
  write();
  writer.varint(writer.since(mark));
  writer.varint(number * 8 + DELIMITED);
}

/** Whether objects of the type can be written in protobuf. */
export function hasProtobuf(table: TypeTable): boolean {
  return messagePlan(table).descending.length > 0;
}

/** Whether the bytes are an object in protobuf. */
export function isProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * The object in `application/vnd.kubernetes.protobuf`, as plain JSON in the form that `normalize` gives. `type` overrides what the bytes say.
 * Throws {@link ParseError}.
 */
export function decodeProtobuf(bytes: Uint8Array, options: { readonly type?: TypeTable | string } = {}): JsonObject {
  return decodeAt(bytes, options.type, 0);
}

function decodeAt(bytes: Uint8Array, type: TypeTable | string | undefined, depth: number): JsonObject {
  if (!isProtobuf(bytes)) {
    throw new ParseError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  const { apiVersion, kind, raw } = readUnknown(bytes);
  const given = typeof type === "string" ? typeTable(type) : type;
  const table = given ?? typeTable({ apiVersion, kind });
  if (!table)
    throw new ParseError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const nested = (inner: Uint8Array, at: number): unknown => decodeAt(inner, undefined, at);
  const object = decodeMessage(raw, table, nested, depth);
  return { ...(kind && { kind }), ...(apiVersion && { apiVersion }), ...object };
}

function readUnknown(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  const reader = new ProtoReader(bytes, MAGIC.length);
  const out = { apiVersion: "", kind: "", raw: new Uint8Array(0) as Uint8Array };
  while (reader.next()) {
    if (reader.number === 1 && reader.wire === DELIMITED) {
      const meta = reader.message();
      while (meta.next()) {
        if (meta.number === 1) out.apiVersion = meta.text();
        else if (meta.number === 2) out.kind = meta.text();
        else meta.skip();
      }
    } else if (reader.number === 2 && reader.wire === DELIMITED) out.raw = reader.bytes();
    else reader.skip();
  }
  return out;
}

/**
 * One frame of a protobuf watch: four bytes of length, big-endian, then the event with the object as {@link encodeProtobuf} wrote it.
 */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ProtoWriter();
  field(writer, 2, () => field(writer, 1, () => writer.bytes(object)));
  field(writer, 1, () => writer.text(type));
  const length = writer.mark();
  writer.bytes(Uint8Array.of(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff));
  return writer.finish();
}

/** Reads the event of a frame, its length taken off: the type, and the object's bytes. */
export function decodeWatchEvent(bytes: Uint8Array): { type: string; object: Uint8Array } {
  const reader = new ProtoReader(bytes);
  const out = { type: "", object: new Uint8Array(0) as Uint8Array };
  while (reader.next()) {
    if (reader.number === 1) out.type = reader.text();
    else if (reader.number === 2) {
      const raw = reader.message();
      while (raw.next()) {
        if (raw.number === 1) out.object = raw.bytes();
        else raw.skip();
      }
    } else reader.skip();
  }
  return out;
}
