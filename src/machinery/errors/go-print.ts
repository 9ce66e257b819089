/** A JSON value as Go's `%v` prints it: `map[a:1 b:[x y]]`, `<nil>`. Some upstream messages show objects so. */
export function goPrint(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goPrint).join(" ")}]`;
  if (typeof value === "object") {
    const fields = value as Readonly<Record<string, unknown>>;
    const entries = Object.keys(fields)
      .toSorted()
      .map((key) => `${key}:${goPrint(fields[key])}`);
    return `map[${entries.join(" ")}]`;
  }
  return String(value as string | number | boolean | bigint);
}

/** The Go type that a decoded JSON value has. */
export function goKind(value: unknown): string {
  if (value === null || value === undefined) return "%!s(<nil>)";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "object") return "map[string]interface {}";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return Number.isInteger(value) ? "int64" : "float64";
}
