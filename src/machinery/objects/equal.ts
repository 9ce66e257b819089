type Fields = Readonly<Record<string, unknown>>;

/** Whether two JSON values are the same, the order of fields aside. A field that is `undefined` counts as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a !== a && b !== b;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (Array.isArray(b)) return false;
  return equalFields(a as Fields, b as Fields);
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
  return true;
}

function equalFields(a: Fields, b: Fields): boolean {
  let count = 0;
  for (const key in a) {
    const value = a[key];
    if (value === undefined) continue;
    count++;
    const other = b[key];
    if (value !== other && (!Object.hasOwn(b, key) || !deepEqual(value, other))) return false;
  }
  for (const key in b) if (b[key] !== undefined) count--;
  return count === 0;
}
