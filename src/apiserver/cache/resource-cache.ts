import { errorText, type Env } from "../../kit/index.ts";
import { expired } from "../../machinery/index.ts";
import { type Entry, prefixEnd, type Store, type WatchEvent } from "../../store/index.ts";
import { type Bookmark, CacheEvent, emission, type Emission } from "./emission.ts";
import type { Feed, FeedSink } from "./feed.ts";
import type { Item, ParseHints } from "./item.ts";
import type { FieldReader, Predicate } from "./predicate.ts";
import { SortedKeys } from "./sorted-keys.ts";
import { CacheWatcher } from "./watcher.ts";
import { Watchers } from "./watchers.ts";
import { EventWindow } from "./window.ts";

export interface ResourceCacheOptions {
  readonly store: Store;
  readonly feed: Feed;
  readonly hints: ParseHints;
  readonly env: Env;
  /** Full key prefix, such as `/registry/pods/`. */
  readonly prefix: string;
  readonly read: FieldReader;
  /** See {@link Watchers}. */
  readonly trigger?: string;
  /** Told of every object when the cache loads and of every change after; undefined: it is gone. */
  observe?(key: string, item: Item | undefined): void;
}

export interface CacheSnapshot {
  readonly items: readonly Item[];
  readonly revision: number;
}

export interface CacheWatchOptions {
  readonly predicate: Predicate;
  /** Events after this revision; undefined: begin with the current state as ADDED events. */
  readonly from?: number;
  readonly bookmarks?: boolean;
  /** Mark the end of the current state with a bookmark. */
  readonly markInitialEnd?: boolean;
}

const BOOKMARK_MS = 60_000;
const RETRY_MS = 200;

/**
 * All objects of one resource, kept up to date by the feed. Starts when first asked; reading costs nothing but memory
 * references.
 */
export class ResourceCache implements FeedSink {
  readonly prefix: string;
  readonly #options: ResourceCacheOptions;
  readonly #items = new Map<string, Item>();
  readonly #keys = new SortedKeys();
  readonly #watchers: Watchers;
  #window = new EventWindow(0);
  #loaded = 0;
  #loading: Promise<void> | undefined;
  #pending: [WatchEvent, number][] | undefined;
  #closed = false;
  #bookmarking = false;
  #detach: () => void = () => undefined;

  constructor(options: ResourceCacheOptions) {
    this.#options = options;
    this.prefix = options.prefix;
    this.#watchers = new Watchers(options.read, options.trigger);
  }

