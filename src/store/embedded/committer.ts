import { deferred, type Clock, type Deferred } from "../../kit/index.ts";
import type { CommitResult, Entry, Op } from "../contract.ts";
import { StoreClosedError, type StoreError } from "../errors.ts";
import type { Change, VersionIndex } from "../shared/version-index.ts";
import type { Database, PutRecord } from "./database.ts";
import type { Garbage } from "./garbage.ts";
import { checksum, type Slot } from "./record.ts";

/** A commit that was decided upon and waits for the disk. */
export interface Pending {
  readonly revision: number;
  /** The ops that change something. */
  readonly ops: readonly Op[];
  readonly puts: readonly PutRecord[];
  readonly changes: readonly Change<Slot>[];
  /** What its values weigh. */
  readonly bytes: number;
  readonly done: Deferred<CommitResult>;
}

/** What the committer does not decide by itself. */
export interface CommitterOptions {
  readonly clock: Clock;
  readonly database: Database;
  readonly index: VersionIndex<Slot>;
  readonly garbage: Garbage;
  /** Reads the entry that a version in the index stands for. */
  readonly entryAt: (key: string) => Entry | undefined;
  /** Called for every commit, in order, once it is durable and before anybody is told. Must not throw. */
  readonly landed: (commit: Pending) => void;
  /** Called after each write with what it took, in seconds, and how many commits it carried. */
  readonly measured: (seconds: number, commits: number) => void;
}

/** The newest version of a key, durable or not yet. */
interface Head {
  readonly revision: number;
  readonly slot: Slot | undefined;
  readonly value: Uint8Array | undefined;
}

/** What one write may carry; commits that come meanwhile go with the next. */
const BATCH = { ops: 4096, bytes: 8 * 1024 * 1024 };

