import { HEADER, readFacts, writeGenerated } from "./facts.ts";

type Fields = Record<string, [number: number, type: string, oneof?: string]>;

interface ProtoPackage {
  package: string;
  services: Record<string, Record<string, [request: string, response: string, mode: string]>>;
  messages: Record<string, Fields>;
  enums: Record<string, Record<string, number>>;
}

/** What the store calls; everything that these messages do not reach is left out. */
const METHODS = [
  ["KV", "Range"],
  ["KV", "Txn"],
  ["KV", "Compact"],
  ["Watch", "Watch"],
  ["Lease", "LeaseGrant"],
  ["Maintenance", "Status"],
] as const;

/** The facts lack etcd's Auth service (Kubernetes does without passwords). Source: etcd v3.6.5 api/etcdserverpb/rpc.proto. */
const AUTH: ProtoPackage["messages"] = {
  AuthenticateRequest: { name: [1, "string"], password: [2, "string"] },
  AuthenticateResponse: { header: [1, "ResponseHeader"], token: [2, "string"] },
};

const SCALARS: Readonly<Record<string, string>> = {
  int32: "number",
  int64: "number",
  uint32: "number",
  uint64: "number",
  bool: "boolean",
  string: "string",
  bytes: "Uint8Array",
};

/**
 * Writes the part of etcd v3's API that the store speaks (`src/store/etcd/schema.ts`): types, a table of one line a message,
 * and the methods. Enums are plain numbers, as on the wire.
 */
export function generateEtcd(): void {
  const facts = readFacts<Record<string, ProtoPackage>>("etcd-rpc.json");
  const [rpc, mvcc] = [facts["etcdserverpb"], facts["mvccpb"]];
  if (!rpc || !mvcc) throw new Error("etcd-rpc.json lacks etcdserverpb or mvccpb");
  const all: Record<string, Fields> = { ...mvcc.messages, ...rpc.messages, ...AUTH };
  const methods = METHODS.map(([service, method]) => {
    const [request, response] = rpc.services[service]?.[method] ?? ["", ""];
    return [method, `/${rpc.package}.${service}/${method}`, request, response] as const;
  });
  const auth = [
    "Authenticate",
    `/${rpc.package}.Auth/Authenticate`,
    "AuthenticateRequest",
    "AuthenticateResponse",
  ] as const;
  const used = reach(
    [...methods, auth].flatMap(([, , request, response]) => [request, response]),
    all,
  );
  const out = [HEADER];
  for (const name of used) out.push(interfaceOf(name, all));
  out.push("/** Message → its fields, each `name number type`, `*` for repeated ones. */");
  out.push("export const messages: Readonly<Record<string, string>> = {");
  for (const name of used) out.push(entry(name, rowOf(all[name] ?? {}, all)));
  out.push("};", "", "/** Method → [path, request, response]. */", "export const methods = {");
  for (const [method, ...rest] of [...methods, auth]) out.push(list(lowerFirst(method), rest));
  out.push("} as const;", "", "/** Method → its messages. */", "export interface Methods {");
  for (const [method, , request, response] of [...methods, auth])
    out.push(`  ${lowerFirst(method)}: [${request}, ${response}];`);
  out.push("}", "");
  writeGenerated("src/store/etcd/schema.ts", out.join("\n"));
}

/** All messages that `roots` are made of, in order of their names. */
function reach(roots: readonly string[], all: Readonly<Record<string, Fields>>): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name) || !all[name]) return;
    found.add(name);
    for (const [, type] of Object.values(all[name])) visit(local(type));
  };
  roots.forEach(visit);
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

/** The type's name alone: without `repeated` and package. */
function local(type: string): string {
  return type.replace("repeated ", "").replace("mvccpb.", "");
}

function interfaceOf(name: string, all: Readonly<Record<string, Fields>>): string {
  const lines = Object.entries(all[name] ?? {}).map(([field, [, type]]) => {
    const bare = local(type);
    const ts = SCALARS[bare] ?? (all[bare] ? bare : "number");
    if (type.startsWith("repeated ")) return `  readonly ${camel(field)}: readonly ${ts}[];`;
    return `  readonly ${camel(field)}: ${ts}${all[bare] ? " | null" : ""};`;
  });
  if (lines.length === 0) return `export type ${name} = Readonly<Record<never, never>>;\n`;
  return `export interface ${name} {\n${lines.join("\n")}\n}\n`;
}

function rowOf(fields: Fields, all: Readonly<Record<string, Fields>>): string {
  return Object.entries(fields)
    .map(([field, [number, type]]) => {
      const bare = local(type);
      const wire = SCALARS[bare] || all[bare] ? bare : "int32";
      return `${camel(field)} ${number} ${type.startsWith("repeated ") ? "*" : ""}${wire}`;
    })
    .join(",");
}

const WIDTH = 120;

/** `  name: "text",`, formatted as the formatter would. */
function entry(name: string, text: string): string {
  const line = `  ${name}: ${JSON.stringify(text)},`;
  return line.length <= WIDTH ? line : `  ${name}:\n    ${JSON.stringify(text)},`;
}

function list(name: string, values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  const line = `  ${name}: [${quoted.join(", ")}],`;
  return line.length <= WIDTH ? line : `  ${name}: [\n${quoted.map((value) => `    ${value},`).join("\n")}\n  ],`;
}

function camel(field: string): string {
  const name = field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return /^[A-Z]/.test(name) ? name.toLowerCase() : name;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
