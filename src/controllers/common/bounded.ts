/**
 * Runs `fn` for every item with at most `limit` at a time, in order of start. All are run even when some fail; then the
 * failures are thrown: the only one as it is, several as an AggregateError whose message is the first one's.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  fn: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  let index = 0;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      try {
        await fn(next.value, index++);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  throwAll(failures);
}

/** Throws what is in `failures`: nothing, the one, or an AggregateError led by the first's message. */
export function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  throw new AggregateError(failures, failures[0] instanceof Error ? failures[0].message : String(failures[0]));
}

/** What a batch of attempts came to. */
export interface SlowStart {
  readonly successes: number;
  /** The first failure of the batch that ended it. */
  readonly error?: unknown;
}

/**
 * Calls `fn` `count` times in batches of 1, 2, 4, ...: each batch concurrently, stopping after the first batch with a
 * failure, so that a quota or a bad template costs one doomed request a round instead of hundreds.
 */
export async function slowStart(count: number, fn: (index: number) => Promise<void>): Promise<SlowStart> {
  let done = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - done)) {
    const from = done;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => fn(from + i)));
    const failed = results.filter((result) => result.status === "rejected");
    const first = failed[0];
    if (first !== undefined) return { successes: from + size - failed.length, error: first.reason as unknown };
    done += size;
  }
  return { successes: done };
}
