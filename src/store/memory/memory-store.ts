import type { Env } from "../../kit/index.ts";
import type { CommitResult, Entry, GetResult, Op, RangeQuery, RangeResult, ReadOptions } from "../contract.ts";
import type { Store, WatchBatch, WatchEvent, WatchQuery } from "../contract.ts";
import { StoreClosedError } from "../errors.ts";
import { Expiry, type Expired } from "../shared/expiry.ts";
import type { KeyRange } from "../shared/key-order.ts";
import { checkKey, checkOps, checkRange } from "../shared/requests.ts";
import { Retention, type RetentionOptions } from "../shared/retention.ts";
import { VersionIndex, type Change, type Version } from "../shared/version-index.ts";
import { WatchHub } from "../shared/watch-hub.ts";
import { DEFAULT_WATCH_LIMITS, within, type Published, type Replay, type WatchLimits } from "../shared/watch-types.ts";

export interface MemoryStoreOptions {
  /** How much history is kept. */
  readonly retention?: RetentionOptions;
  /** How much an unread watch may hold before it reads history instead. */
  readonly watchLimits?: WatchLimits;
}

/** A store in memory, which can be copied. */
export interface MemoryStore extends Store {
  /**
   * A store with the same keys at the same revision that goes its own way. O(1): both share what neither has changed.
   * History before the current revision is not there. Give the copy an `env` whose clock shows the same time.
   */
  fork(env: Pick<Env, "clock">): MemoryStore;
}

/** A new store, empty, at revision 1. */
export function createMemoryStore(env: Pick<Env, "clock">, options: MemoryStoreOptions = {}): MemoryStore {
  return new VersionedMemory(env, options, new VersionIndex<Entry>());
}

class VersionedMemory implements MemoryStore {
  readonly #options: MemoryStoreOptions;
  readonly #index: VersionIndex<Entry>;
  readonly #hub: WatchHub;
  readonly #expiry: Expiry;
  readonly #retention: Retention;
  readonly #env: Pick<Env, "clock">;
  #bytes = 0;
  #closed = false;

  constructor(env: Pick<Env, "clock">, options: MemoryStoreOptions, index: VersionIndex<Entry>) {
    this.#env = env;
    this.#options = options;
    this.#index = index;
    this.#retention = new Retention(env.clock, options.retention);
    this.#expiry = new Expiry(env.clock, (due) => this.#expire(due));
    const history = {
      get compacted() {
        return index.compacted;
      },
      replay: (range: KeyRange, from: number, limit: number) => replay(index, range, from, limit),
    };
    this.#hub = new WatchHub(env.clock, history, index.revision, options.watchLimits ?? DEFAULT_WATCH_LIMITS);
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    this.#mustBeOpen("get");
    checkKey(key);
    const entry = this.#index.at(key, this.#index.resolve(options.revision))?.value;
    return { revision: this.#index.revision, ...(entry && { entry }) };
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    this.#mustBeOpen("range");
    checkRange(query);
    const { start, end, limit = 0 } = query;
    const at = this.#index.resolve(query.revision);
    const { revision } = this.#index;
    if (query.countOnly) return { revision, entries: [], more: false, count: this.#index.count(start, end, at) };
    const { versions, more, count } = this.#index.scan(start, end, at, limit);
    return { revision, entries: versions.map((version) => version.value as Entry), more, count };
  }

  async commit(ops: readonly Op[]): Promise<CommitResult> {
    this.#mustBeOpen("commit");
    checkOps(ops);
    return this.#commit(ops);
  }

  watch(query: WatchQuery): AsyncIterable<WatchBatch> {
    checkRange(query);
    return this.#hub.watch(query);
  }

  async revision(): Promise<number> {
    this.#mustBeOpen("read the revision");
    return this.#index.revision;
  }

  async compactedRevision(): Promise<number> {
    this.#mustBeOpen("read the compacted revision");
    return this.#index.compacted;
  }

  async compact(revision: number): Promise<void> {
    this.#mustBeOpen("compact");
    this.#compact(revision);
  }

  async size(): Promise<number> {
    return this.#bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#expiry.close();
    this.#hub.close();
  }

  fork(env: Pick<Env, "clock">): MemoryStore {
    this.#mustBeOpen("fork");
    const copy = new VersionedMemory(env, this.#options, this.#index.fork());
    copy.#bytes = this.#bytes;
    for (const { key, revision, at } of this.#expiry.entries()) copy.#expiry.note(key, revision, at);
    return copy;
  }

  #mustBeOpen(action: string): void {
    if (this.#closed) throw new StoreClosedError(action);
  }

  #commit(ops: readonly Op[]): CommitResult {
    const index = this.#index;
    for (const [failed, op] of ops.entries()) {
      if (op.expect === undefined) continue;
      const current = index.head(op.key)?.value;
      if ((current?.modRevision ?? 0) === op.expect) continue;
      return { ok: false, revision: index.revision, failed, ...(current && { current }) };
    }
    const revision = index.revision + 1;
    const effective = ops.filter((op) => op.kind === "put" || index.head(op.key)?.value !== undefined);
    if (effective.length === 0) return { ok: true, revision: index.revision };
    const versions = index.apply(effective.map((op) => this.#change(op, revision)));
    const published = publish(versions);
    this.#bytes += published.bytes;
    for (const op of effective) this.#noteExpiry(op, revision);
    this.#hub.publish(published);
    const forget = this.#retention.note(revision, published.bytes);
    if (forget !== undefined) this.#compact(forget);
    return { ok: true, revision };
  }

  #change(op: Op, modRevision: number): Change<Entry> {
    const { key } = op;
    if (op.kind === "delete") return { key, value: undefined };
    const createRevision = this.#index.head(key)?.value?.createRevision ?? modRevision;
    return { key, value: { key, value: op.value, createRevision, modRevision } };
  }

  #noteExpiry(op: Op, revision: number): void {
    const ttl = op.kind === "put" ? op.ttlSeconds : undefined;
    this.#expiry.note(op.key, revision, ttl === undefined ? undefined : this.#env.clock.now() + ttl * 1000);
  }

  #expire(due: readonly Expired[]): void {
    for (const { key, revision } of due) this.#commit([{ kind: "delete", key, expect: revision }]);
  }

  #compact(revision: number): void {
    for (const version of this.#index.compact(revision)) this.#bytes -= weigh(version);
  }
}

function weigh(version: Version<Entry>): number {
  return version.value ? version.key.length + version.value.value.length : 0;
}

function publish(versions: readonly Version<Entry>[]): Published {
  let bytes = 0;
  for (const version of versions) bytes += weigh(version);
  return { revision: (versions[0] as Version<Entry>).revision, events: versions.map(eventOf), bytes };
}

function eventOf({ key, revision, value, previous }: Version<Entry>): WatchEvent {
  const before = previous?.value && { previous: previous.value };
  return value ? { type: "put", entry: value, ...before } : { type: "delete", key, revision, ...before };
}

function replay(index: VersionIndex<Entry>, range: KeyRange, from: number, limit: number): Replay {
  const batches: WatchBatch[] = [];
  let next = from;
  for (; next <= index.revision && batches.length < limit; next++) {
    const versions = index.commit(next);
    if (versions.length === 0) continue;
    const batch = within(publish(versions), range);
    if (batch) batches.push(batch);
  }
  return { batches, next };
}
