import { describe, expect, it } from "vitest";
import {
  BrokenRecordError,
  decodeId,
  decodeIndexRecord,
  decodeMeta,
  encodeId,
  encodeIndexRecord,
  encodeMeta,
} from "./record.ts";
import { checksum, type IndexRecord } from "./record.ts";

const slot = { createRevision: 2 ** 40, size: 123_456, crc: checksum(Buffer.from("value")) };
const records: Record<string, IndexRecord> = {
  "a value": { key: "/registry/pods/default/a", slot, expiresAt: 0 },
  "a value that vanishes": { key: "/é中😀\0", slot: { ...slot, crc: -5, size: 0 }, expiresAt: 1_900_000_000_123 },
  "a deletion": { key: "/a", slot: undefined, expiresAt: 0 },
};
const id = encodeId({ revision: 2 ** 47 + 5, place: 127 });

describe("records on disk", () => {
  it("order by revision, then by place", () => {
    const ids = [
      [1, 0],
      [1, 1],
      [1, 300],
      [2, 0],
      [255, 9],
      [256, 0],
      [2 ** 40, 0],
    ] as const;
    const bytes = ids.map(([revision, place]) => encodeId({ revision, place }));
    expect(bytes.toSorted((a, b) => Buffer.compare(a, b))).toEqual(bytes);
    expect(bytes.map((each) => Object.values(decodeId(each)))).toEqual(ids);
  });

  for (const [what, record] of Object.entries(records)) {
    it(`come back as they were: ${what}`, () => {
      expect(decodeIndexRecord(id, encodeIndexRecord(id, record))).toEqual(record);
    });

    it(`show any bit that changed, and that they strayed: ${what}`, () => {
      const bytes = encodeIndexRecord(id, record);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decodeIndexRecord(id, flipped)).toThrow(BrokenRecordError);
      }
      expect(() => decodeIndexRecord(encodeId({ revision: 7, place: 127 }), bytes)).toThrow(BrokenRecordError);
      expect(() => decodeIndexRecord(id, bytes.subarray(0, 20))).toThrow(BrokenRecordError);
    });
  }

  it("know what the store is about", () => {
    const bytes = encodeMeta({ compacted: 17 });
    expect(decodeMeta(bytes)).toEqual({ compacted: 17 });
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    expect(() => decodeMeta(bytes)).toThrow(BrokenRecordError);
    expect(() => decodeMeta(Buffer.alloc(2))).toThrow(BrokenRecordError);
  });
});