/**
 * Decides commits in the order they come, against the newest state including what is not durable yet, and makes them
 * durable in groups: one write at a time, all that came meanwhile in the next. When a write fails, all commits that wait
 * are rejected, because they were decided upon a state that never came to be.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Pending[] = [];
  /** Keys that waiting commits write. */
  readonly #heads = new Map<string, Head>();
  /** The newest revision given away. */
  #revision: number;
  #last: Pending | undefined;
  #running: Promise<void> | undefined;
  #closing = false;
  #suspect = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#revision = options.index.revision;
  }

  /** See `Store.commit`; `ops` are checked. */
  async commit(ops: readonly Op[]): Promise<CommitResult> {
    for (;;) {
      if (this.#closing) throw new StoreClosedError("commit");
      const waitFor = this.#last;
      const answer = this.#refuse(ops) ?? this.#accept(ops);
      if (answer instanceof Promise) return answer;
      // The answer speaks of a state that must be durable before it may be told.
      if (!waitFor) return answer;
      const failed = await waitFor.done.promise.then(
        () => false,
        () => true,
      );
      if (!failed) return answer;
    }
  }

  /** Begins to write whatever waits: commits and garbage. */
  kick(): void {
    this.#running ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined;
        if (this.#queue.length > 0) this.kick();
      });
  }

  /** Refuses new commits, and resolves once all that were accepted are settled. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#running) await this.#running;
  }

  #head(key: string): Head | undefined {
    const waiting = this.#heads.get(key);
    if (waiting) return waiting;
    const version = this.#options.index.head(key);
    return version && { revision: version.revision, slot: version.value, value: undefined };
  }

  #refuse(ops: readonly Op[]): CommitResult | undefined {
    for (const [failed, op] of ops.entries()) {
      if (op.expect === undefined) continue;
      const head = this.#head(op.key);
      if ((head?.slot ? head.revision : 0) === op.expect) continue;
      const current = head?.slot && this.#entry(op.key, head, head.slot);
      return { ok: false, revision: this.#revision, failed, ...(current && { current }) };
    }
    return undefined;
  }

  #entry(key: string, head: Head, slot: Slot): Entry | undefined {
    if (!head.value) return this.#options.entryAt(key);
    return { key, value: head.value, createRevision: slot.createRevision, modRevision: head.revision };
  }

  /** Queues what `ops` change; a result at once when that is nothing. */
  #accept(ops: readonly Op[]): Promise<CommitResult> | CommitResult {
    const effective = ops.filter((op) => op.kind === "put" || this.#head(op.key)?.slot);
    if (effective.length === 0) return { ok: true, revision: this.#revision };
    const commit = this.#prepare(effective, ++this.#revision);
    for (const op of effective) {
      const slot = commit.changes.length === 1 ? commit.changes[0]?.value : slotOf(commit, op.key);
      this.#heads.set(op.key, { revision: commit.revision, slot, value: op.kind === "put" ? op.value : undefined });
    }
    this.#queue.push(commit);
    this.#last = commit;
    this.kick();
    return commit.done.promise;
  }

  #prepare(ops: readonly Op[], revision: number): Pending {
    let bytes = 0;
    const now = this.#options.clock.now();
    const puts = ops.map((op, place): PutRecord => {
      const id = { revision, place };
      if (op.kind === "delete") return { id, record: { key: op.key, slot: undefined, expiresAt: 0 }, value: undefined };
      const { key, value } = op;
      bytes += value.length;
      const createRevision = this.#head(key)?.slot?.createRevision ?? revision;
      const slot = { createRevision, size: value.length, crc: checksum(value) };
      const expiresAt = op.ttlSeconds === undefined ? 0 : Math.ceil(now + op.ttlSeconds * 1000);
      return { id, record: { key, slot, expiresAt }, value: value.length > 0 ? value : undefined };
    });
    const changes = puts.map(({ record }) => ({ key: record.key, value: record.slot }));
    return { revision, ops, puts, changes, bytes, done: deferred<CommitResult>() };
  }

  async #run(): Promise<void> {
    for (;;) {
      const commits = this.#take();
      const chore = this.#options.garbage.take(commits.length > 0);
      if (commits.length === 0 && !chore) return;
      const began = this.#options.clock.monotonic();
      try {
        if (this.#suspect) await this.#recover();
        await this.#options.database.write({
          puts: commits.flatMap((commit) => commit.puts),
          removes: [],
          ...chore?.batch,
        });
      } catch (error) {
        this.#suspect = true;
        chore?.failed(error as StoreError);
        this.#fail(commits, error as StoreError);
        if (commits.length === 0) return;
        continue;
      }
      this.#options.measured((this.#options.clock.monotonic() - began) / 1000, commits.length);
      chore?.done();
      for (const commit of commits) this.#land(commit);
    }
  }

  /** The commits that go with the next write. */
  #take(): readonly Pending[] {
    let [count, ops, bytes] = [0, 0, 0];
    for (const commit of this.#queue) {
      ops += commit.ops.length;
      bytes += commit.bytes;
      if (count > 0 && (ops > BATCH.ops || bytes > BATCH.bytes)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #land(commit: Pending): void {
    this.#options.index.apply(commit.changes);
    for (const { key } of commit.ops) {
      if (this.#heads.get(key)?.revision === commit.revision) this.#heads.delete(key);
    }
    if (this.#last === commit) this.#last = undefined;
    this.#options.landed(commit);
    commit.done.resolve({ ok: true, revision: commit.revision });
  }

  #fail(commits: readonly Pending[], error: StoreError): void {
    const lost = [...commits, ...this.#queue];
    this.#queue = [];
    this.#heads.clear();
    this.#last = undefined;
    this.#revision = this.#options.index.revision;
    for (const commit of lost) commit.done.reject(error);
  }

  /** After a failed write: takes back what it may have left on disk, since its commits were rejected. */
  async #recover(): Promise<void> {
    const { database, index } = this.#options;
    await database.recover();
    const removes = [...database.records(index.revision + 1)].map((record) => record.id);
    if (removes.length > 0) await database.write({ puts: [], removes });
    this.#suspect = false;
  }
}

function slotOf(commit: Pending, key: string): Slot | undefined {
  return commit.changes.find((change) => change.key === key)?.value;
}
