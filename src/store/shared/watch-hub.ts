import type { Clock, Timer } from "../../kit/index.ts";
import type { WatchBatch, WatchQuery } from "../contract.ts";
import type { KeyRange } from "./key-order.ts";
import { within, type History, type Published, type WatchLimits } from "./watch-types.ts";
import { Watcher, type WatcherHome } from "./watcher.ts";

/** How often a progress mark is due at most, in milliseconds. */
const PROGRESS_EVERY = 100;

interface Group {
  readonly range: KeyRange;
  readonly watchers: Set<Watcher>;
}

/** Hands every durable commit to the watchers it concerns. Watchers of the same range share its batches. */
export class WatchHub implements WatcherHome {
  readonly history: History;
  readonly limits: WatchLimits;
  readonly #clock: Clock;
  readonly #groups = new Map<string, Group>();
  readonly #open = new Set<Watcher>();
  /** Those of {@link #open} that asked for progress marks. */
  readonly #marked = new Set<Watcher>();
  #revision: number;
  #progressTimer: Timer | undefined;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** `revision`: what was published last. */
  constructor(clock: Clock, history: History, revision: number, limits: WatchLimits) {
    this.#clock = clock;
    this.history = history;
    this.#revision = revision;
    this.limits = limits;
  }

  /** The newest revision that was published. */
  get revision(): number {
    return this.#revision;
  }

  /** How many watches are open. */
  get size(): number {
    return this.#open.size;
  }

  watch(query: WatchQuery): AsyncIterable<WatchBatch> {
    const watcher = new Watcher(this, query);
    if (this.#closed) watcher.end();
    return watcher;
  }

  /** Revisions come in ascending order without gaps. */
  publish(commit: Published): void {
    this.#revision = commit.revision;
    for (const group of this.#groups.values()) {
      const batch = within(commit, group.range);
      if (batch) for (const watcher of group.watchers) watcher.deliver(batch);
    }
    this.#scheduleProgress();
  }

  /** Whether a live watcher's range holds `key`. */
  wants(key: string): boolean {
    for (const group of this.#groups.values()) if (group.range.has(key)) return true;
    return false;
  }

  /** Breaks off all watches with `error`: what they must tell next cannot be told. */
  fail(error: unknown): void {
    for (const watcher of this.#open) watcher.fail(error);
  }

  /** Ends all watches. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#open) watcher.end();
    this.#progressTimer?.cancel();
  }

  /** Knows `watcher` from now on. */
  register(watcher: Watcher): void {
    this.#open.add(watcher);
    if (watcher.wantsProgress) this.#marked.add(watcher);
  }

  /** From now on `watcher` gets what is published. */
  attach(watcher: Watcher): void {
    const { start, end } = watcher.range;
    const id = JSON.stringify([start, end]);
    let group = this.#groups.get(id);
    if (!group) this.#groups.set(id, (group = { range: watcher.range, watchers: new Set() }));
    group.watchers.add(watcher);
    if (watcher.wantsProgress) this.#scheduleProgress();
  }

  detach(watcher: Watcher): void {
    const id = JSON.stringify([watcher.range.start, watcher.range.end]);
    const group = this.#groups.get(id);
    group?.watchers.delete(watcher);
    if (group?.watchers.size === 0) this.#groups.delete(id);
  }

  /** Forgets `watcher` altogether. */
  drop(watcher: Watcher): void {
    this.detach(watcher);
    this.#open.delete(watcher);
    this.#marked.delete(watcher);
  }

  #scheduleProgress(): void {
    if (this.#progressTimer || !this.#someLags()) return;
    const wait = Math.max(0, this.#lastProgress + PROGRESS_EVERY - this.#clock.monotonic());
    this.#progressTimer = this.#clock.setTimer(wait, () => {
      this.#progressTimer = undefined;
      this.#lastProgress = this.#clock.monotonic();
      for (const watcher of this.#marked) watcher.markProgress();
    });
  }

  #someLags(): boolean {
    for (const watcher of this.#marked) if (watcher.lagsProgress) return true;
    return false;
  }
}
