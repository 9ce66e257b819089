import type { Op } from "../../../src/store/index.ts";

/** What one key should hold: the number its writer gave the value, or nothing. */
export type Cell = { readonly key: string; readonly sequence: number | undefined };

/** A line of the log that outlives the store: what a writer is about to do, and that it was acknowledged. */
export type LogLine =
  | { readonly kind: "intent"; readonly writer: number; readonly cells: readonly Cell[] }
  | { readonly kind: "ack"; readonly writer: number; readonly revision: number };

export const WRITERS = 16;
const KEYS_PER_WRITER = 24;

export function prefixOf(writer: number): string {
  return `/crash/${String(writer).padStart(2, "0")}/`;
}

export function keyOf(writer: number, slot: number): string {
  return `${prefixOf(writer)}${slot % KEYS_PER_WRITER}`;
}

/** A value from which its key and number can be read back, and any missing or foreign byte told. */
export function valueOf(key: string, sequence: number): Buffer {
  const head = `${key}#${sequence}#`;
  return Buffer.from(head.repeat(1 + (sequence % 120)));
}

/** The number in a value; throws when it is not one that {@link valueOf} makes for `key`. */
export function sequenceOf(key: string, value: Uint8Array): number {
  const sequence = Number(Buffer.from(value).toString().split("#")[1]);
  if (!valueOf(key, sequence).equals(value)) throw new Error(`${key} holds ${value.length} bytes that nobody wrote`);
  return sequence;
}

/** The ops that bring `cells` about, each expecting the revision that the writer knows of. */
export function opsOf(cells: readonly Cell[], known: ReadonlyMap<string, number>): Op[] {
  return cells.map(({ key, sequence }): Op => {
    const expect = known.get(key) ?? 0;
    if (sequence === undefined) return { kind: "delete", key, expect };
    return { kind: "put", key, value: valueOf(key, sequence), expect };
  });
}
