import type { Clock, Logger, Timer } from "../../kit/index.ts";
import type { CommitResult, Entry, GetResult, Op, RangeQuery, RangeResult, ReadOptions } from "../contract.ts";
import type { Store, WatchBatch, WatchQuery } from "../contract.ts";
import {
  CompactedError,
  FutureRevisionError,
  InvalidRequestError,
  StoreClosedError,
  type StoreError,
} from "../errors.ts";
import { checkKey, checkOps, checkRange } from "../shared/requests.ts";
import { DEFAULT_WATCH_LIMITS, type WatchLimits } from "../shared/watch-types.ts";
import { Connection, type CallOptions } from "./connection.ts";
import { EtcdWatch, type WatchHome } from "./etcd-watch.ts";
import { isCompacted, isFuture, isLeaseGone, storeFault } from "./faults.ts";
import { KeySpace } from "./keys.ts";
import { Leases } from "./leases.ts";
import type { EtcdStoreOptions } from "./options.ts";
import type { Sent } from "./proto.ts";
import type { KeyValue, Methods, RangeRequest, RequestOp, ResponseHeader, TxnResponse } from "./schema.ts";

/** How many entries one call reads; larger ranges take several, at one revision. */
const PAGE = 4000;
const PROGRESS_EVERY = 100;
/** How often to look whether others have written, while somebody wants progress marks, in milliseconds. */
const LOOK_EVERY = 5000;
const MOD = 2;
const ZERO = Buffer.from([0]);

const READ = (action: string): CallOptions => ({ action, repeatable: true });

