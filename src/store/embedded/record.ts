import { crc32 } from "node:zlib";

/** Which version of which commit a record belongs to; ordered by revision, then by place in the commit. */
export interface RecordId {
  readonly revision: number;
  /** The op's place among the changes of its commit. */
  readonly place: number;
}

/** What is kept in memory of a living key's version; its value stays on disk. */
export interface Slot {
  readonly createRevision: number;
  readonly size: number;
  /** CRC-32 of the value, as a signed integer (which costs no heap). */
  readonly crc: number;
}

/** One version of a key as the index file has it; without `slot`: a deletion. */
export interface IndexRecord {
  readonly key: string;
  readonly slot: Slot | undefined;
  /** Milliseconds since the epoch at which the key vanishes; 0: never. */
  readonly expiresAt: number;
}

/** A record is not what was written. */
export class BrokenRecordError extends Error {}

const KEY_BYTES = 8;
const HEADER_BYTES = 25;
const DELETED = 1;

/** The key of a record: 6 bytes of revision, 2 of place, so that bytes order as ids do. */
export function encodeId(id: RecordId): Buffer {
  const bytes = Buffer.allocUnsafe(KEY_BYTES);
  bytes.writeUIntBE(id.revision, 0, 6);
  bytes.writeUInt16BE(id.place, 6);
  return bytes;
}

export function decodeId(bytes: Buffer): RecordId {
  if (bytes.length !== KEY_BYTES) throw new BrokenRecordError(`a record's key has ${bytes.length} bytes`);
  return { revision: bytes.readUIntBE(0, 6), place: bytes.readUInt16BE(6) };
}

/** CRC-32 of a value, as {@link Slot.crc} has it. */
export function checksum(value: Uint8Array): number {
  return crc32(value) | 0;
}

/**
 * The index record: CRC-32 of the id and the rest (4 bytes), flags (1), create revision (6), size (4), the value's
 * CRC-32 (4), expiry (6), and the key in UTF-8; integers big-endian.
 */
export function encodeIndexRecord(id: Buffer, record: IndexRecord): Buffer {
  const { key, slot, expiresAt } = record;
  const keyBytes = Buffer.byteLength(key);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + keyBytes);
  bytes[4] = slot ? 0 : DELETED;
  bytes.writeUIntBE(slot?.createRevision ?? 0, 5, 6);
  bytes.writeUInt32BE(slot?.size ?? 0, 11);
  bytes.writeInt32BE(slot?.crc ?? 0, 15);
  bytes.writeUIntBE(Math.ceil(expiresAt), 19, 6);
  bytes.write(key, HEADER_BYTES, "utf8");
  bytes.writeUInt32BE(crc32(bytes.subarray(4), crc32(id)), 0);
  return bytes;
}

/** Throws {@link BrokenRecordError} when the checksum does not fit. */
export function decodeIndexRecord(id: Buffer, bytes: Buffer): IndexRecord {
  if (bytes.length <= HEADER_BYTES || crc32(bytes.subarray(4), crc32(id)) !== bytes.readUInt32BE(0)) {
    throw new BrokenRecordError(`the checksum of index record ${id.toString("hex")} does not fit`);
  }
  const key = bytes.toString("utf8", HEADER_BYTES);
  if (((bytes[4] ?? 0) & DELETED) !== 0) return { key, slot: undefined, expiresAt: 0 };
  const slot: Slot = {
    createRevision: bytes.readUIntBE(5, 6),
    size: bytes.readUInt32BE(11),
    crc: bytes.readInt32BE(15),
  };
  return { key, slot, expiresAt: bytes.readUIntBE(19, 6) };
}

/** What the store knows of itself beside its records. */
export interface Meta {
  /** The oldest revision that can be read. */
  readonly compacted: number;
}

const MAGIC = "k8ts store";

export function encodeMeta(meta: Meta): Buffer {
  const text = Buffer.from(JSON.stringify({ magic: MAGIC, ...meta }));
  const bytes = Buffer.allocUnsafe(4 + text.length);
  bytes.writeUInt32BE(crc32(text), 0);
  text.copy(bytes, 4);
  return bytes;
}

/** Throws {@link BrokenRecordError} when these are not the bytes of {@link encodeMeta}. */
export function decodeMeta(bytes: Buffer): Meta {
  const text = bytes.subarray(4);
  if (bytes.length < 4 || crc32(text) !== bytes.readUInt32BE(0)) {
    throw new BrokenRecordError("the checksum of the meta record does not fit");
  }
  const { magic, compacted } = JSON.parse(text.toString()) as { magic?: unknown; compacted?: unknown };
  if (magic !== MAGIC || typeof compacted !== "number") throw new BrokenRecordError("the meta record is not one");
  return { compacted };
}
