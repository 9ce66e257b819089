import { growInt32 } from "./grow.ts";

/**
 * The values of one label key over all node slots, as numbers: 0 where the node lacks it. Numbers of values are given for
 * good. Plugins read it; only the cache writes.
 */
export class LabelColumn {
  readonly key: string;
  /** By slot; replaced when the table grows, so do not hold it across turns. */
  values: Int32Array;
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [""];

  constructor(key: string, capacity: number) {
    this.key = key;
    this.values = new Int32Array(capacity);
  }

  /** Numbers given so far lie below it. */
  get size(): number {
    return this.#names.length;
  }

  /** The number of a value, 0 when no node ever had it. */
  find(value: string): number {
    return this.#ids.get(value) ?? 0;
  }

  name(id: number): string {
    return this.#names[id] ?? "";
  }

  set(slot: number, value: string | undefined): void {
    this.values[slot] = value === undefined ? 0 : this.#id(value);
  }

  grow(capacity: number): void {
    this.values = growInt32(this.values, capacity);
  }

  #id(value: string): number {
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#names.length;
      this.#ids.set(value, id);
      this.#names.push(value);
    }
    return id;
  }
}
