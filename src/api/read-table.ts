import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** A function that reads `types/tables/<name>.json` when first called, and gives the same object ever after. Never change it. */
export function table<T>(name: string): () => T {
  let read: T | undefined;
  return () => (read ??= load(`./types/tables/${name}.json`) as T);
}
