import { SCALAR_TAGS } from "./yaml-scalars.ts";

/** How a text is written: as it is, between quotes, or line by line after a bar. */
export type TextStyle = "plain" | "single" | "double" | "literal";

const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Whether an unquoted text would be read as something else. */
function isAmbiguous(text: string): boolean {
  if (text === "<<" || BASE_60.test(text)) return true;
  if (SCALAR_TAGS.some((tag) => tag.test?.test(text))) return true;
  const [, , month = "0", day = "0"] = DATE.exec(text) ?? [];
  return +month >= 1 && +month <= 12 && +day >= 1 && +day <= 31;
}

/** What YAML's emitter can print as it is: no tabs, no control characters, nothing beyond the basic plane. */
const UNPRINTABLE = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
/** Line breaks to YAML that JSON texts hold raw. */
const SEPARATOR = /[\u2028\u2029]/;
const INDICATOR_FIRST = /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:\s|$)|---|\.\.\.)/;
const INDICATOR_WITHIN = /:(?:\s|$)|\s#/;

/** The style in which upstream writes a text, as a value or (`key`) as the key of a mapping. */
export function textStyle(text: string, key: boolean): TextStyle {
  if (text === "" || SEPARATOR.test(text)) return "double";
  const unprintable = UNPRINTABLE.test(text) || text.includes(" \n");
  if (text.includes("\n")) return !key && !unprintable && !text.endsWith(" ") ? "literal" : "double";
  if (isAmbiguous(text) || unprintable) return "double";
  const spaced = text.startsWith(" ") || text.endsWith(" ");
  return spaced || INDICATOR_FIRST.test(text) || INDICATOR_WITHIN.test(text) ? "single" : "plain";
}

const SHORT: Readonly<Record<string, string>> = {
  "\0": "0",
  "\x07": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  "\x1b": "e",
  '"': '"',
  "\\": "\\",
  "\x85": "N",
  "\u2028": "L",
  "\u2029": "P",
};

/** A character inside double quotes. */
export function escapeChar(char: string): string {
  const short = SHORT[char];
  if (short !== undefined) return `\\${short}`;
  if (!UNPRINTABLE.test(char)) return char;
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase();
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}

/** The order of keys in upstream's YAML: letters by code, after everything else; runs of digits by their number. */
export function compareKeys(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const [left = "", right = ""] = [x[i], y[i]];
    if (left === right) continue;
    const [isLeft, isRight] = [isLetter(left), isLetter(right)];
    if (isLeft && isRight) return left < right ? -1 : 1;
    if (isLeft || isRight) return isRight ? -1 : 1;
    const [m, n] = [digitsAt(x, i), digitsAt(y, i)];
    const leading = (left === "0" || right === "0") && followsNumber(x, i) ? "1" : "";
    const [p, q] = [BigInt(leading + m || "0"), BigInt(leading + n || "0")];
    if (p !== q) return p < q ? -1 : 1;
    if (m.length !== n.length) return m.length - n.length;
    return left < right ? -1 : 1;
  }
  return x.length - y.length;
}

function isLetter(char: string): boolean {
  return /\p{L}/u.test(char);
}

function digitsAt(chars: readonly string[], start: number): string {
  let end = start;
  while (end < chars.length && /[0-9]/.test(chars[end] ?? "")) end++;
  return chars.slice(start, end).join("");
}

function followsNumber(chars: readonly string[], at: number): boolean {
  for (let i = at - 1; i >= 0 && /[0-9]/.test(chars[i] ?? ""); i--) if (chars[i] !== "0") return true;
  return false;
}
