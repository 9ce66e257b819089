import { configTypeTexts, type TypeTexts, typeTexts } from "../../api/index.ts";
import { formatApiVersion } from "../meta/gvk.ts";
import type { Field, Shape, Topology, TypeTable } from "./model.ts";
import { parseShape } from "./shape.ts";

const memo = new Map<string, TypeTable>();

/** The table of a type: by name (`core.v1.Pod`) or by apiVersion and kind. Undefined for what is not built in. */
export function typeTable(of: string | { readonly apiVersion: string; readonly kind: string }): TypeTable | undefined {
  const name = typeof of === "string" ? of : typeNameOf(of.apiVersion, of.kind);
  return name === undefined ? undefined : tableOf(name);
}

/** The table of a group, version and kind. */
export function typeTableOfKind(group: string, version: string, kind: string): TypeTable | undefined {
  const name = typeNameOf(formatApiVersion(group, version), kind);
  return name === undefined ? undefined : tableOf(name);
}

/** Names of all served types, and of those in component configuration when asked for. */
export function typeNames(config = false): string[] {
  return Object.keys((config ? configTypeTexts() : typeTexts()).types);
}

const kinds = new Map<string, string | undefined>();

function typeNameOf(apiVersion: string, kind: string): string | undefined {
  const key = `${apiVersion}/${kind}`;
  if (!kinds.has(key))
    kinds.set(key, findKind(typeTexts(), apiVersion, kind) ?? findKind(configTypeTexts(), apiVersion, kind));
  return kinds.get(key);
}

function findKind(texts: TypeTexts, apiVersion: string, kind: string): string | undefined {
  const modules = Object.hasOwn(texts.groups, apiVersion) ? (texts.groups[apiVersion] ?? []) : [];
  const names = [...modules, ...(modules.length > 0 || apiVersion === "meta.k8s.io/v1" ? ["meta.v1"] : [])].map(
    (m) => `${m}.${kind}`,
  );
  return names.find((name) => Object.hasOwn(texts.types, name) && texts.types[name]?.includes(";apiVersion "));
}

function tableOf(name: string): TypeTable | undefined {
  const known = memo.get(name);
  if (known) return known;
  const texts = [typeTexts(), configTypeTexts()].find((t) => Object.hasOwn(t.types, name));
  const text = texts?.types[name];
  if (!texts || text === undefined) return undefined;
  const table = parseType(name, text, texts.packages);
  memo.set(name, table);
  return table;
}

function resolve(name: string): TypeTable {
  const table = tableOf(name);
  if (!table) throw new Error(`no type table for ${name}: the generated tables are incomplete, run npm run generate`);
  return table;
}

function parseType(name: string, text: string, packages: Readonly<Record<string, string>>): TypeTable {
  const at = name.lastIndexOf(".");
  const module = name.slice(0, at);
  const path = packages[module] ?? module;
  const [head = "", ...lines] = text.split(";");
  const fields = head === "-" ? [] : lines.map((line, order) => parseField(line, order, module));
  return {
    name,
    goName: `${path.slice(path.lastIndexOf("/") + 1).replaceAll("-", "_")}${name.slice(at)}`,
    goPath: `${path}${name.slice(at)}`,
    fields,
    byName: new Map(fields.map((f) => [f.name, f])),
    atomic: head === "~atomic",
  };
}

function parseField(line: string, order: number, module: string): Field {
  const [name = "", spec = "", ...tags] = line.split(" ");
  const shapeText = spec.replace(/[!?0*]+$/, "");
  const flags = spec.slice(shapeText.length);
  const shape = parseShape(shapeText, module, resolve);
  const tagged = new Map(tags.map((tag) => [tag.charAt(0) === "w" ? "#" : tag.charAt(0), tag]));
  const tag = (mark: string): string => tagged.get(mark)?.slice(1) ?? "";
  const [list, ...keys] = tag("~").split(",");
  const patch = /^([^(]*)(?:\((.*)\))?$/.exec(tag("^"));
  const numbers = tag("#").replace("#", "");
  return {
    name,
    order,
    shape,
    required: flags.includes("!"),
    omitempty: flags.includes("?"),
    omitzero: flags.includes("0"),
    pointer: flags.includes("*"),
    topology: { list: topologyOf(list, shape), keys },
    patchStrategies: patch?.[1] ? patch[1].split(",") : [],
    patchMergeKey: patch?.[2] ?? "",
    values: tag("|") === "" ? [] : tag("|").split("|"),
    ...(tagged.has("=") && { default: JSON.parse(tag("=")) as unknown }),
    numbers: numbers === "" ? [] : numbers.split("/").map(Number),
    wrapped: tagged.get("#")?.startsWith("w") ?? false,
  };
}

function topologyOf(text: string | undefined, shape: Shape): Topology["list"] {
  if (text === "set" || text === "map" || text === "atomic") return text;
  return shape.kind === "list" ? "atomic" : "granular";
}
