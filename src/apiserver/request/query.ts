/** The query of a request: names to values, in the order they came. Immutable. */
export class Query {
  static readonly empty = new Query(new Map());

  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Reads `a=b&c=d`, without the question mark. A broken percent escape is taken as it stands. */
  static parse(text: string): Query {
    if (text === "") return Query.empty;
    const values = new Map<string, string[]>();
    for (const part of text.split("&")) {
      if (part === "") continue;
      const at = part.indexOf("=");
      const name = unescape(at < 0 ? part : part.slice(0, at));
      const value = at < 0 ? "" : unescape(part.slice(at + 1));
      const known = values.get(name);
      if (known) known.push(value);
      else values.set(name, [value]);
    }
    return new Query(values);
  }

  static from(record: Readonly<Record<string, string | readonly string[] | undefined>>): Query {
    const values = new Map<string, readonly string[]>();
    for (const [name, value] of Object.entries(record)) {
      if (value !== undefined) values.set(name, typeof value === "string" ? [value] : value);
    }
    return new Query(values);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The first value, or the empty string when there is none. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A boolean as Go's query conversion reads it: present and neither "false" nor "0". */
  flag(name: string): boolean {
    const value = this.#values.get(name)?.[0];
    return value !== undefined && value.toLowerCase() !== "false" && value !== "0";
  }

  /** `a=b&c=d`, percent-encoded. */
  toString(): string {
    const parts: string[] = [];
    for (const [name, values] of this.#values) {
      for (const value of values) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
    }
    return parts.join("&");
  }
}

function unescape(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
