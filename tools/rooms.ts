import { readFileSync, globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseSync } from "oxc-parser";

/**
 * The house's import rules: room → the rooms it may import, always through their index.ts. Type-only imports count.
 * Tests beside the source may import anything. Run by `npm run rooms`; see ARCHITECTURE.md for what the rooms are.
 */
const FLOOR_2 = ["kit", "api", "machinery"];
const FLOOR_3 = [...FLOOR_2, "client"];
const MAY: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  api: ["kit"],
  machinery: ["kit", "api"],
  store: ["kit"],
  host: ["kit"],
  client: FLOOR_2,
  apiserver: [...FLOOR_3, "store"],
  scheduler: FLOOR_3,
  controllers: FLOOR_3,
  kubelet: [...FLOOR_3, "host"],
  proxy: [...FLOOR_3, "host"],
  network: [...FLOOR_3, "host"],
  dns: FLOOR_3,
  addons: FLOOR_3,
  kubectl: FLOOR_3,
  dashboard: FLOOR_3,
};
const EVERY = Object.keys(MAY);
const RULES: Readonly<Record<string, readonly string[]>> = { ...MAY, testing: EVERY, cluster: EVERY };

/** Tests and what only they use. */
const TEST_ONLY = /\.(?:test|fixture)\.ts$|\/fixtures\//;

/** A room's drivers have faces of their own, so that naming one does not load the others; so have simulated nodes. */
const FACE =
  /^src\/(?:[^/]+|(?:store|host)\/[^/]+|machinery\/structural|machinery\/cel|kubelet\/simulated)\/index\.ts$/;

const root = join(import.meta.dirname, "..");
const files = globSync("src/**/*.ts", { cwd: root }).filter((f) => !f.startsWith("src/dashboard/web/"));
const graph = new Map(files.map((file) => [file, importsOf(file)]));
const faults = [...graph].flatMap(([file, targets]) => targets.flatMap((target) => check(file, target)));
faults.push(...cycles());
for (const fault of faults) console.error(fault);
console.log(`rooms: ${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;

function importsOf(file: string): string[] {
  const { module } = parseSync(file, readFileSync(join(root, file), "utf8"));
  const names = [
    ...module.staticImports.map((i) => i.moduleRequest.value),
    ...module.staticExports.flatMap((e) => e.entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
  ];
  return [...new Set(names)]
    .filter((name) => name.startsWith("."))
    .map((name) => relative(root, join(root, dirname(file), name)));
}

function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function check(file: string, target: string): string[] {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (TEST_ONLY.test(file) || from === to || !target.startsWith("src/")) return [];
  if (!(RULES[from] ?? []).includes(to)) return [`${file}: room ${from} may not import room ${to} (${target})`];
  if (!FACE.test(target)) return [`${file}: import ${to} through its index.ts, not ${target}`];
  return [];
}

/** Import cycles between files, each reported once. Generated types refer to each other by nature. */
function cycles(): string[] {
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (file.startsWith("src/api/types/") || state.get(file) === "done") return;
    if (state.get(file) === "open") {
      found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
      return;
    }
    state.set(file, "open");
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
  return found;
}
