import type { Served } from "./kind.ts";

/** What changed in the catalog: clients of discovery and the openers of caches want to know. */
export type CatalogListener = () => void;

/**
 * All resources served at this moment, by group, version and name. Custom resources come and go while the server runs;
 * built-in ones stay.
 */
export class Catalog {
  readonly #served = new Map<string, Map<string, Served>>();
  readonly #listeners = new Set<CatalogListener>();
  #generation = 0;

  /** Counts changes, so that what is derived from the catalog can be cached. */
  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string, resource: string): Served | undefined {
    return this.#served.get(`${group}/${version}`)?.get(resource);
  }

  has(group: string, version: string): boolean {
    return this.#served.has(`${group}/${version}`);
  }

  /** Everything in one group and version, in the order it was added. */
  in(group: string, version: string): readonly Served[] {
    return [...(this.#served.get(`${group}/${version}`)?.values() ?? [])];
  }

  *[Symbol.iterator](): Generator<Served> {
    for (const version of this.#served.values()) yield* version.values();
  }

  /** Adds resources, replacing those of the same name. */
  add(...all: readonly Served[]): void {
    for (const served of all) {
      const { group, version, resource } = served.resource;
      const name = `${group}/${version}`;
      const known = this.#served.get(name);
      if (known) known.set(resource, served);
      else this.#served.set(name, new Map([[resource, served]]));
    }
    this.#changed();
  }

  remove(...all: readonly Served[]): void {
    for (const { resource } of all) {
      const name = `${resource.group}/${resource.version}`;
      const version = this.#served.get(name);
      version?.delete(resource.resource);
      if (version?.size === 0) this.#served.delete(name);
    }
    this.#changed();
  }

  /** Calls `listener` after every change; returns how to stop that. */
  onChange(listener: CatalogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    this.#generation++;
    for (const listener of this.#listeners) listener();
  }
}
