import type { Clock, Env, Histogram } from "../../kit/index.ts";
import type { CommitResult, Entry, GetResult, Op, RangeQuery, RangeResult, ReadOptions } from "../contract.ts";
import type { Store, WatchBatch, WatchEvent, WatchQuery } from "../contract.ts";
import { CorruptStoreError, StoreClosedError } from "../errors.ts";
import { Expiry, type Expired } from "../shared/expiry.ts";
import type { KeyRange } from "../shared/key-order.ts";
import { checkKey, checkOps, checkRange } from "../shared/requests.ts";
import { Retention, type RetentionOptions } from "../shared/retention.ts";
import type { Version, VersionIndex } from "../shared/version-index.ts";
import { WatchHub } from "../shared/watch-hub.ts";
import { DEFAULT_WATCH_LIMITS, type Replay, type WatchLimits } from "../shared/watch-types.ts";
import { Committer, type Pending } from "./committer.ts";
import type { Database } from "./database.ts";
import { Garbage } from "./garbage.ts";
import { loadIndex } from "./loader.ts";
import { checksum, type Slot } from "./record.ts";

/** How {@link EmbeddedStore} keeps history and watches. */
export interface EmbeddedTuning {
  /** How much history is kept. */
  readonly retention?: RetentionOptions;
  /** How much an unread watch may hold before it reads history instead. */
  readonly watchLimits?: WatchLimits;
}

/** What the store is made of. */
export interface EmbeddedParts extends EmbeddedTuning {
  readonly env: Pick<Env, "clock" | "log" | "metrics">;
  readonly database: Database;
  /** For messages. */
  readonly path: string;
  /** Called once everything is closed. */
  readonly released: () => void;
}

/** How many values a range reads before others get their turn. */
const READ_CHUNK = 1024;
/** How long to wait before deleting expired keys is tried again, in milliseconds. */
const EXPIRY_RETRY = 1000;

/** The durable store: values on disk, an index of all versions in memory. `store/README.md` tells how its parts fit. */
export class EmbeddedStore implements Store {
  readonly #clock: Clock;
  readonly #env: EmbeddedParts["env"];
  readonly #path: string;
  readonly #database: Database;
  readonly #released: () => void;
  readonly #index: VersionIndex<Slot>;
  readonly #hub: WatchHub;
  readonly #expiry: Expiry;
  readonly #retention: Retention;
  readonly #garbage: Garbage;
  readonly #committer: Committer;
  readonly #flushSeconds: Histogram;
  #closing: Promise<void> | undefined;

