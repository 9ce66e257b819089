import { type CachedObject, cacheKey, type Informer } from "../../client/index.ts";
import { deepEqual, type Selector } from "../../machinery/index.ts";
import type { MetaObject } from "./claims.ts";
import type { LabelClass, LabelClasses } from "./label-classes.ts";
import type { Synced } from "./synced.ts";
import { SelectorTable } from "./selector-table.ts";

/**
 * Which pods (or other objects) each of many selecting objects selects, kept up to date at the cost of a change: a pod that
 * appears looks its selectors up, a selector that appears tries the distinct sets of labels in its namespace. Usable once
 * {@link whenSynced} has resolved.
 */
export class Selected<S extends CachedObject & MetaObject, T extends CachedObject & MetaObject> implements Synced {
  readonly #selecting: Informer<S>;
  readonly #objects: Informer<T>;
  readonly #classes: LabelClasses<T>;
  readonly #table: SelectorTable<S>;
  readonly #selected = new Map<string, Set<LabelClass>>();
  #built = false;

  constructor(
    selecting: Informer<S>,
    objects: Informer<T>,
    classes: LabelClasses<T>,
    selectorOf: (object: S) => Selector,
  ) {
    this.#selecting = selecting;
    this.#objects = objects;
    this.#classes = classes;
    this.#table = new SelectorTable(selecting, selectorOf);
    selecting.handle({
      added: (object) => this.#selectorChanged(object),
      updated: (object, before) => {
        if (!deepEqual(specOf(object), specOf(before))) this.#selectorChanged(object);
      },
      deleted: (object) => this.#selected.delete(cacheKey(object)),
    });
    classes.listen({
      appeared: (cls) => this.#classAppeared(cls),
      vanished: (cls) => this.#classVanished(cls),
    });
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.#selecting.whenSynced(signal), this.#objects.whenSynced(signal)]);
    if (this.#built) return;
    this.#built = true;
    for (const cls of this.#classes.all()) this.#classAppeared(cls);
  }

  /** What the object named by `key` selects. */
  *by(key: string): Generator<T> {
    for (const cls of this.#selected.get(key) ?? []) {
      for (const member of cls.members) {
        const object = this.#objects.lister.get(member);
        if (object !== undefined) yield object;
      }
    }
  }

  /** Who selects objects with these labels. */
  selecting(namespace: string, labels: Readonly<Record<string, string>> | undefined): Iterable<S> {
    return this.#table.matching(namespace, labels);
  }

  #selectorChanged(object: S): void {
    if (!this.#built) return;
    const key = cacheKey(object);
    const selector = this.#table.selector(key);
    const selected = new Set<LabelClass>();
    if (selector !== undefined) {
      for (const cls of this.#classes.inNamespace(object.metadata.namespace ?? "")) {
        if (selector.matches(cls.labels)) selected.add(cls);
      }
    }
    if (selected.size === 0) this.#selected.delete(key);
    else this.#selected.set(key, selected);
  }

  #classAppeared(cls: LabelClass): void {
    if (!this.#built) return;
    for (const object of this.#table.matching(cls.namespace, cls.labels)) {
      const key = cacheKey(object);
      const selected = this.#selected.get(key);
      if (selected === undefined) this.#selected.set(key, new Set([cls]));
      else selected.add(cls);
    }
  }

  #classVanished(cls: LabelClass): void {
    for (const object of this.#table.matching(cls.namespace, cls.labels)) {
      this.#selected.get(cacheKey(object))?.delete(cls);
    }
  }
}

function specOf(object: unknown): unknown {
  return (object as { readonly spec?: unknown }).spec;
}