/** A real etcd v3 cluster as the store. */
export class EtcdStore implements Store, WatchHome {
  readonly clock: Clock;
  readonly log: Logger;
  readonly connection: Connection;
  readonly keys: KeySpace;
  readonly limits: WatchLimits;
  readonly #leases: Leases;
  readonly #watches = new Set<EtcdWatch>();
  readonly #pending = new Set<Promise<unknown>>();
  #seen = 0;
  #compacted = 1;
  #askTimer: Timer | undefined;
  #lookTimer: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EtcdStoreOptions) {
    this.clock = options.env.clock;
    this.log = options.env.log;
    this.connection = new Connection(options);
    this.keys = new KeySpace(options.prefix ?? "");
    this.limits = options.watchLimits ?? DEFAULT_WATCH_LIMITS;
    this.#leases = new Leases(options.env, this.connection);
  }

  get seenRevision(): number {
    return this.#seen;
  }

  saw(revision: number): void {
    if (revision <= this.#seen) return;
    this.#seen = revision;
    this.scheduleProgress();
  }

  async get(key: string, options: ReadOptions = {}): Promise<GetResult> {
    checkKey(key);
    const found = await this.#read({ key: this.keys.encode(key), ...readAt(options) }, "get", options.revision);
    const [kv] = found.kvs;
    return { revision: revisionOf(found), ...(kv && { entry: this.#entry(kv) }) };
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    checkRange(query);
    const bounds = this.keys.range(query.start, query.end);
    if (!bounds) {
      const none = await this.#read({ key: ZERO, countOnly: true, ...readAt(query) }, "range", query.revision);
      return { revision: revisionOf(none), entries: [], more: false, count: 0 };
    }
    const limit = query.limit ?? 0;
    const entries: Entry[] = [];
    const wanted = (): number => Math.min(PAGE, limit === 0 ? PAGE : limit - entries.length);
    const ask = { ...bounds, limit: wanted(), ...readAt(query), countOnly: query.countOnly === true };
    const first = await this.#read(ask, "range", query.revision);
    const revision = revisionOf(first);
    const at = query.revision ?? revision;
    let [page, more] = [first.kvs, first.more];
    for (;;) {
      for (const kv of page) entries.push(this.#entry(kv));
      const last = page.at(-1);
      if (!more || !last || (limit > 0 && entries.length >= limit)) break;
      const key = Buffer.concat([last.key, ZERO]);
      const next = await this.#read({ ...bounds, key, limit: wanted(), revision: at }, "range", at);
      [page, more] = [next.kvs, next.more];
    }
    return { revision, entries, more: more && query.countOnly !== true, count: first.count };
  }

  async commit(ops: readonly Op[]): Promise<CommitResult> {
    this.#mustBeOpen("commit");
    checkOps(ops);
    if (ops.length === 0) return { ok: true, revision: await this.revision() };
    const committing = this.#commit(ops);
    this.#pending.add(committing);
    try {
      return await committing;
    } finally {
      this.#pending.delete(committing);
    }
  }

  watch(query: WatchQuery): AsyncIterable<WatchBatch> {
    checkRange(query);
    const watch = new EtcdWatch(this, query);
    if (this.#closing) watch.end();
    else if (!query.signal.aborted) this.#watches.add(watch);
    this.#scheduleLook();
    return watch;
  }

  drop(watch: EtcdWatch): void {
    this.#watches.delete(watch);
  }

  async revision(): Promise<number> {
    return revisionOf(await this.#read({ key: ZERO, countOnly: true }, "read the revision", undefined));
  }

  async compactedRevision(): Promise<number> {
    this.#mustBeOpen("read the compacted revision");
    return (this.#compacted = Math.max(this.#compacted, await this.#probeCompaction()));
  }

  async compact(revision: number): Promise<void> {
    this.#mustBeOpen("compact");
    try {
      await this.connection.call("compact", { revision, physical: false }, READ("compact"));
      this.#compacted = Math.max(this.#compacted, revision);
    } catch (error) {
      // Somebody compacted to there or further before.
      if (isCompacted(error)) return;
      throw this.#fault(error, "compact", revision);
    }
  }

  async size(): Promise<number> {
    this.#mustBeOpen("read the size");
    try {
      return (await this.connection.call("status", {}, READ("read the size"))).dbSize;
    } catch (error) {
      throw this.#fault(error, "read the size", undefined);
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const watch of this.#watches) watch.end();
    this.#askTimer?.cancel();
    this.#lookTimer?.cancel();
    await Promise.allSettled(this.#pending);
    this.connection.close();
  }

  #mustBeOpen(action: string): void {
    if (this.#closing) throw new StoreClosedError(action);
  }

  async #read(request: Sent<RangeRequest>, action: string, revision: number | undefined): Promise<Methods["range"][1]> {
    this.#mustBeOpen(action);
    if (revision !== undefined && !(Number.isSafeInteger(revision) && revision >= 0)) {
      throw new InvalidRequestError(`revision ${revision} is not one: expected an integer that is not negative`);
    }
    // To etcd revision 0 means now.
    if (revision === 0) throw new CompactedError(0, this.#compacted);
    try {
      const response = await this.connection.call("range", request, READ(action));
      this.saw(revisionOf(response));
      return response;
    } catch (error) {
      throw this.#fault(error, action, revision);
    }
  }

  async #commit(ops: readonly Op[]): Promise<CommitResult> {
    for (let attempt = 0; ; attempt++) {
      const success = await Promise.all(ops.map((op) => this.#request(op)));
      const conditional = ops.filter((op) => op.expect !== undefined);
      const compare = conditional.map((op) => ({
        target: MOD,
        key: this.keys.encode(op.key),
        modRevision: op.expect ?? 0,
      }));
      const failure = conditional.map((op) => ({ requestRange: { key: this.keys.encode(op.key) } }));
      try {
        const options = { action: "commit", repeatable: false };
        return this.#result(ops, await this.connection.call("txn", { compare, success, failure }, options));
      } catch (error) {
        if (!isLeaseGone(error) || attempt > 2) throw this.#fault(error, "commit", undefined);
        this.#leases.reset();
      }
    }
  }

  async #request(op: Op): Promise<Sent<RequestOp>> {
    const key = this.keys.encode(op.key);
    if (op.kind === "delete") return { requestDeleteRange: { key } };
    const lease = op.ttlSeconds === undefined ? 0 : await this.#leases.take(op.ttlSeconds);
    return { requestPut: { key, value: op.value, lease } };
  }

  #result(ops: readonly Op[], response: TxnResponse): CommitResult {
    const revision = revisionOf(response);
    this.saw(revision);
    if (response.succeeded) return { ok: true, revision };
    const found = response.responses.map((each) => each.responseRange?.kvs[0]);
    for (const [failed, op] of ops.entries()) {
      if (op.expect === undefined) continue;
      const kv = found.shift();
      if ((kv?.modRevision ?? 0) === op.expect) continue;
      return { ok: false, revision, failed, ...(kv && { current: this.#entry(kv) }) };
    }
    throw storeFault("commit", this.connection.name, new Error("the transaction was refused for no reason"));
  }

  #entry(kv: KeyValue): Entry {
    const { createRevision, modRevision } = kv;
    // Copied out of the response, which would otherwise be kept as a whole.
    return { key: this.keys.decode(kv.key), value: Buffer.from(kv.value), createRevision, modRevision };
  }

  #fault(error: unknown, action: string, revision: number | undefined): StoreError {
    if (revision !== undefined && isCompacted(error)) {
      this.#compacted = Math.max(this.#compacted, revision + 1);
      return new CompactedError(revision, this.#compacted);
    }
    if (revision !== undefined && isFuture(error)) return new FutureRevisionError(revision, this.#seen);
    return storeFault(action, this.connection.name, error);
  }

  /** etcd tells how far it is compacted only to those who watch from too early. */
  async #probeCompaction(): Promise<number> {
    const { stream } = await this.connection.watch();
    try {
      return await new Promise<number>((resolve, reject) => {
        stream.on("error", (error) => reject(storeFault("read the compacted revision", this.connection.name, error)));
        stream.on("data", ({ created, canceled, compactRevision }: Methods["watch"][1]) => {
          if (canceled) resolve(compactRevision);
          else if (created) stream.write({ progressRequest: {} });
          // The watch has caught up with all of history: it is whole.
          else resolve(1);
        });
        stream.write({ createRequest: { key: this.keys.encode("\0compaction"), startRevision: 1 } });
      });
    } finally {
      stream.on("error", () => undefined);
      stream.cancel();
    }
  }

  scheduleProgress(): void {
    if (this.#askTimer || this.#closing || !this.#progressWatches().some((watch) => watch.lagsProgress)) return;
    this.#askTimer = this.clock.setTimer(PROGRESS_EVERY, () => {
      this.#askTimer = undefined;
      for (const watch of this.#progressWatches()) if (watch.lagsProgress) watch.askProgress();
      this.scheduleProgress();
    });
  }

  /** While somebody wants progress marks: looks now and then whether others have written. */
  #scheduleLook(): void {
    if (this.#lookTimer || this.#closing || this.#progressWatches().length === 0) return;
    this.#lookTimer = this.clock.setTimer(LOOK_EVERY, () => {
      this.#lookTimer = undefined;
      this.revision().catch((error: unknown) => this.log.debug("store: cannot look for progress", { error }));
      this.#scheduleLook();
    });
  }

  #progressWatches(): EtcdWatch[] {
    return [...this.#watches].filter((watch) => watch.wantsProgress);
  }
}

function readAt({ revision, stale }: ReadOptions): Sent<RangeRequest> {
  return { ...(revision !== undefined && { revision }), ...(stale && { serializable: true }) };
}

function revisionOf(response: { readonly header: ResponseHeader | null }): number {
  return response.header?.revision ?? 0;
}
