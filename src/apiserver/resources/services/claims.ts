import type { Random } from "../../../kit/index.ts";

/**
 * Who owns what: things that stored objects have, and things that requests under way have claimed. A claim becomes
 * property once the object is seen stored with it, and is void again when it is released.
 */
export class ClaimTable<K> {
  readonly #owners = new Map<K, string>();
  readonly #property = new Map<string, Set<K>>();
  readonly #claimed = new Map<K, string>();

  /** Whether nobody has it, or this owner already does. */
  isFree(key: K, owner: string): boolean {
    const holder = this.#owners.get(key) ?? this.#claimed.get(key);
    return holder === undefined || holder === owner;
  }

  /** Whether nobody at all has it. */
  isUnused(key: K): boolean {
    return !this.#owners.has(key) && !this.#claimed.has(key);
  }

  /** Claims it; false when somebody else has it. */
  claim(key: K, owner: string): boolean {
    if (!this.isFree(key, owner)) return false;
    if (!this.#owners.has(key)) this.#claimed.set(key, owner);
    return true;
  }

  /** Gives a claim back. What is property stays. */
  release(key: K, owner: string): void {
    if (this.#claimed.get(key) === owner) this.#claimed.delete(key);
  }

  /** Says what an owner has from now on: all of `keys`, and nothing else. */
  settle(owner: string, keys: readonly K[]): void {
    for (const key of this.#property.get(owner) ?? []) if (this.#owners.get(key) === owner) this.#owners.delete(key);
    for (const key of keys) {
      this.#owners.set(key, owner);
      this.release(key, owner);
    }
    if (keys.length > 0) this.#property.set(owner, new Set(keys));
    else this.#property.delete(owner);
  }
}

/** How much of a range's start is left to those who choose for themselves. */
export interface ReservedPart {
  readonly min: number;
  readonly max: number;
  /** The part is the range's size divided by this. */
  readonly step: number;
}

/** Picks from a range at random, from its start only when the rest is full. */
export class RangePicker {
  readonly #size: number;
  readonly #reserved: number;
  readonly #random: Random;

  constructor(size: number, random: Random, part: ReservedPart) {
    this.#size = size;
    this.#random = random;
    this.#reserved = size <= part.min ? 0 : Math.min(Math.max(Math.trunc(size / part.step), part.min), part.max);
  }

  /** The offset of something free; undefined when all is taken. */
  pick(isFree: (offset: number) => boolean): number | undefined {
    return this.#from(this.#reserved, this.#size, isFree) ?? this.#from(0, this.#reserved, isFree);
  }

  #from(start: number, end: number, isFree: (offset: number) => boolean): number | undefined {
    const size = end - start;
    const first = size > 0 ? this.#random.int(size) : 0;
    for (let i = 0; i < size; i++) {
      const offset = start + ((first + i) % size);
      if (isFree(offset)) return offset;
    }
    return undefined;
  }
}
