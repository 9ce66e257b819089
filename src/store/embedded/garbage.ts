import { deferred, type Deferred } from "../../kit/index.ts";
import type { StoreError } from "../errors.ts";
import type { Meta, RecordId } from "./record.ts";

/** A part of the garbage, to be taken out with one write. */
export interface Chore {
  readonly batch: { readonly removes: readonly RecordId[]; readonly meta: Meta };
  done(): void;
  failed(error: StoreError): void;
}

/** Keeps garbage from being taken out while somebody may still read it. */
export interface Pin {
  release(): void;
}

interface Heap {
  /** Grows with every compaction. */
  readonly generation: number;
  readonly ids: readonly RecordId[];
  taken: number;
}

/** How many records one write takes out: beside commits few, alone more. */
const PORTION = { beside: 256, alone: 2048 };

/**
 * The records that compactions left without readers, and the note on disk up to where history is gone. The note is
 * durable before or with the first record's removal, so that an interrupted compaction leaves garbage, never a gap.
 */
export class Garbage {
  #heaps: Heap[] = [];
  #generation = 0;
  readonly #pins = new Set<{ readonly generation: number }>();
  #meta: Meta;
  #waiting: Deferred<void>[] = [];
  #noted = true;
  readonly #kick: () => void;

  /** `kick` is called when there is something to take. */
  constructor(meta: Meta, kick: () => void) {
    this.#meta = meta;
    this.#kick = kick;
  }

  /** Adds what a compaction to `meta.compacted` left; resolves once that compaction is durable. */
  add(ids: readonly RecordId[], meta: Meta): Promise<void> {
    this.#meta = meta;
    this.#noted = false;
    this.leave(ids);
    const noted = deferred();
    this.#waiting.push(noted);
    this.#kick();
    return noted.promise;
  }

  /** Adds garbage of a compaction that is noted already. */
  leave(ids: readonly RecordId[]): void {
    if (ids.length > 0) this.#heaps.push({ generation: ++this.#generation, ids, taken: 0 });
  }

  /** Until released, whatever becomes garbage from now on stays readable. */
  pin(): Pin {
    const pin = { generation: this.#generation };
    this.#pins.add(pin);
    return {
      release: () => {
        this.#pins.delete(pin);
        if (this.#heaps.length > 0) this.#kick();
      },
    };
  }

  /** Leaves the rest to the next start; a compaction that is not noted yet still will be. */
  close(): void {
    this.#heaps = [];
  }

  /** What to take out with the next write; undefined when there is nothing. */
  take(besideCommits: boolean): Chore | undefined {
    const heap = this.#heaps[0];
    const free = heap && [...this.#pins].every((pin) => pin.generation >= heap.generation) ? heap : undefined;
    if (!free && this.#noted) return undefined;
    const meta = this.#meta;
    const portion = besideCommits ? PORTION.beside : PORTION.alone;
    const removes = free ? free.ids.slice(free.taken, free.taken + portion) : [];
    return {
      batch: { removes, meta },
      done: () => {
        if (free) this.#advance(free, removes.length);
        if (meta === this.#meta) this.#settle((waiting) => waiting.resolve());
      },
      failed: (error) => this.#settle((waiting) => waiting.reject(error)),
    };
  }

  #advance(heap: Heap, count: number): void {
    heap.taken += count;
    if (heap.taken >= heap.ids.length && this.#heaps[0] === heap) this.#heaps.shift();
  }

  #settle(settle: (waiting: Deferred<void>) => void): void {
    this.#noted = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach(settle);
  }
}
