import { HEADER, readFacts, writeGenerated } from "./facts.ts";

interface ProtoPackage {
  package: string;
  services: Record<string, Record<string, [request: string, response: string, mode: string]>>;
  messages: Record<string, Record<string, [number: number, type: string, oneof?: string]>>;
  enums: Record<string, Record<string, number>>;
}

const NUMBERS = new Set(["int32", "int64", "uint32", "uint64", "double", "float"]);

/**
 * Writes CRI v1 as TypeScript types (`src/host/cri/schema.ts`) and as a table of one line a message (`table.ts`), which
 * the codec parses when the message is first used. Windows' parts are left out: unknown fields are skipped on the wire.
 */
export function generateCri(): void {
  const proto = readFacts<Record<string, ProtoPackage>>("cri.json")["runtime.v1"];
  if (!proto) throw new Error("cri.json lacks the package runtime.v1");
  const messages = Object.entries(proto.messages).filter(([name]) => !name.startsWith("Windows"));
  const out = [HEADER];
  for (const [name, values] of Object.entries(proto.enums)) {
    out.push(unionOf(identifier(name), Object.keys(values)));
  }
  for (const [name, fields] of messages) out.push(interfaceOf(name, fields, proto));
  out.push(methodTypes(proto));
  writeGenerated("src/host/cri/schema.ts", out.join("\n"));
  writeGenerated("src/host/cri/table.ts", tables(proto, messages));
}

function tables(proto: ProtoPackage, messages: [string, ProtoPackage["messages"][string]][]): string {
  const out = [HEADER];
  out.push("/** Message → its fields, each `name number type`; read by the codec (see wire.ts). */");
  out.push(`export const messages: Readonly<Record<string, string>> = {`);
  for (const [name, fields] of messages) out.push(fit(`  ${name}:`, `${JSON.stringify(row(fields))},`));
  out.push("};", "");
  out.push("/** Enum → its names in order of their numbers (CRI's enums have no gaps). */");
  out.push("export const enums: Readonly<Record<string, readonly string[]>> = {");
  for (const [name, values] of Object.entries(proto.enums)) {
    const names = Object.entries(values).toSorted((a, b) => a[1] - b[1]);
    if (names.some(([, n], i) => n !== i)) throw new Error(`enum ${name} has gaps`);
    out.push(
      list(
        `  ${identifier(name)}:`,
        names.map(([n]) => n),
      ),
    );
  }
  out.push("};", "");
  out.push("/** Method → [path, request, response]. */");
  out.push("export const methods = {");
  for (const [service, rpcs] of Object.entries(proto.services)) {
    for (const [method, [request, response]] of Object.entries(rpcs)) {
      const path = `/${proto.package}.${service}/${method}`;
      out.push(list(`  ${lowerFirst(method)}:`, [path, request, response]));
    }
  }
  out.push("} as const;", "");
  return out.join("\n");
}

/** The formatter's line width: what is generated is formatted as the formatter would. */
const WIDTH = 120;

function unionOf(name: string, values: readonly string[]): string {
  const quoted = values.map((v) => JSON.stringify(v));
  const line = `export type ${name} = ${quoted.join(" | ")};`;
  return line.length <= WIDTH ? line : `export type ${name} =\n${quoted.map((v) => `  | ${v}`).join("\n")};`;
}

function fit(head: string, value: string): string {
  return head.length + 1 + value.length <= WIDTH ? `${head} ${value}` : `${head}\n    ${value}`;
}

function list(head: string, values: readonly string[]): string {
  const quoted = values.map((v) => JSON.stringify(v));
  const line = `${head} [${quoted.join(", ")}],`;
  return line.length <= WIDTH ? line : `${head} [\n${quoted.map((v) => `    ${v},`).join("\n")}\n  ],`;
}

function interfaceOf(name: string, fields: ProtoPackage["messages"][string], proto: ProtoPackage): string {
  const kept = Object.entries(fields).filter(([, [, type]]) => !type.includes("Windows"));
  if (kept.length === 0) return `export type ${name} = Readonly<Record<never, never>>;`;
  const lines = kept.map(
    ([field, [, type]]) => `  readonly ${camel(field)}${optional(type, proto) ? "?" : ""}: ${tsType(type)};`,
  );
  return `export interface ${name} {\n${lines.join("\n")}\n}`;
}

/** Message fields may be absent; everything else always has a value once decoded. */
function optional(type: string, proto: ProtoPackage): boolean {
  return !type.startsWith("repeated ") && !type.startsWith("map<") && type in proto.messages;
}

function tsType(type: string): string {
  if (type.startsWith("repeated ")) return `readonly ${tsType(type.slice(9))}[]`;
  if (type.startsWith("map<")) return "Readonly<Record<string, string>>";
  if (NUMBERS.has(type)) return "number";
  if (type === "bool") return "boolean";
  if (type === "bytes") return "Uint8Array";
  return type === "string" ? "string" : identifier(type);
}

function row(fields: ProtoPackage["messages"][string]): string {
  return Object.entries(fields)
    .filter(([, [, type]]) => !type.includes("Windows"))
    .map(([field, [number, type]]) => `${camel(field)} ${number} ${type.replace("repeated ", "*").replaceAll(".", "")}`)
    .join(",");
}

function methodTypes(proto: ProtoPackage): string {
  const lines: string[] = [];
  for (const rpcs of Object.values(proto.services)) {
    for (const [method, [request, response, mode]] of Object.entries(rpcs)) {
      if (mode === "unary") lines.push(`  ${lowerFirst(method)}: [${request}, ${response}];`);
    }
  }
  return `/** The unary methods of both services: [request, response]. */\nexport interface Methods {\n${lines.join("\n")}\n}\n`;
}

function camel(field: string): string {
  const name = field.replaceAll(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
  return /^[A-Z][a-z]/.test(name) ? lowerFirst(name) : name;
}

function identifier(name: string): string {
  return name === "SecurityProfile.ProfileType" ? "ProfileType" : name.replaceAll(".", "");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
