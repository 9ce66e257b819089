const SHORT: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

const PLAIN = /^[ !#-[\]-~]*$/;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A string in double quotes as Go's `%q` prints it, which is how every upstream message quotes values. */
export function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let out = '"';
  for (const char of text) {
    const short = SHORT[char];
    if (short !== undefined) out += short;
    else if (PRINTABLE.test(char)) out += char;
    else out += escapeRune(char.codePointAt(0) ?? 0);
  }
  return `${out}"`;
}

function escapeRune(code: number): string {
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

const HTML = /[<>&\u2028\u2029]/g;

/** A value as Go's `json.Marshal` writes it: compact, `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? rawNumber(v) : v)) ?? "null";
  return text.replace(HTML, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `JSON.rawJSON` (Node ≥ 22), which the standard library's types do not know yet. */
const RawJson = JSON as unknown as { rawJSON(text: string): unknown };

/** An integer beyond 2^53 as `JSON.stringify` must be given it to keep its digits. */
export function rawNumber(value: bigint): unknown {
  return RawJson.rawJSON(value.toString());
}
