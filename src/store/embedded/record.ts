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
/** Where the parts of an index record lie. */
const AT = { flags: 0, createRevision: 1, size: 7, crc: 11, expiresAt: 15, key: 21 };
const TRAILER = 4;
const DELETED = 1;
/** What CRC-32 makes of any bytes that end with their own CRC-32 in little-endian order. */
const RESIDUE = 0x2144df1c;

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
 * The index record: flags (1 byte), create revision (6), size (4), the value's CRC-32 (4), expiry (6), the key in UTF-8;
 * integers big-endian; and the CRC-32 of all that, begun with the id, in little-endian order (4).
 */
export function encodeIndexRecord(id: Buffer, record: IndexRecord): Buffer {
  const { key, slot, expiresAt } = record;
  const bytes = Buffer.allocUnsafe(AT.key + Buffer.byteLength(key) + TRAILER);
  const end = bytes.length - TRAILER;
  bytes[AT.flags] = slot ? 0 : DELETED;
  bytes.writeUIntBE(slot?.createRevision ?? 0, AT.createRevision, 6);
  bytes.writeUInt32BE(slot?.size ?? 0, AT.size);
  bytes.writeInt32BE(slot?.crc ?? 0, AT.crc);
  bytes.writeUIntBE(Math.ceil(expiresAt), AT.expiresAt, 6);
  bytes.write(key, AT.key, "utf8");
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end), seedOf(id)), end);
  return bytes;
}

/** Throws {@link BrokenRecordError} when the checksum does not fit. */
export function decodeIndexRecord(id: Buffer, bytes: Buffer): IndexRecord {
  if (bytes.length <= AT.key + TRAILER || crc32(bytes, seedOf(id)) !== RESIDUE) {
    throw new BrokenRecordError(`the checksum of index record ${id.toString("hex")} does not fit`);
  }
  const key = bytes.toString("utf8", AT.key, bytes.length - TRAILER);
  if (((bytes[AT.flags] ?? 0) & DELETED) !== 0) return { key, slot: undefined, expiresAt: 0 };
  const slot: Slot = {
    createRevision: bytes.readUIntBE(AT.createRevision, 6),
    size: bytes.readUInt32BE(AT.size),
    crc: bytes.readInt32BE(AT.crc),
  };
  return { key, slot, expiresAt: bytes.readUIntBE(AT.expiresAt, 6) };
}

/** A record that strayed to another id has a checksum that does not fit there. */
function seedOf(id: Buffer): number {
  return (id.readUInt32BE(0) ^ id.readUInt32BE(4)) >>> 0;
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
