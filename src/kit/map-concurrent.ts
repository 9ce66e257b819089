/**
 * Applies `fn` to every item, at most `limit` at a time, and gives the results in the items' order. After the first
 * failure, or when `signal` aborts, no further item is begun; once those under way are over, it rejects with that reason.
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T>,
  limit: number,
  fn: (item: T, index: number) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const list = [...items];
  const results: R[] = Array.from({ length: list.length });
  let next = 0;
  let failure: { readonly reason: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < list.length && !failure) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        results[index] = await fn(list[index] as T, index);
      } catch (reason) {
        failure ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, limit), list.length) }, worker));
  if (failure) throw failure.reason;
  return results;
}