  /** Loads the index from `parts.database`, which the store then owns. */
  constructor(parts: EmbeddedParts) {
    const { env, database, path } = parts;
    this.#env = env;
    this.#clock = env.clock;
    this.#path = path;
    this.#database = database;
    this.#released = parts.released;
    const loaded = loadIndex(database, path);
    this.#index = loaded.index;
    this.#flushSeconds = env.metrics.histogram("k8ts_store_flush_duration_seconds", {
      help: "How long a group of commits took to reach the disk.",
      buckets: [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096],
    });
    this.#garbage = new Garbage({ compacted: this.#index.compacted }, () => this.#committer.kick());
    this.#committer = this.#createCommitter();
    this.#hub = new WatchHub(
      env.clock,
      this.#history(),
      this.#index.revision,
      parts.watchLimits ?? DEFAULT_WATCH_LIMITS,
    );
    this.#retention = new Retention(env.clock, parts.retention);
    if (this.#index.commits > 1) this.#retention.note(this.#index.compacted + 1, loaded.historyBytes);
    this.#expiry = new Expiry(env.clock, (due) => due.forEach((expired) => this.#expire(expired)));
    for (const { key, revision, at } of loaded.deadlines) this.#expiry.note(key, revision, at);
    this.#garbage.leave(loaded.garbage);
    if (loaded.garbage.length > 0) this.#committer.kick();
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    this.#mustBeOpen("get");
    checkKey(key);
    const version = this.#index.at(key, this.#index.resolve(options.revision));
    const entry = version && this.#read(version);
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
    return { revision, entries: await this.#readAll(versions), more, count };
  }

  async commit(ops: readonly Op[]): Promise<CommitResult> {
    this.#mustBeOpen("commit");
    checkOps(ops);
    return this.#committer.commit(ops);
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
    await this.#compact(revision);
  }

  async size(): Promise<number> {
    this.#mustBeOpen("read the size");
    return this.#database.size();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#expiry.close();
    this.#garbage.close();
    await this.#committer.close();
    this.#hub.close();
    await this.#database.close();
    this.#released();
  }

  #mustBeOpen(action: string): void {
    if (this.#closing) throw new StoreClosedError(action);
  }

  #createCommitter(): Committer {
    return new Committer({
      clock: this.#clock,
      database: this.#database,
      index: this.#index,
      garbage: this.#garbage,
      entryAt: (key) => {
        const head = this.#index.head(key);
        return head && this.#read(head);
      },
      landed: (commit) => this.#landed(commit),
      measured: (seconds, commits) => {
        if (commits > 0) this.#flushSeconds.observe(seconds);
      },
    });
  }

  /** The entry that `version` stands for; undefined when it is a deletion. */
  #read({ key, revision, place, value: slot }: Version<Slot>): Entry | undefined {
    if (!slot) return undefined;
    const value = slot.size === 0 ? Buffer.alloc(0) : this.#database.read({ revision, place });
    if (!value) throw this.#damaged(`the value of ${JSON.stringify(key)} at revision ${revision} is missing`);
    if (value.length !== slot.size || checksum(value) !== slot.crc) {
      throw this.#damaged(`the checksum of ${JSON.stringify(key)} at revision ${revision} does not fit`);
    }
    return { key, value, createRevision: slot.createRevision, modRevision: revision };
  }

  #damaged(what: string): CorruptStoreError {
    return new CorruptStoreError(this.#path, what);
  }

  /** Reads in portions, between which others have their turn; a compaction meanwhile takes nothing away. */
  async #readAll(versions: readonly Version<Slot>[]): Promise<Entry[]> {
    const entries: Entry[] = [];
    const pin = versions.length > READ_CHUNK ? this.#garbage.pin() : undefined;
    try {
      for (const [i, version] of versions.entries()) {
        if (i > 0 && i % READ_CHUNK === 0) {
          await new Promise(setImmediate);
          this.#mustBeOpen("range");
        }
        entries.push(this.#read(version) as Entry);
      }
    } finally {
      pin?.release();
    }
    return entries;
  }

  #landed(commit: Pending): void {
    const { revision, ops, puts, bytes } = commit;
    for (const { record } of puts) this.#expiry.note(record.key, revision, record.expiresAt || undefined);
    try {
      const wanted = ops.some((op) => this.#hub.wants(op.key));
      this.#hub.publish({ revision, bytes, events: wanted ? this.#events(commit) : [] });
    } catch (error) {
      this.#hub.fail(error);
    }
    const forget = this.#retention.note(revision, bytes);
    if (forget === undefined) return;
    this.#compact(forget).catch((error: unknown) => this.#env.log.warn("store: compaction failed", { error }));
  }

  /** The events of a commit that was just applied; the values are those that were committed, not read again. */
  #events(commit: Pending): WatchEvent[] {
    const versions = this.#index.commit(commit.revision);
    return commit.ops.map((op, i) => {
      const version = versions[i] as Version<Slot>;
      const value = op.kind === "put" ? op.value : undefined;
      const entry = version.value && value && entryOf(version, version.value, value);
      return this.#event(version, entry);
    });
  }

  #event(version: Version<Slot>, entry: Entry | undefined): WatchEvent {
    const previous = version.previous && this.#read(version.previous);
    const before = previous && { previous };
    if (entry) return { type: "put", entry, ...before };
    return { type: "delete", key: version.key, revision: version.revision, ...before };
  }

  #history(): { readonly compacted: number; replay(range: KeyRange, from: number, limit: number): Replay } {
    const index = this.#index;
    return {
      get compacted() {
        return index.compacted;
      },
      replay: (range, from, limit) => this.#replay(range, from, limit),
    };
  }

  #replay(range: KeyRange, from: number, limit: number): Replay {
    const batches: WatchBatch[] = [];
    let next = from;
    for (; next <= this.#index.revision && batches.length < limit; next++) {
      const touching = this.#index.commit(next).filter((version) => range.has(version.key));
      if (touching.length === 0) continue;
      batches.push({ revision: next, events: touching.map((version) => this.#event(version, this.#read(version))) });
    }
    return { batches, next };
  }

  #expire({ key, revision }: Expired): void {
    this.#committer.commit([{ kind: "delete", key, expect: revision }]).catch((error: unknown) => {
      if (this.#closing) return;
      this.#env.log.warn("store: cannot delete an expired key; trying again", { key, error });
      this.#expiry.note(key, revision, this.#clock.now() + EXPIRY_RETRY);
    });
  }

  async #compact(revision: number): Promise<void> {
    const before = this.#index.compacted;
    const gone = this.#index.compact(revision);
    if (this.#index.compacted === before) return;
    const ids = gone.map((version) => ({ revision: version.revision, place: version.place }));
    await this.#garbage.add(ids, { compacted: this.#index.compacted });
  }
}

function entryOf({ key, revision }: Version<Slot>, { createRevision }: Slot, value: Uint8Array): Entry {
  return { key, value, createRevision, modRevision: revision };
}
