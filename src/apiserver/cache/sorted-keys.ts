/** A sorted set of strings: log n to find, a memory move to insert. Appending in order costs nothing extra. */
export class SortedKeys {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** Adds a key that is not in the set. */
  add(key: string): void {
    const last = this.#keys[this.#keys.length - 1];
    if (last === undefined || last < key) this.#keys.push(key);
    else this.#keys.splice(this.#lowerBound(key), 0, key);
  }

  delete(key: string): void {
    const at = this.#lowerBound(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  clear(): void {
    this.#keys.length = 0;
  }

  /** The keys in `[start, end)`; everything when both are absent. */
  slice(start?: string, end?: string): string[] {
    if (start === undefined && end === undefined) return this.#keys.slice();
    const from = start === undefined ? 0 : this.#lowerBound(start);
    return this.#keys.slice(from, end === undefined ? undefined : this.#lowerBound(end));
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
