import { CompactedError, FutureRevisionError, InvalidRequestError } from "../errors.ts";
import { OrderedTree } from "./ordered-tree.ts";

/** What a key held from `revision` on; `value` is absent when the key was deleted then. */
export interface Version<T> {
  readonly key: string;
  readonly revision: number;
  /** Its place among the changes of its commit. */
  readonly place: number;
  readonly value: T | undefined;
  /** What it held before; cut once the commit of `revision` is forgotten. */
  previous: Version<T> | undefined;
}

/** One key of a commit. */
export interface Change<T> {
  readonly key: string;
  readonly value: T | undefined;
}

/** All versions made by one commit, in the order of its ops. */
export type Versions<T> = readonly Version<T>[];

export interface Scan<T> {
  readonly versions: readonly Version<T>[];
  readonly more: boolean;
  readonly count: number;
}

/** The first state of a store: revision 1, empty. */
export const FIRST_REVISION = 1;

const SHRINK_AFTER = 1024;

/**
 * Which key held what at which revision, back to the last compaction. Reading at any revision needs no lock and sees one
 * state; a change costs O(log n). `T` is whatever the owner keeps for a living key.
 */
export class VersionIndex<T> {
  #tree: OrderedTree<Version<T>>;
  #revision: number;
  #compacted: number;
  /** The commits that are kept: `#log[#first + i]` is revision `#compacted + i`. */
  #log: Versions<T>[];
  #first = 0;

  /** An index that stands at `revision`, empty, with no history before it. */
  constructor(revision: number = FIRST_REVISION) {
    this.#tree = new OrderedTree<Version<T>>((version) => (version.value === undefined ? 0 : 1));
    this.#revision = revision;
    this.#compacted = revision;
    this.#log = [[]];
  }

  /** The newest revision. */
  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision that can be read. */
  get compacted(): number {
    return this.#compacted;
  }

  /** How many commits are kept. */
  get commits(): number {
    return this.#revision - this.#compacted + 1;
  }

  /** How many keys live now. */
  get liveKeys(): number {
    return this.#tree.weightOf("", "");
  }

  /** The newest version of `key`, which may be a deletion. */
  head(key: string): Version<T> | undefined {
    return this.#tree.get(key);
  }

  /** The version of `key` that was valid at `revision`. */
  at(key: string, revision: number): Version<T> | undefined {
    return visible(this.#tree.get(key), revision);
  }

  /** Turns a wished revision into one that can be read, or throws what the contract says. */
  resolve(revision: number | undefined): number {
    if (revision === undefined) return this.#revision;
    if (!Number.isSafeInteger(revision) || revision < 0) {
      throw new InvalidRequestError(`revision ${revision} is not one: expected an integer that is not negative`);
    }
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted);
    return revision;
  }

  /** Appends a commit; the new revision is one more than the last. */
  apply(changes: readonly Change<T>[]): Versions<T> {
    this.#revision++;
    const versions = this.#write(changes);
    this.#log.push(versions);
    return versions;
  }

  #write(changes: readonly Change<T>[]): Versions<T> {
    const revision = this.#revision;
    return changes.map(({ key, value }, place) => {
      const version: Version<T> = { key, revision, place, value, previous: undefined };
      version.previous = this.#tree.set(key, version);
      return version;
    });
  }

  /**
   * Fills a new index: `version` is older than its first revision. Come in ascending order, the later one of a key replaces
   * the earlier, which is answered.
   */
  loadBase(version: Version<T>): Version<T> | undefined {
    if (version.value !== undefined) return this.#tree.set(version.key, version);
    const replaced = this.#tree.get(version.key);
    this.#tree.delete(version.key);
    return replaced;
  }

  /** Fills a new index: what the commit of its first revision changed. */
  loadFirst(changes: readonly Change<T>[]): void {
    this.#log[0] = this.#write(changes);
  }

  /** Living keys in `[start, end)` at `revision`, at most `limit` of them (0: all). */
  scan(start: string, end: string, revision: number, limit: number): Scan<T> {
    const versions: Version<T>[] = [];
    let more = false;
    this.#tree.scan(start, end, (head) => {
      const version = visible(head, revision);
      if (version?.value === undefined) return true;
      if (limit > 0 && versions.length === limit) {
        more = true;
        return false;
      }
      versions.push(version);
      return true;
    });
    return { versions, more, count: more ? this.count(start, end, revision) : versions.length };
  }

  /** How many keys live in `[start, end)` at `revision`. */
  count(start: string, end: string, revision: number): number {
    const now = this.#tree.weightOf(start, end);
    if (revision === this.#revision) return now;
    if (this.#revision - revision > now + 64) return this.#countByScan(start, end, revision);
    const changed = new Set<string>();
    for (let r = revision + 1; r <= this.#revision; r++) for (const version of this.commit(r)) changed.add(version.key);
    let count = now;
    const inRange = new OrderedTree<string>(() => 0);
    for (const key of changed) inRange.set(key, key);
    inRange.scan(start, end, (key) => {
      const head = this.#tree.get(key);
      if (head?.value !== undefined) count--;
      if (visible(head, revision)?.value !== undefined) count++;
      return true;
    });
    return count;
  }

  #countByScan(start: string, end: string, revision: number): number {
    let count = 0;
    this.#tree.scan(start, end, (head) => {
      if (visible(head, revision)?.value !== undefined) count++;
      return true;
    });
    return count;
  }

  /** What the commit of `revision`, which must be kept, changed. */
  commit(revision: number): Versions<T> {
    return this.#log[this.#first + revision - this.#compacted] ?? [];
  }

  /** Forgets what was valid only before `revision`; answers the versions that nobody can read any more. */
  compact(revision: number): Version<T>[] {
    if (revision > this.#revision) throw new FutureRevisionError(revision, this.#revision);
    const gone: Version<T>[] = [];
    for (; this.#compacted < revision; this.#compacted++) {
      for (const version of this.#log[this.#first] ?? []) this.#forget(version, gone);
      this.#log[this.#first++] = [];
    }
    if (this.#first > SHRINK_AFTER && this.#first * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#first);
      this.#first = 0;
    }
    return gone;
  }

  /** The commit that made `version` leaves history: nobody can see what was before it. */
  #forget(version: Version<T>, gone: Version<T>[]): void {
    if (version.previous) gone.push(version.previous);
    version.previous = undefined;
    if (version.value === undefined && this.#tree.get(version.key) === version) {
      this.#tree.delete(version.key);
      gone.push(version);
    }
  }

  /** An index with the same keys at the same revision, without history, that goes its own way. O(1). */
  fork(): VersionIndex<T> {
    const copy = new VersionIndex<T>(this.#revision);
    copy.#tree = this.#tree.fork();
    return copy;
  }
}

function visible<T>(head: Version<T> | undefined, revision: number): Version<T> | undefined {
  let version = head;
  while (version && version.revision > revision) version = version.previous;
  return version;
}
