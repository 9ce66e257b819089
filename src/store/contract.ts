/**
 * The seam between the API server and whatever keeps its bytes. It speaks keys, bytes and revisions, as etcd
 * v3 does; object logic stays above it. Every implementation passes `store/conformance.ts`, and rejects with the errors
 * of `store/errors.ts` only.
 *
 * A revision is an integer that grows by exactly one with every commit. Revision 0 is "before anything"; a new store
 * stands at revision 1, empty, so that every answer has a positive revision.
 *
 * Keys are non-empty strings without lone surrogates, ordered by their UTF-8 bytes. Values are any bytes, none included.
 */
export interface Store {
  /** Reads one key at `revision` (default: now). `entry` is absent when the key did not exist then. */
  get(key: string, options?: ReadOptions): Promise<GetResult>;

  /**
   * Reads keys in `[start, end)` in byte order, as one snapshot at `revision` (default: now). The state read is durable.
   * Rejects with {@link CompactedError} when that revision is gone, {@link FutureRevisionError} when it is yet to come.
   */
  range(query: RangeQuery): Promise<RangeResult>;

  /**
   * Commits all `ops` at one new revision if every op's expectation holds, else nothing.
   * Resolves only after the commit is durable; a refusal too, after what it speaks of is. A key may occur once, and
   * {@link MAX_OPS} ops are guaranteed to fit. A commit that changes nothing (no ops, or only deletes of absent keys) makes no
   * revision. After a rejection nothing of the commit is there, save when the error is {@link UnavailableError}: then it
   * may or may not have happened.
   */
  commit(ops: readonly Op[]): Promise<CommitResult>;

  /**
   * Follows `[start, end)` from `fromRevision` on (inclusive; default: the next commit after this call). Yields every commit
   * that touched the range once, in order, with all its events in the range, and only after it is durable; and progress
   * marks, when asked for, saying that nothing up to their revision is still to come. Ends when the signal aborts, the
   * iterator is returned, or the store closes.
   * Throws {@link CompactedError} if `fromRevision` is gone and {@link SlowWatcherError} if the reader fell further behind than
   * history is kept. A reader that lags costs no memory without bound and holds up nobody.
   */
  watch(query: WatchQuery): AsyncIterable<WatchBatch>;

  /** The newest durable revision. */
  revision(): Promise<number>;

  /** The oldest revision that can still be read; everything before it was compacted. */
  compactedRevision(): Promise<number>;

  /**
   * Forgets history before `revision`, so that snapshot reads and watches start there at the earliest. Does nothing when
   * that is forgotten already; rejects with {@link FutureRevisionError} when `revision` is yet to come.
   */
  compact(revision: number): Promise<void>;

  /** Bytes on disk (or in memory), for `/metrics`. */
  size(): Promise<number>;

  /** Flushes, ends all watches, and releases what was opened. */
  close(): Promise<void>;
}

export interface ReadOptions {
  readonly revision?: number;
  /** May answer from a local replica that lags (etcd "serializable"). Default false: linearizable. */
  readonly stale?: boolean;
}

export interface Entry {
  readonly key: string;
  /** Owned by the store: never write into it. */
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface GetResult {
  /** The store's revision when it answered. */
  readonly revision: number;
  readonly entry?: Entry;
}

export interface RangeQuery extends ReadOptions {
  readonly start: string;
  /** Exclusive; empty: no bound. See {@link prefixEnd}. */
  readonly end: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** Only count: `entries` stays empty. */
  readonly countOnly?: boolean;
}

export interface RangeResult {
  readonly revision: number;
  readonly entries: readonly Entry[];
  /** More keys follow the last one given. */
  readonly more: boolean;
  /** All keys in the range at that revision, whatever the limit. */
  readonly count: number;
}

export type Op =
  | {
      readonly kind: "put";
      readonly key: string;
      /** Handed over: the caller must not write into it any more. */
      readonly value: Uint8Array;
      /** The key's modRevision must equal this; 0: the key must not exist; absent: whatever it is. */
      readonly expect?: number;
      /** The key vanishes this many seconds later. */
      readonly ttlSeconds?: number;
    }
  | { readonly kind: "delete"; readonly key: string; readonly expect?: number };

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** `current` holds what stood at the first key whose expectation failed (absent: nothing). */
  | { readonly ok: false; readonly revision: number; readonly failed: number; readonly current?: Entry };

export interface WatchQuery {
  readonly start: string;
  /** Exclusive; empty: no bound. */
  readonly end: string;
  readonly fromRevision?: number;
  /** Yield a progress batch at once, and whenever the store moved on without touching the range (at most every 100 ms). */
  readonly progress?: boolean;
  readonly signal: AbortSignal;
}

export interface WatchBatch {
  /** The commit's revision; with no events: a progress mark. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export type WatchEvent =
  /** `previous`: what the key held before; absent when it was created, or when that is compacted. */
  | { readonly type: "put"; readonly entry: Entry; readonly previous?: Entry }
  | { readonly type: "delete"; readonly key: string; readonly revision: number; readonly previous?: Entry };

/** How many ops a commit may hold at least (etcd's default limit). */
export const MAX_OPS = 128;

/** The first key after every key that begins with `prefix`; empty (no bound) when there is none. */
export function prefixEnd(prefix: string): string {
  const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return "";
}
