import type { CacheEvent } from "./emission.ts";
import type { FieldReader } from "./predicate.ts";
import type { CacheWatcher } from "./watcher.ts";

/**
 * The watchers of one resource, filed by the narrowest thing that every event they want has in common, so that an event
 * costs no look at the watchers of other namespaces, names or nodes.
 */
export class Watchers {
  readonly #buckets = new Map<string, Set<CacheWatcher>>();
  readonly #trigger: string | undefined;
  readonly #read: FieldReader;
  #size = 0;

  /** `trigger`: the field whose exact selection is worth an index of its own, such as a Pod's spec.nodeName. */
  constructor(read: FieldReader, trigger?: string) {
    this.#read = read;
    this.#trigger = trigger;
  }

  get size(): number {
    return this.#size;
  }

  add(watcher: CacheWatcher): void {
    const name = this.#bucketOf(watcher);
    const bucket = this.#buckets.get(name);
    if (bucket) bucket.add(watcher);
    else this.#buckets.set(name, new Set([watcher]));
    this.#size++;
  }

  delete(watcher: CacheWatcher): void {
    const name = this.#bucketOf(watcher);
    const bucket = this.#buckets.get(name);
    if (!bucket?.delete(watcher)) return;
    this.#size--;
    if (bucket.size === 0) this.#buckets.delete(name);
  }

  *[Symbol.iterator](): Generator<CacheWatcher> {
    for (const bucket of this.#buckets.values()) yield* bucket;
  }

  dispatch(event: CacheEvent): void {
    if (this.#size === 0) return;
    this.#offer("", event);
    const slash = event.key.indexOf("/");
    if (slash >= 0) this.#offer(`n:${event.key.slice(0, slash)}`, event);
    this.#offer(`k:${event.key}`, event);
    if (this.#trigger === undefined) return;
    const now = event.current && this.#read(event.current.object, this.#trigger);
    const before = event.previous && this.#read(event.previous.object, this.#trigger);
    if (now !== undefined) this.#offer(`f:${now}`, event);
    if (before !== undefined && before !== now) this.#offer(`f:${before}`, event);
  }

  #offer(name: string, event: CacheEvent): void {
    const bucket = this.#buckets.get(name);
    if (bucket) for (const watcher of bucket) watcher.offer(event);
  }

  #bucketOf({ predicate }: CacheWatcher): string {
    const name = predicate.exactName;
    if (name !== undefined && predicate.namespace !== undefined) return `k:${predicate.namespace}/${name}`;
    const pinned = this.#trigger === undefined ? undefined : predicate.fields?.exact(this.#trigger);
    if (pinned !== undefined) return `f:${pinned}`;
    return predicate.namespace === undefined ? "" : `n:${predicate.namespace}`;
  }
}
