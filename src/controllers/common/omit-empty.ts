/** Every field of `T` must be named, and may be `undefined`. */
type Named<T> = { readonly [K in keyof Required<T>]: T[K] | undefined };

/**
 * A copy of `fields` without those that Go's `omitempty` leaves out: undefined, 0, "", false, empty lists and maps. What is left
 * compares equal to what the server serves. Fields that are pointers upstream (where 0 says something) must be added after.
 */
export function omitEmpty<T extends object>(fields: Named<T>): T {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!isEmpty(value)) out[name] = value;
  }
  return out as T;
}

/** A copy of `fields` without those that are undefined. */
export function defined<T extends object>(fields: Named<T>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}
