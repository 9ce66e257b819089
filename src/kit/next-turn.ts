/**
 * Resolves in the next turn of the event loop, after waiting input and output had its chance. A loop that may be fed
 * without end by promises alone awaits it now and then.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
