import { readFacts, writeGenerated } from "./facts.ts";

/** Writes the smaller tables of `src/api/types/tables/`, one entry a line. Their types are written by hand in `src/api/*.ts`. */
export function generateModules(): void {
  const rbac = readFacts<Record<string, unknown[]>>("rbac-bootstrap.json");
  writeSections("rbac-bootstrap", without(rbac, ["meta"]));

  const columns = readFacts<ColumnFacts>("table-columns.json");
  const { resources, meta } = columns;
  const rows = (list: Column[]): unknown[] => list.map((c) => [c.name, c.type, c.format, c.description, c.priority]);
  writeSections("table-columns", {
    default: rows(columns.default),
    customResourceDefault: rows(columns.customResourceDefault),
    noTable: meta.noTable,
    resources: mapValues(resources, (list) => (typeof list === "string" ? rows(columns.default) : rows(list))),
    other: mapValues(columns.other, rows),
  });

  const gates = readFacts<GateFacts>("feature-gates.json");
  writeSections("feature-gates", {
    gates: mapValues(gates.gates, (g) => [g.stage, g.default, g.locked]),
    dependencies: gates.dependencies,
  });

  const known = readFacts<Record<string, unknown>>("well-known.json");
  writeSections("well-known", without(known, ["meta", "flags", "flagEffectiveDefaults"]));
  writeSections("flags", { flags: known["flags"], effectiveDefaults: known["flagEffectiveDefaults"] });

  const defaults = readFacts<Record<string, unknown>>("defaults.json");
  writeSections("defaults", { types: defaults["types"], markers: defaults["markers"] });
  writeSections("config-defaults", without(defaults["config"] as Record<string, unknown>, []));
}

interface Column {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

interface ColumnFacts {
  meta: { noTable: string[] };
  default: Column[];
  customResourceDefault: Column[];
  resources: Record<string, Column[] | "default">;
  other: Record<string, Column[]>;
}

interface GateFacts {
  gates: Record<string, { stage: string; default: boolean; locked: boolean }>;
  dependencies: Record<string, string[]>;
}

function mapValues<T, R>(record: Record<string, T>, fn: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, fn(value)]));
}

function without(record: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !names.includes(key)));
}

/** One line for each entry of each section. */
function writeSections(file: string, sections: Record<string, unknown>): void {
  const text = Object.entries(sections).map(([name, section]) => `${JSON.stringify(name)}:${lines(section)}`);
  writeGenerated(`src/api/types/tables/${file}.json`, `{\n${text.join(",\n")}\n}\n`);
}

function lines(section: unknown): string {
  if (Array.isArray(section)) return `[\n${section.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  if (typeof section !== "object" || section === null) return JSON.stringify(section);
  const entries = Object.entries(section).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{\n${entries.join(",\n")}\n}`;
}
