type Fields = Readonly<Record<string, unknown>>;

/**
 * Whether two JSON values mean the same to upstream's semantic equality: like deepEqual, but an empty list is as good as
 * none. Quantities and times are compared as text: normalize both objects before.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b || (isNone(a) && isNone(b))) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  return !Array.isArray(b) && equalFields(a as Fields, b as Fields);
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]));
}

function equalFields(a: Fields, b: Fields): boolean {
  for (const key in a) if (!semanticEqual(a[key], Object.hasOwn(b, key) ? b[key] : undefined)) return false;
  for (const key in b) if (!Object.hasOwn(a, key) && !isNone(b[key])) return false;
  return true;
}
