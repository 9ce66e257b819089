import { utf8Length } from "../field/text-rules.ts";
import { compareKeys, escapeChar, textStyle } from "./yaml-text.ts";

/** Longer lines are broken at the next single space, where the style allows it. */
const WIDTH = 80;
/** Longer keys are written with a question mark. */
const MAX_KEY = 128;

/**
 * A JSON value as YAML, byte for byte as kubectl and the API server write it: keys sorted, lists at their key's depth, texts quoted
 * only where they must be, long lines folded.
 */
export function encodeYaml(value: unknown): string {
  const writer = new YamlWriter();
  writer.node(value, -1, "root");
  return writer.finish();
}

type Place = "root" | "value" | "item";

class YamlWriter {
  #out = "";
  #column = 0;
  /** At the beginning of a line: after a block of text that ends with one. */
  #fresh = false;

  finish(): string {
    return this.#fresh ? this.#out : `${this.#out}\n`;
  }

  #put(text: string): void {
    this.#out += text;
    this.#column += text.length;
    this.#fresh = false;
  }

  #newLine(indent: number): void {
    this.#out += `${this.#fresh ? "" : "\n"}${" ".repeat(indent)}`;
    this.#column = indent;
    this.#fresh = false;
  }

  /** Writes a node after what introduces it: `key:` or `-`, or nothing. `indent` is the parent's. */
  node(value: unknown, indent: number, place: Place): void {
    if (Array.isArray(value) && value.length > 0) return this.#list(value, indent, place);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const keys = Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined);
      if (keys.length > 0) return this.#object(value as Record<string, unknown>, keys, indent, place);
    }
    if (place !== "root") this.#put(" ");
    this.#scalar(value, Math.max(indent, 0) + (place === "root" ? 0 : 2));
  }

  #list(list: readonly unknown[], parent: number, place: Place): void {
    const indent = place === "root" ? 0 : place === "value" ? parent : parent + 2;
    for (const [i, item] of list.entries()) {
      if (i === 0 && place === "item") this.#put(" ");
      else if (i > 0 || place === "value") this.#newLine(indent);
      this.#put("-");
      this.node(item, indent, "item");
    }
  }

  #object(object: Readonly<Record<string, unknown>>, keys: readonly string[], parent: number, place: Place): void {
    const indent = place === "root" ? 0 : parent + 2;
    for (const [i, key] of keys.toSorted(compareKeys).entries()) {
      if (i === 0 && place === "item") this.#put(" ");
      else if (i > 0 || place === "value") this.#newLine(indent);
      this.#key(key, indent);
      this.node(object[key], indent, "value");
    }
  }

  #key(key: string, indent: number): void {
    const simple = utf8Length(key) <= MAX_KEY && !/[\n\u2028\u2029\x85\r]/.test(key);
    if (!simple) this.#put("? ");
    this.#text(key, indent + 2, simple);
    if (!simple) this.#newLine(indent);
    this.#put(":");
  }

  #scalar(value: unknown, indent: number): void {
    if (typeof value === "string") return this.#text(value, indent, false);
    if (Array.isArray(value)) return this.#put("[]");
    if (typeof value === "object" && value !== null) return this.#put("{}");
    this.#put(typeof value === "number" ? printNumber(value) : String((value ?? null) as boolean | bigint | null));
  }

  #text(text: string, indent: number, key: boolean): void {
    const style = textStyle(text, key);
    if (style === "literal") return this.#literal(text, indent);
    const quote = { plain: "", single: "'", double: '"' }[style];
    this.#put(quote);
    const chars = Array.from(text);
    let afterSpace = false;
    for (const [i, char] of chars.entries()) {
      const breaks = char === " " && !key && !afterSpace && this.#column > WIDTH;
      const inside = style === "plain" || (i > 0 && i < chars.length - 1);
      afterSpace = char === " ";
      if (breaks && inside && (style === "double" || chars[i + 1] !== " ")) {
        this.#newLine(indent);
        if (chars[i + 1] === " ") this.#put("\\");
      } else if (style === "double") this.#put(escapeChar(char));
      else this.#put(style === "single" && char === "'" ? "''" : char);
    }
    this.#put(quote);
  }

  #literal(text: string, indent: number): void {
    const hint = /^[ \n]/.test(text) ? "2" : "";
    const chomp = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
    this.#put(`|${hint}${chomp}`);
    const pad = " ".repeat(indent);
    this.#out += `\n${text.replace(/^(?=[^\n])/gm, pad)}`;
    this.#fresh = text.endsWith("\n");
    this.#column = this.#fresh ? 0 : indent;
  }
}

/** A number as Go's `%g` prints it; whole ones without an exponent, as they come from JSON. */
function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < Math.max(6, digits.replace(/[-.]/g, "").length) && power < 21) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
