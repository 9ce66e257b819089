import type * as YamlModule from "yaml";
import type { Document, Node, YAMLMap } from "yaml";
import { CodedError } from "../../kit/index.ts";

/** The code of every complaint about a kubeconfig's content. */
export const KUBECONFIG_INVALID = "KubeconfigInvalid";

type Yaml = typeof YamlModule;

/** A YAML document of a file, read field by field; every complaint names the file, the line and the field. */
export class YamlReader {
  readonly file: string;
  readonly document: Document;
  readonly #yaml: Yaml;
  readonly #lineOf: (offset: number) => number;

  private constructor(yaml: Yaml, file: string, document: Document, lineOf: (offset: number) => number) {
    this.#yaml = yaml;
    this.file = file;
    this.document = document;
    this.#lineOf = lineOf;
  }

  /** Parses; the YAML library is loaded at the first use. */
  static async parse(text: string, file: string): Promise<YamlReader> {
    const yaml = await import("yaml");
    const lines = new yaml.LineCounter();
    const document = yaml.parseDocument(text, { lineCounter: lines, version: "1.2", prettyErrors: false });
    const reader = new YamlReader(yaml, file, document, (offset) => lines.linePos(offset).line);
    const [error] = document.errors;
    if (error) throw reader.error(error.pos[0], error.message);
    return reader;
  }

  /** The top mapping; undefined for an empty file. */
  root(): Section | undefined {
    const { contents } = this.document;
    if (contents === null || (this.#yaml.isScalar(contents) && contents.value === null)) return undefined;
    return this.section(contents, "");
  }

  section(node: unknown, path: string): Section {
    if (this.#yaml.isMap(node)) return new Section(this, node, path);
    throw this.mistyped(node, path, "a mapping");
  }

  items(node: unknown, path: string): readonly unknown[] {
    if (this.#yaml.isSeq(node)) return node.items;
    throw this.mistyped(node, path, "a list");
  }

  scalar(node: unknown): unknown {
    return this.#yaml.isScalar(node) ? node.value : undefined;
  }

  resolve(node: unknown): unknown {
    return this.#yaml.isAlias(node) ? node.resolve(this.document) : node;
  }

  toJs(node: unknown): unknown {
    return this.#yaml.isNode(node) ? (node.toJS(this.document) as unknown) : node;
  }

  mistyped(node: unknown, path: string, expected: string): CodedError {
    const value = JSON.stringify(this.toJs(node)) ?? "nothing";
    const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
    return this.errorAt(node, `${path === "" ? "" : `${path}: `}expected ${expected}, found ${shown}`);
  }

  errorAt(node: unknown, message: string): CodedError {
    return this.error((node as Node | undefined)?.range?.[0] ?? 0, message);
  }

  error(offset: number, message: string): CodedError {
    const line = this.#lineOf(offset) || 1;
    const details = { file: this.file, line };
    return new CodedError(KUBECONFIG_INVALID, `kubeconfig ${this.file}, line ${line}: ${message}`, { details });
  }
}

/** A mapping. Absent and null fields read as undefined. */
export class Section {
  readonly reader: YamlReader;
  readonly node: YAMLMap;
  readonly path: string;

  constructor(reader: YamlReader, node: YAMLMap, path: string) {
    this.reader = reader;
    this.node = node;
    this.path = path;
  }

  raw(): Record<string, unknown> {
    return this.reader.toJs(this.node) as Record<string, unknown>;
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  value(key: string): unknown {
    return this.reader.toJs(this.#get(key));
  }

  string(key: string): string | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    const value = this.reader.scalar(node);
    if (typeof value === "string") return value;
    throw this.reader.mistyped(node, this.at(key), "a string");
  }

  boolean(key: string): boolean | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    const value = this.reader.scalar(node);
    if (typeof value === "boolean") return value;
    throw this.reader.mistyped(node, this.at(key), "true or false");
  }

  strings(key: string): string[] | undefined {
    const node = this.#get(key);
    if (node === undefined) return undefined;
    return this.reader.items(node, this.at(key)).map((item, i) => {
      const value = this.reader.scalar(item);
      if (typeof value === "string") return value;
      throw this.reader.mistyped(item, `${this.at(key)}[${i}]`, "a string");
    });
  }

  /** Base64 of text. */
  base64(key: string): string | undefined {
    const text = this.string(key);
    if (text === undefined || text === "") return undefined;
    const bytes = Buffer.from(text, "base64");
    if (bytes.length > 0 && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) return bytes.toString("utf8");
    throw this.error(key, "is not valid base64");
  }

  section(key: string): Section | undefined {
    const node = this.#get(key);
    return node === undefined ? undefined : this.reader.section(node, this.at(key));
  }

  sections(key: string): Section[] {
    const node = this.#get(key);
    if (node === undefined) return [];
    return this.reader
      .items(node, this.at(key))
      .map((item, i) => this.reader.section(this.reader.resolve(item), `${this.at(key)}[${i}]`));
  }

  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  error(key: string, problem: string): CodedError {
    return this.reader.errorAt(this.#get(key) ?? this.node, `${this.at(key)} ${problem}`);
  }

  #get(key: string): unknown {
    const node = this.reader.resolve(this.node.get(key, true));
    return node === undefined || this.reader.toJs(node) === null ? undefined : node;
  }
}
