import { type FieldFact, readFacts, type TypeFact, type TypesFacts, writeGenerated } from "./facts.ts";

/**
 * Writes `src/api/types/tables/types.json` and `config-types.json`: one line of text a type, decoded when the type is first used. The grammar:
 *
 *     type   = ["~" mapType] { ";" field }
 *     field  = name " " shape flags { " " tag }
 *     shape  = s string | b boolean | i int32 | l int64 | u uint32 | v uint64 | d double | y bytes | a anything
 *            | "." Name (same package) | full.type.Name | "[" shape (list) | "{" shape (map)
 *     flags  = ["!" required] ["?" omitempty] ["0" omitzero] ["*" pointer]
 *     tag    = "#" pb numbers, the inlined messages' first, joined by "/" ; "w" before: a list wrapped in a message
 *            | "~" listType or mapType, with "," key ... | "^" patchStrategy ["(" mergeKey ")"] | "|" enum values | "=" default as JSON
 */
export function generateTables(): void {
  const facts = readFacts<TypesFacts>("types.json");
  writeTables("types", { ...facts.extra, ...facts.types });
  const config = readFacts<{ types: Record<string, TypeFact> }>("config-types.json");
  writeTables("config-types", config.types);
}

function writeTables(file: string, all: Record<string, TypeFact>): void {
  const packages: Record<string, string> = {};
  const groups: Record<string, string[]> = {};
  const types: Record<string, string> = {};
  for (const [short, type] of Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [module, name] = cut(short);
    if (type.go) packages[module] = type.go.slice(0, type.go.length - name.length - 1);
    const [group, version] = type.gvk?.[0] ?? [];
    const isKind = type.gvk ? type.gvk.length === 1 : type.fields?.["apiVersion"] !== undefined;
    const gv = group === undefined ? type.gv : group === "" ? version : `${group}/${version}`;
    if (gv && isKind && !module.startsWith("meta.")) groups[gv] = [...new Set([...(groups[gv] ?? []), module])];
    types[short] = describe(module, type);
  }
  const json = (value: object): string =>
    `{\n${Object.entries(value)
      .map(([key, v]) => `${JSON.stringify(key)}:${JSON.stringify(v)}`)
      .join(",\n")}\n}`;
  writeGenerated(
    `src/api/types/tables/${file}.json`,
    `{"packages":${json(packages)},\n"groups":${json(groups)},\n"types":${json(types)}}\n`,
  );
}

function cut(short: string): [module: string, name: string] {
  const at = short.lastIndexOf(".");
  return [short.slice(0, at), short.slice(at + 1)];
}

function describe(module: string, type: TypeFact): string {
  if (!type.fields) return "-";
  const fields = Object.entries(type.fields).map(([name, fact]) => fieldLine(name, fact, module));
  return [type.mapType ? `~${type.mapType}` : "", ...fields].join(";");
}

function fieldLine(name: string, fact: FieldFact, module: string): string {
  const flags = `${fact.required ? "!" : ""}${fact.omitempty ? "?" : ""}${fact.omitzero ? "0" : ""}${fact.ptr ? "*" : ""}`;
  const parts = [name, shapeOf(fact, module) + flags];
  if (fact.pb !== undefined) parts.push(`${isWrapped(fact) ? "w" : ""}#${[...(fact.pbVia ?? []), fact.pb].join("/")}`);
  const topology = fact.type === "array" ? fact.listType : fact.mapType;
  if (topology && topology !== "atomic") parts.push(`~${[topology, ...(fact.listMapKeys ?? [])].join(",")}`);
  if (topology === "atomic" && fact.type !== "array") parts.push("~atomic");
  if (fact.patchStrategy) parts.push(`^${fact.patchStrategy}${fact.patchMergeKey ? `(${fact.patchMergeKey})` : ""}`);
  if (fact.enum && fact.enum.length > 0) parts.push(`|${fact.enum.join("|")}`);
  if (fact.default !== undefined && !isZero(fact)) parts.push(`=${JSON.stringify(fact.default)}`);
  return parts.join(" ");
}

/** Defaults that follow from the type: the zero value of what is always printed. */
function isZero(fact: FieldFact): boolean {
  if (fact.ref) return !fact.ptr && JSON.stringify(fact.default) === "{}";
  return !fact.ptr && !fact.omitempty && ["", 0, false].includes(fact.default as string);
}

function isWrapped(fact: FieldFact): boolean {
  return fact.pbType === "Verbs" || fact.pbType === "map<string,ExtraValue>";
}

const SCALARS: Record<string, string> = {
  string: "s",
  boolean: "b",
  integer: "l",
  "integer:int32": "i",
  "integer:int64": "l",
  "integer:uint32": "u",
  "integer:uint64": "v",
  number: "d",
  "number:double": "d",
  "number:float": "d",
  "string:byte": "y",
};

function shapeOf(fact: FieldFact, module: string): string {
  if (fact.ref) {
    const [refModule, name] = cut(fact.ref);
    return refModule === module ? `.${name}` : fact.ref;
  }
  const element = (item: FieldFact | string | undefined): string =>
    shapeOf(typeof item === "string" ? { type: item } : (item ?? {}), module);
  if (fact.type === "array") return `[${element(fact.items)}`;
  if (fact.type === "map" || (fact.type === "object" && fact.values)) return `{${element(fact.values)}`;
  return SCALARS[fact.format ? `${fact.type}:${fact.format}` : `${fact.type}`] ?? SCALARS[`${fact.type}`] ?? "a";
}
