import { CelSyntaxError } from "./ast.ts";
import { Uint } from "./values.ts";

export interface Token {
  readonly kind: "ident" | "quoted" | "literal" | "op" | "end";
  readonly text: string;
  readonly value?: unknown;
  readonly at: number;
}

const OPERATORS = [
  "==",
  "!=",
  "<=",
  ">=",
  "&&",
  "||",
  "<",
  ">",
  "+",
  "-",
  "*",
  "/",
  "%",
  "!",
  "?",
  ":",
  ".",
  ",",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
];
const SPACE = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const IDENT = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /0x[0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)|[0-9]+[uU]?/y;
const STRING = /([bB]?[rR]?|[rR][bB])("""|'''|"|')/y;

/** Splits an expression into tokens; the last one is `end`. Throws {@link CelSyntaxError}. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (regex: RegExp): RegExpExecArray | null => {
    regex.lastIndex = at;
    return regex.exec(source);
  };
  while (at < source.length) {
    const space = match(SPACE);
    if (space) {
      at += space[0].length;
      continue;
    }
    const string = match(STRING);
    if (string) {
      const [token, end] = readString(source, at, string);
      tokens.push(token);
      at = end;
      continue;
    }
    const ident = match(IDENT);
    if (ident) {
      tokens.push({ kind: "ident", text: ident[0], at });
      at += ident[0].length;
      continue;
    }
    const number = match(NUMBER);
    if (number) {
      tokens.push({ kind: "literal", text: number[0], value: numberOf(number[0], at), at });
      at += number[0].length;
      continue;
    }
    if (source[at] === "`") {
      const end = source.indexOf("`", at + 1);
      if (end < 0) throw new CelSyntaxError(at, "Syntax error: token recognition error at: '`'");
      tokens.push({ kind: "quoted", text: source.slice(at + 1, end), at });
      at = end + 1;
      continue;
    }
    const op = OPERATORS.find((one) => source.startsWith(one, at));
    if (op === undefined) {
      throw new CelSyntaxError(at, `Syntax error: token recognition error at: '${source.charAt(at)}'`);
    }
    tokens.push({ kind: "op", text: op, at });
    at += op.length;
  }
  tokens.push({ kind: "end", text: "<EOF>", at });
  return tokens;
}

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

function numberOf(text: string, at: number): unknown {
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    if (value > MAX_UINT) throw new CelSyntaxError(at, "Syntax error: invalid uint literal");
    return new Uint(value);
  }
  if (text.startsWith("0x") || /^[0-9]+$/.test(text)) {
    const value = BigInt(text);
    // One more than fits, for the smallest number written with a minus before it.
    if (value > MAX_INT + 1n) throw new CelSyntaxError(at, "Syntax error: invalid int literal");
    return value;
  }
  return Number(text);
}

function readString(source: string, start: number, match: RegExpExecArray): [Token, number] {
  const prefix = (match[1] ?? "").toLowerCase();
  const quote = match[2] ?? "";
  const raw = prefix.includes("r");
  const open = start + match[0].length;
  let at = open;
  for (; ; at++) {
    if (at >= source.length || (quote.length === 1 && source[at] === "\n")) {
      throw new CelSyntaxError(start, `Syntax error: token recognition error at: '${source.slice(start, start + 20)}'`);
    }
    if (!raw && source[at] === "\\") at++;
    else if (source.startsWith(quote, at)) break;
  }
  const end = at + quote.length;
  const body = source.slice(open, at);
  const text = source.slice(start, end);
  const value = prefix.includes("b") ? bytesOf(body, raw, start) : raw ? body : unescape(body, start);
  return [{ kind: "literal", text, value, at: start }, end];
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "`": "`",
  "?": "?",
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.)|$)/gs;

function unescape(body: string, at: number): string {
  return body.replaceAll(ESCAPE, (_, x: string, x2: string, u: string, u8: string, octal: string, simple: string) => {
    const hex = x ?? x2 ?? u ?? u8;
    if (hex !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const value = SIMPLE[simple ?? ""];
    if (value === undefined) throw new CelSyntaxError(at, `Syntax error: unable to unescape string`);
    return value;
  });
}

const encoder = new TextEncoder();

function bytesOf(body: string, raw: boolean, at: number): Uint8Array {
  if (raw) return encoder.encode(body);
  const parts: number[] = [];
  let last = 0;
  for (const match of body.matchAll(ESCAPE)) {
    parts.push(...encoder.encode(body.slice(last, match.index)));
    const byte = match[1] ?? match[2];
    if (byte !== undefined) parts.push(Number.parseInt(byte, 16));
    else if (match[5] !== undefined) parts.push(Number.parseInt(match[5], 8));
    else parts.push(...encoder.encode(unescape(match[0], at)));
    last = match.index + match[0].length;
  }
  parts.push(...encoder.encode(body.slice(last)));
  return Uint8Array.from(parts);
}
