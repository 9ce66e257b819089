import type { Remote } from "../aggregation/types.ts";
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
  #remotes: readonly Remote[] = [];
  readonly #coming = new Set<Promise<void>>();
  #generation = 0;

  /** Counts changes, so that what is derived from the catalog can be cached. */
  get generation(): number {
    return this.#generation;
  }

  /** Groups and versions that other servers answer for. */
  get remotes(): readonly Remote[] {
    return this.#remotes;
  }

  setRemotes(remotes: readonly Remote[]): void {
    this.#remotes = remotes;
    this.#changed();
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

  /** Runs what is about to add resources: whoever misses one waits for it. */
  async expect(adding: () => Promise<void>): Promise<void> {
    const done = adding();
    const quiet = done.catch(() => undefined);
    this.#coming.add(quiet);
    try {
      await done;
    } finally {
      this.#coming.delete(quiet);
    }
  }

  /** {@link find}, after what is about to be added was. */
  async findSettled(group: string, version: string, resource: string): Promise<Served | undefined> {
    const found = this.find(group, version, resource);
    if (found || this.#coming.size === 0) return found;
    await Promise.all(this.#coming);
    return this.find(group, version, resource);
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
