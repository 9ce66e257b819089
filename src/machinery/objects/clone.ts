/**
 * A copy that shares nothing mutable with the original. For plain JSON (and bigint); spreading keeps a `__proto__` key
 * what it is: data.
 */
export function deepClone<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.slice() as unknown[];
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === "object" && item !== null) items[i] = copy(item);
    }
    return items;
  }
  const out = { ...value } as Record<string, unknown>;
  for (const key in out) {
    const field = out[key];
    if (typeof field === "object" && field !== null) out[key] = copy(field);
  }
  return out;
}

/** Freezes the object and all below it, and gives it back. Already frozen parts are taken to be frozen throughout. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
