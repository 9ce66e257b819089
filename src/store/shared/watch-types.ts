import type { WatchBatch, WatchEvent } from "../contract.ts";
import type { KeyRange } from "./key-order.ts";

/** Where a hub finds commits that were published before a watcher came, or that it could not take in time. */
export interface History {
  /** The oldest revision that {@link replay} can start from. */
  readonly compacted: number;
  /** What touched `range` from revision `from` on, in order: at most about `limit` batches; scanned up to `next`, exclusive. */
  replay(range: KeyRange, from: number, limit: number): Replay;
}

export interface Replay {
  readonly batches: readonly WatchBatch[];
  readonly next: number;
}

/** A published commit; `bytes` is what its values weigh. */
export interface Published {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly bytes: number;
}

/** How much a watcher may hold that its reader did not take yet; beyond that it reads history again later. */
export interface WatchLimits {
  readonly batches: number;
  readonly bytes: number;
}

/** What bounds a watcher unless told otherwise. */
export const DEFAULT_WATCH_LIMITS: WatchLimits = { batches: 1024, bytes: 8 * 1024 * 1024 };

/** The part of `commit` that touches `range`; undefined when none does. */
export function within(commit: Published, range: KeyRange): Published | undefined {
  const { events } = commit;
  if (events.length === 1) return range.has(keyOf(events[0] as WatchEvent)) ? commit : undefined;
  const touching = events.filter((event) => range.has(keyOf(event)));
  if (touching.length === 0) return undefined;
  return touching.length === events.length ? commit : { ...commit, events: touching };
}

function keyOf(event: WatchEvent): string {
  return event.type === "put" ? event.entry.key : event.key;
}
