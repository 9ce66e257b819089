import { CorruptStoreError } from "../errors.ts";
import { FIRST_REVISION, VersionIndex, type Change } from "../shared/version-index.ts";
import type { Database, LocatedRecord } from "./database.ts";
import type { RecordId, Slot } from "./record.ts";

/** A store's state as read from disk. */
export interface Loaded {
  readonly index: VersionIndex<Slot>;
  /** Keys that will vanish, with the revision that said so. */
  readonly deadlines: readonly { readonly key: string; readonly revision: number; readonly at: number }[];
  /** Records that a compaction left behind when it was interrupted. */
  readonly garbage: readonly RecordId[];
  /** What the values of the kept commits weigh. */
  readonly historyBytes: number;
}

/** Rebuilds the index. Throws {@link CorruptStoreError} when records are broken or missing. */
export function loadIndex(database: Database, path: string): Loaded {
  return new Loader(database, path).load();
}

class Loader {
  readonly #database: Database;
  readonly #path: string;
  readonly #index: VersionIndex<Slot>;
  readonly #deadlines = new Map<string, { key: string; revision: number; at: number }>();
  readonly #garbage: RecordId[] = [];
  #commit: LocatedRecord[] = [];
  #values = 0;
  #historyBytes = 0;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
    this.#index = new VersionIndex<Slot>(database.meta().compacted);
  }

  load(): Loaded {
    const { compacted } = this.#index;
    let records = 0;
    for (const record of this.#database.records()) {
      records++;
      if (record.slot && record.slot.size > 0) this.#values++;
      if (record.id.revision < compacted) this.#loadBase(record);
      else this.#loadCommit(record);
    }
    this.#finishCommit();
    if (compacted > FIRST_REVISION && this.#index.commit(compacted).length === 0) {
      this.#corrupt(`revision ${compacted} is missing`);
    }
    const { recordCount, valueCount } = this.#database.counts();
    if (records !== recordCount) this.#corrupt(`its index has ${records} records where ${recordCount} are counted`);
    if (this.#values !== valueCount) this.#corrupt(`it holds ${valueCount} values where ${this.#values} are indexed`);
    return {
      index: this.#index,
      deadlines: [...this.#deadlines.values()],
      garbage: this.#garbage,
      historyBytes: this.#historyBytes,
    };
  }

  /** A version from before history begins: only the last one of a key counts. */
  #loadBase(record: LocatedRecord): void {
    const { key, id, slot } = record;
    const { revision, place } = id;
    const replaced = this.#index.loadBase({ key, revision, place, value: slot, previous: undefined });
    if (replaced) this.#garbage.push({ revision: replaced.revision, place: replaced.place });
    if (!slot) this.#garbage.push(id);
    this.#noteDeadline(record);
  }

  #loadCommit(record: LocatedRecord): void {
    if (this.#commit[0] && this.#commit[0].id.revision !== record.id.revision) this.#finishCommit();
    this.#commit.push(record);
  }

  #finishCommit(): void {
    const [first] = this.#commit;
    if (!first) return;
    const { revision } = first.id;
    const changes: Change<Slot>[] = this.#commit.map(({ key, slot }) => ({ key, value: slot }));
    // The oldest revision that is kept is the one the index begins with.
    if (revision === this.#index.compacted) this.#index.loadFirst(changes);
    else if (revision === this.#index.revision + 1) this.#index.apply(changes);
    else this.#corrupt(`revision ${this.#index.revision + 1} is missing`);
    for (const record of this.#commit) {
      this.#noteDeadline(record);
      this.#historyBytes += record.slot?.size ?? 0;
    }
    this.#commit = [];
  }

  #noteDeadline({ key, id: { revision }, expiresAt }: LocatedRecord): void {
    if (expiresAt > 0) this.#deadlines.set(key, { key, revision, at: expiresAt });
    else if (this.#deadlines.size > 0) this.#deadlines.delete(key);
  }

  #corrupt(what: string): never {
    throw new CorruptStoreError(this.#path, what);
  }
}