  get size(): number {
    return this.#items.size;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Everything up to this revision is in. */
  get revision(): number {
    return Math.max(this.#options.feed.revision, this.#loaded);
  }

  /** Resolves once the cache holds what the store holds; the first call loads it. */
  ready(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Waits until a read is linearizable: sees every write acknowledged before the call. */
  async fresh(): Promise<void> {
    await this.ready();
    await this.#options.feed.fresh();
  }

  /** Waits until the cache has reached `revision`; rejects with 504 when that takes too long. */
  async reached(revision: number): Promise<void> {
    await this.ready();
    if (this.revision < revision) await this.#options.feed.reached(revision);
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  /** What matches, in key order, from the key `start` on (inclusive), as one consistent state. */
  snapshot(predicate: Predicate, start?: string): CacheSnapshot {
    const items: Item[] = [];
    for (const key of this.#keysFor(predicate, start)) {
      const item = this.#items.get(key);
      if (item && (predicate.selectsAll || predicate.matches(item))) items.push(item);
    }
    return { items, revision: this.revision };
  }

  /** Opens a watch. The cache must be ready. Throws 410 when `from` is older than what is kept. */
  watch(options: CacheWatchOptions): CacheWatcher {
    const { predicate, from } = options;
    if (from !== undefined && from < this.#window.floor) {
      throw expired(`too old resource version: ${from} (${this.#window.floor})`);
    }
    const watcher = new CacheWatcher(predicate, from ?? this.revision, options.bookmarks === true);
    if (from === undefined) watcher.prime(this.#initial(predicate, options.markInitialEnd === true));
    else for (const event of this.#window.after(from)) watcher.offer(event);
    if (!watcher.ended) this.#watchers.add(watcher);
    watcher.onEnd(() => this.#watchers.delete(watcher));
    if (watcher.bookmarks) this.#scheduleBookmarks();
    return watcher;
  }

  apply(event: WatchEvent, revision: number): void {
    if (this.#pending) this.#pending.push([event, revision]);
    else if (revision > this.#loaded) this.#apply(event, revision);
  }

  lost(): void {
    for (const watcher of this.#watchers) watcher.end(expired("the server lost its place in the store; list again"));
    this.#detach();
    this.#loading = undefined;
  }

  /** Ends all watches and stops following. */
  close(): void {
    this.#closed = true;
    this.#detach();
    this.endWatches();
  }

  /** Ends all watches, whose clients begin anew: what they are shown has another form now. */
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.end();
  }

  /** Sends every watcher that wants them a bookmark, at the current revision. */
  bookmark(): void {
    for (const watcher of this.#watchers) {
      if (watcher.bookmarks) watcher.push({ type: "BOOKMARK", revision: this.revision, initialEventsEnd: false });
    }
  }

  #keysFor(predicate: Predicate, start?: string): readonly string[] {
    const { namespace, exactName } = predicate;
    if (exactName !== undefined && namespace !== undefined) return [`${namespace}/${exactName}`];
    if (namespace === undefined) return this.#keys.slice(start);
    const low = `${namespace}/`;
    return this.#keys.slice(start !== undefined && start > low ? start : low, prefixEnd(low));
  }

  #initial(predicate: Predicate, mark: boolean): (Emission | Bookmark)[] {
    const { items, revision } = this.snapshot(predicate);
    const events: (Emission | Bookmark)[] = items.map((item) => emission("ADDED", item));
    if (mark) events.push({ type: "BOOKMARK", revision, initialEventsEnd: true });
    return events;
  }

  async #load(): Promise<void> {
    const { store, feed, env } = this.#options;
    await feed.start();
    this.#pending = [];
    this.#detach = feed.attach(this);
    for (;;) {
      try {
        const { entries, revision } = await store.range({ start: this.prefix, end: prefixEnd(this.prefix) });
        this.#install(entries, revision);
        return;
      } catch (error) {
        if (this.#closed) throw error;
        env.log.warn("Cannot read a resource from the store", { prefix: this.prefix, error: errorText(error) });
        await env.clock.sleep(RETRY_MS);
      }
    }
  }

  #install(entries: readonly Entry[], revision: number): void {
    const before = new Set(this.#items.keys());
    this.#items.clear();
    this.#keys.clear();
    for (const entry of entries) {
      const key = entry.key.slice(this.prefix.length);
      const item = this.#options.hints.item(this.prefix, key, entry.modRevision, entry.value);
      this.#items.set(key, item);
      this.#keys.add(key);
      before.delete(key);
      this.#options.observe?.(key, item);
    }
    for (const key of before) this.#options.observe?.(key, undefined);
    this.#loaded = revision;
    this.#window = new EventWindow(revision);
    const pending = this.#pending ?? [];
    this.#pending = undefined;
    for (const [event, at] of pending) this.apply(event, at);
  }

  #apply(event: WatchEvent, revision: number): void {
    const full = event.type === "put" ? event.entry.key : event.key;
    const key = full.slice(this.prefix.length);
    const previous = this.#items.get(key);
    let current: Item | undefined;
    if (event.type === "put") {
      current = this.#options.hints.item(this.prefix, key, event.entry.modRevision, event.entry.value);
      this.#items.set(key, current);
      if (!previous) this.#keys.add(key);
    } else {
      if (!previous) return;
      this.#items.delete(key);
      this.#keys.delete(key);
    }
    this.#options.observe?.(key, current);
    const seen = new CacheEvent(revision, key, this.#options.env.clock.now(), current, previous);
    this.#window.push(seen);
    this.#watchers.dispatch(seen);
  }

  /** One timer while somebody wants bookmarks, none otherwise. */
  #scheduleBookmarks(): void {
    if (this.#bookmarking) return;
    this.#bookmarking = true;
    this.#options.env.clock.setTimer(BOOKMARK_MS, () => {
      this.#bookmarking = false;
      if (this.#closed || this.#watchers.size === 0) return;
      this.bookmark();
      this.#scheduleBookmarks();
    });
  }
}
