import { encodeJson } from "../json.ts";
import { ParseError } from "../../errors/parse-error.ts";
import type { JsonObject } from "../../objects/fields.ts";
import { base64ToBytes } from "../../schema/base64.ts";
import type { Field, Shape, TypeTable } from "../../schema/model.ts";
import { typeTable } from "../../schema/type-table.ts";
import { parseDuration } from "../../values/duration.ts";
import { parseMicroTime, parseTime, plainTimeMs } from "../../values/time.ts";
import { DELIMITED, type MessagePlan, messagePlan, wireOf } from "./plan.ts";
import { ProtoWriter } from "./writer.ts";

/** Encodes an object as the message of its type, without an envelope. The object is trusted to have the type's structure. */
export function encodeMessage(object: JsonObject, table: TypeTable): Uint8Array<ArrayBuffer> {
  const writer = new ProtoWriter();
  writeMessage(messagePlan(table), object, writer);
  return writer.finish();
}

/** Writes the fields of a message in front of what the writer holds. */
export function writeMessage(plan: MessagePlan, object: JsonObject, writer: ProtoWriter): void {
  for (const slot of plan.descending) {
    const { field, number } = slot;
    if (field) {
      const value = object[field.name];
      if (value !== undefined && value !== null) writeField(field, number, value, writer);
    } else if (slot.inlined) {
      const mark = writer.mark();
      writeMessage(slot.inlined, object, writer);
      if (writer.since(mark) > 0) close(number, mark, writer);
    }
  }
}

/** Puts length and tag before what was written since the mark. */
function close(number: number, mark: number, writer: ProtoWriter): void {
  writer.varint(writer.since(mark));
  writer.varint(number * 8 + DELIMITED);
}

function writeField(field: Field, number: number, value: unknown, writer: ProtoWriter): void {
  const { shape } = field;
  if (field.wrapped && shape.kind === "list") {
    const mark = writer.mark();
    writeList(shape.item, 1, value as readonly unknown[], writer);
    if (writer.since(mark) > 0) close(number, mark, writer);
  } else if (shape.kind === "list") writeList(shape.item, number, value as readonly unknown[], writer);
  else if (shape.kind === "map") writeMap(shape.item, field.wrapped, number, value as JsonObject, writer);
  else if (field.pointer || !isZero(value)) writeValue(shape, number, value, field.pointer, writer);
}

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false;
}

function writeList(item: Shape, number: number, list: readonly unknown[], writer: ProtoWriter): void {
  for (let i = list.length - 1; i >= 0; i--) writeValue(item, number, list[i], true, writer);
}

/** Entries in the order of their keys, as upstream has them. */
function writeMap(item: Shape, wrapped: boolean, number: number, map: JsonObject, writer: ProtoWriter): void {
  for (const key of Object.keys(map).toSorted().reverse()) {
    const mark = writer.mark();
    if (wrapped && item.kind === "list") {
      const inner = writer.mark();
      writeList(item.item, 1, (map[key] ?? []) as readonly unknown[], writer);
      close(2, inner, writer);
    } else writeValue(item, 2, map[key], true, writer);
    writeValue({ kind: "string" }, 1, key, true, writer);
    close(number, mark, writer);
  }
}

/** A value with its tag; an empty message only when it must be there. */
function writeValue(shape: Shape, number: number, value: unknown, always: boolean, writer: ProtoWriter): void {
  const wire = wireOf(shape);
  if (wire === DELIMITED) {
    const mark = writer.mark();
    writeDelimited(shape, value, writer);
    if (always || writer.since(mark) > 0) close(number, mark, writer);
    return;
  }
  if (shape.kind === "double") writer.double(Number(value));
  else if (shape.kind === "boolean") writer.varint(value === true ? 1 : 0);
  else writer.integer(value as number | bigint);
  writer.varint(number * 8 + wire);
}

function writeDelimited(shape: Shape, value: unknown, writer: ProtoWriter): void {
  if (value === null || value === undefined) return;
  switch (shape.kind) {
    case "string":
      return writer.text(value as string);
    case "bytes":
      return writer.bytes(base64ToBytes(value as string));
    case "struct":
      return writeMessage(messagePlan(shape.table), value as JsonObject, writer);
    default:
      return writeSpecial(shape, value, writer);
  }
}

const TEXT: Shape = { kind: "string" };
const INT64: Shape = { kind: "int64" };

function writeSpecial(shape: Shape, value: unknown, writer: ProtoWriter): void {
  switch (shape.kind) {
    case "quantity":
      return writeValue(TEXT, 1, typeof value === "string" ? value : String(value as number), false, writer);
    case "intOrString":
      if (typeof value === "number") return value === 0 ? undefined : writeValue(INT64, 2, value, false, writer);
      writeValue(TEXT, 3, value, false, writer);
      return writeValue(INT64, 1, 1, false, writer);
    case "time":
      return writeInstant(plainTimeMs(value as string) ?? parseTime(value as string), 0, writer);
    case "microTime":
      return writeMicroTime(value as string, writer);
    case "duration":
      return writeValue(INT64, 1, Math.round(parseDuration(value as string) * 1e6), false, writer);
    case "raw":
    case "fields":
    case "json":
      return writeBytes(1, encodeJson(value), writer);
    case "schemaOrArray":
    case "schemaOrBool":
    case "schemaOrStrings":
      return writeSchema(shape.kind, value, writer);
    default:
      throw new ParseError(`proto: no encoding for a value of kind ${shape.kind}`);
  }
}

function writeBytes(number: number, bytes: Uint8Array, writer: ProtoWriter): void {
  const mark = writer.mark();
  writer.bytes(bytes);
  close(number, mark, writer);
}

function writeMicroTime(text: string, writer: ProtoWriter): void {
  const ms = parseMicroTime(text);
  const dot = text.indexOf(".");
  writeInstant(ms, Number(text.slice(dot + 1, dot + 7)) * 1000, writer);
}

function writeInstant(ms: number, nanos: number, writer: ProtoWriter): void {
  if (nanos > 0) writeValue(INT64, 2, nanos, false, writer);
  writeValue(INT64, 1, Math.floor(ms / 1000), false, writer);
}

function writeSchema(kind: string, value: unknown, writer: ProtoWriter): void {
  const table = typeTable("apiextensions.v1.JSONSchemaProps");
  if (!table) throw new ParseError("proto: the table of JSONSchemaProps is missing");
  const schema: Shape = { kind: "struct", table };
  if (kind === "schemaOrBool") {
    if (typeof value === "object") writeValue(schema, 2, value, true, writer);
    if (value !== false) writeValue({ kind: "boolean" }, 1, true, true, writer);
  } else if (!Array.isArray(value)) writeValue(schema, 1, value, true, writer);
  else if (kind === "schemaOrArray") writeList(schema, 2, value, writer);
  else writeList(TEXT, 2, value, writer);
}
