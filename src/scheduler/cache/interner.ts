/** Gives each text a small number, for good: 0, 1, 2, ... in order of first sight. For sets of texts that stay bounded. */
export class Interner {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];

  /** `names` take the first numbers. */
  constructor(names: readonly string[] = []) {
    for (const name of names) this.id(name);
  }

  /** How many numbers were given. */
  get size(): number {
    return this.#names.length;
  }

  id(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#names.length;
      this.#ids.set(name, id);
      this.#names.push(name);
    }
    return id;
  }

  /** The number of a text seen before. */
  find(name: string): number | undefined {
    return this.#ids.get(name);
  }

  name(id: number): string {
    return this.#names[id] ?? "";
  }
}
