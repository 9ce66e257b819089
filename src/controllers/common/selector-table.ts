import { cacheKey, type CachedObject, type Informer } from "../../client/index.ts";
import type { Selector } from "../../machinery/index.ts";
import type { MetaObject } from "./claims.ts";

interface Entry<T> {
  readonly object: T;
  readonly selector: Selector;
  readonly bucket: string;
}

type Labels = Readonly<Record<string, string>> | undefined;

/**
 * Objects by what they select: finds those whose selector matches given labels without trying all of them. Every selector is
 * filed under one label value that it insists on; lookups try the labels at hand. Follows its informer.
 */
export class SelectorTable<T extends CachedObject & MetaObject> {
  readonly #selectorOf: (object: T) => Selector;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #buckets = new Map<string, Set<string>>();

  /** `selectorOf` may throw for an object that cannot be read: it then selects nothing. */
  constructor(informer: Informer<T>, selectorOf: (object: T) => Selector) {
    this.#selectorOf = selectorOf;
    informer.handle({
      added: (object) => this.#put(object),
      updated: (object) => this.#put(object),
      deleted: (object) => this.#drop(cacheKey(object)),
    });
  }

  /** The objects in `namespace` whose selector matches; an empty selector matches everything. */
  *matching(namespace: string, labels: Labels): Generator<T> {
    yield* this.#matchingIn(`${namespace}/`, labels);
    for (const [key, value] of Object.entries(labels ?? {}))
      yield* this.#matchingIn(`${namespace}/${key}=${value}`, labels);
  }

  /** The compiled selector of the object named by `key`. */
  selector(key: string): Selector | undefined {
    return this.#entries.get(key)?.selector;
  }

  *#matchingIn(bucket: string, labels: Labels): Generator<T> {
    for (const key of this.#buckets.get(bucket) ?? []) {
      const entry = this.#entries.get(key);
      if (entry?.selector.matches(labels) === true) yield entry.object;
    }
  }

  #put(object: T): void {
    const key = cacheKey(object);
    this.#drop(key);
    const selector = this.#compile(object);
    if (selector === undefined || selector.nothing) return;
    const bucket = `${object.metadata.namespace ?? ""}/${anchorOf(selector)}`;
    this.#entries.set(key, { object, selector, bucket });
    const bucketKeys = this.#buckets.get(bucket);
    if (bucketKeys === undefined) this.#buckets.set(bucket, new Set([key]));
    else bucketKeys.add(key);
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const keys = this.#buckets.get(entry.bucket);
    keys?.delete(key);
    if (keys?.size === 0) this.#buckets.delete(entry.bucket);
  }

  #compile(object: T): Selector | undefined {
    try {
      return this.#selectorOf(object);
    } catch {
      return undefined;
    }
  }
}

/**
 * The label value to file a selector under; empty when it insists on none. The longest one is taken to be the rarest:
 * hashes and full names rather than `tier=web`.
 */
function anchorOf(selector: Selector): string {
  let anchor = "";
  for (const { key } of selector.requirements) {
    const value = selector.requiresExact(key);
    if (value === undefined) continue;
    const label = `${key}=${value}`;
    if (label.length > anchor.length) anchor = label;
  }
  return anchor;
}
