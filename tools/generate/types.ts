import {
  type FieldFact,
  HEADER,
  readFacts,
  type ResourcesFacts,
  type TypeFact,
  type TypesFacts,
  writeGenerated,
} from "./facts.ts";

/** Types whose JSON form is not an object with named fields. */
const UNIONS: Record<string, string> = {
  "apiextensions.v1.JSONSchemaPropsOrArray": "JSONSchemaProps | JSONSchemaProps[]",
  "apiextensions.v1.JSONSchemaPropsOrBool": "JSONSchemaProps | boolean",
  "apiextensions.v1.JSONSchemaPropsOrStringArray": "JSONSchemaProps | string[]",
  "apiextensions.v1.JSON": "unknown",
  "apiextensions.v1.CustomResourceSubresourceStatus": "Record<string, never>",
  "apiserverinternal.v1alpha1.StorageVersionSpec": "Record<string, never>",
  "scheduling.v1alpha1.BasicSchedulingPolicy": "Record<string, never>",
};

const SCALARS: Record<string, string> = {
  "resource.Quantity": "string",
  "intstr.IntOrString": "number | string",
  "meta.v1.Time": "string",
  "meta.v1.MicroTime": "string",
  "meta.v1.Timestamp": "string",
  "meta.v1.Duration": "string",
  "meta.v1.FieldsV1": "Record<string, unknown>",
  "meta.v1.Patch": "unknown",
  "runtime.RawExtension": "unknown",
  "runtime.Unknown": "unknown",
};

const OBJECT_META = "meta.v1.ObjectMeta";
/** What the server has always filled in on an object it serves. */
const SERVED_META = new Set(["name", "uid", "resourceVersion", "creationTimestamp"]);

/** `core.v1.Pod` → [`corev1`, `Pod`]. */
export function splitName(short: string): [module: string, name: string] {
  const at = short.lastIndexOf(".");
  return [short.slice(0, at).replaceAll(/[._]/g, ""), short.slice(at + 1)];
}

/** Writes `src/api/types/*.ts`: one file of interfaces per group/version, and their index. */
export function generateTypes(): void {
  const facts = readFacts<TypesFacts>("types.json");
  const all: Record<string, TypeFact> = { ...facts.extra, ...facts.types };
  const namespaced = namespacedKinds();
  const modules = new Map<string, string[]>();
  const imports = new Map<string, Set<string>>();

  for (const [short, type] of Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (short in SCALARS) continue;
    const [module, name] = splitName(short);
    if (!type.fields) {
      const body = UNIONS[short] ?? "unknown";
      modules.set(module, [...(modules.get(module) ?? []), `export type ${name} = ${body};`]);
      continue;
    }
    const lines = [`export interface ${name} {`];
    const isKind = (type.gvk?.length ?? 0) > 0;
    for (const [field, fact] of Object.entries(type.fields)) {
      const use = (ref: string): string => refer(ref, module, imports);
      lines.push(`  ${property(short, field, fact, isKind, namespaced, use)};`);
    }
    lines.push("}");
    modules.set(module, [...(modules.get(module) ?? []), lines.join("\n")]);
  }
  for (const [module, bodies] of modules) {
    const uses = [...(imports.get(module) ?? [])].toSorted();
    const head = uses.map((other) => `import type * as ${other} from "./${other}.ts";`).join("\n");
    writeGenerated(`src/api/types/${module}.ts`, `${HEADER}${head}\n\n${bodies.join("\n\n")}\n`);
  }
  const index = [...modules.keys()].toSorted().map((module) => `export type * as ${module} from "./${module}.ts";`);
  writeGenerated("src/api/types/index.ts", `${HEADER}${index.join("\n")}\n`);
}

function namespacedKinds(): Set<string> {
  const { resources } = readFacts<ResourcesFacts>("resources.json");
  return new Set(resources.filter((r) => r.namespaced).map((r) => `${r.group}/${r.version}/${r.kind}`));
}

function refer(ref: string, module: string, imports: Map<string, Set<string>>): string {
  const scalar = SCALARS[ref];
  if (scalar) return scalar;
  const [other, name] = splitName(ref);
  if (other === module) return name;
  imports.set(module, (imports.get(module) ?? new Set()).add(other));
  return `${other}.${name}`;
}

function property(
  owner: string,
  field: string,
  fact: FieldFact,
  isKind: boolean,
  namespaced: Set<string>,
  use: (ref: string) => string,
): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : JSON.stringify(field);
  if (fact.ref === OBJECT_META) {
    const meta = use(OBJECT_META);
    if (!isKind) return `${key}?: Partial<${meta}>`;
    return isNamespaced(owner, namespaced) ? `${key}: ${meta} & { namespace: string }` : `${key}: ${meta}`;
  }
  const always =
    fact.required === true ||
    (owner === OBJECT_META && SERVED_META.has(field)) ||
    (isKind && (field === "kind" || field === "apiVersion")) ||
    (fact.ref !== undefined && !(fact.ref in SCALARS) && fact.ptr !== true && fact.omitzero !== true);
  return `${key}${always ? "" : "?"}: ${typeOf(fact, use)}`;
}

function isNamespaced(owner: string, namespaced: Set<string>): boolean {
  const at = owner.split(".");
  const [kind, version] = [at.at(-1) ?? "", at.at(-2) ?? ""];
  const prefix = at.slice(0, -2).join(".");
  for (const id of namespaced) {
    const [group = "", v, k] = id.split("/");
    if (k === kind && v === version && (group === "" ? "core" : group).startsWith(prefix)) return true;
  }
  return false;
}

function typeOf(fact: FieldFact, use: (ref: string) => string): string {
  if (fact.ref) return use(fact.ref);
  switch (fact.type) {
    case "array":
      return fact.items === "object" ? "unknown[]" : wrap(typeOf(element(fact.items, fact.enum), use));
    case "map":
    case "object":
      return fact.values
        ? `Record<string, ${typeOf(element(fact.values, fact.enum), use)}>`
        : "Record<string, unknown>";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "string":
      return fact.enum && fact.enum.length > 0 ? fact.enum.map((v) => JSON.stringify(v)).join(" | ") : "string";
    default:
      return "unknown";
  }
}

/** The facts write a plain element type as a bare string. */
function element(item: FieldFact | string | undefined, values: string[] | undefined): FieldFact {
  const fact = typeof item === "string" ? { type: item } : { ...item };
  return values ? { ...fact, enum: values } : fact;
}

function wrap(type: string): string {
  return type.includes("|") ? `(${type})[]` : `${type}[]`;
}
