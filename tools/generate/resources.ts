import { HEADER, readFacts, type ResourceFact, type ResourcesFacts, type TypesFacts, writeGenerated } from "./facts.ts";
import { splitName } from "./types.ts";

/**
 * Writes `src/api/types/tables/resources.json`, every served resource, and `src/api/types/resources.ts`, the object type of each.
 * The types stand in a file of their own so that nothing of it is loaded at run time.
 */
export function generateResources(): void {
  const { resources, groups, strategies, fieldSelectors } = readFacts<ResourcesFacts>("resources.json");
  const { types } = readFacts<TypesFacts>("types.json");
  const byKind = new Map<string, string>();
  for (const [short, type] of Object.entries(types)) {
    for (const [group, version, kind] of type.gvk ?? []) byKind.set(`${group}/${version}/${kind}`, short);
  }
  const preferred = new Map(groups.map((g) => [g.name, g.preferredVersion]));
  const modules = new Set<string>();
  const taken = new Set<string>();
  const described: string[] = [];
  const typed: string[] = [];
  for (const r of resources) {
    const short = byKind.get(`${r.group}/${r.version}/${r.kind}`);
    if (!short) throw new Error(`no type for ${r.kind} of ${r.group}/${r.version}`);
    const [module, name] = splitName(short);
    modules.add(module);
    const key = nameOf(r, resources, preferred, taken);
    taken.add(key);
    const strategyName = `${strategyGroup(r.group)}/${r.kind.toLowerCase()}`;
    const strategy = strategies[STRATEGY_ALIASES[strategyName] ?? strategyName];
    described.push(`${JSON.stringify(key)}:${JSON.stringify(describe(r, strategy, fieldSelectors))}`);
    typed.push(`  readonly ${/[.]/.test(key) ? JSON.stringify(key) : key}: Resource<${module}.${name}>;`);
  }
  writeGenerated(
    "src/api/types/tables/resources.json",
    `{"groups":[\n${groups.map((g) => JSON.stringify(g)).join(",\n")}\n],\n"resources":{\n${described.join(",\n")}\n}}\n`,
  );
  const head = [...modules].toSorted().join(", ");
  writeGenerated(
    "src/api/types/resources.ts",
    `${HEADER}import type { Resource } from "../resource.ts";\nimport type { ${head} } from "./index.ts";\n\n` +
      `/** Every built-in resource of every served version. A bare plural is the preferred version of the first group that has it. */\n` +
      `export interface BuiltinResources {\n${typed.join("\n")}\n}\n`,
  );
}

/** Kinds whose strategy upstream keeps under another name: Events of both groups are the same objects. */
const STRATEGY_ALIASES: Readonly<Record<string, string>> = {
  "core/endpoints": "core/endpoint",
  "events/event": "core/event",
  "certificates/certificatesigningrequest": "certificates/certificates",
  "internal/storageversion": "apiserverinternal/storageversion",
};

function strategyGroup(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

/** `pods`; `events.events.k8s.io` when an earlier group has the plural; `leasecandidates.v1alpha2.coordination.k8s.io` for other versions. */
function nameOf(r: ResourceFact, all: ResourceFact[], preferred: Map<string, string>, taken: Set<string>): string {
  const versions = all.filter((o) => o.group === r.group && o.resource === r.resource).map((o) => o.version);
  const best = versions.includes(preferred.get(r.group) ?? "") ? preferred.get(r.group) : versions[0];
  if (r.version !== best) return `${r.resource}.${r.version}.${r.group}`;
  return taken.has(r.resource) ? `${r.resource}.${r.group}` : r.resource;
}

function selectableFields(r: ResourceFact, facts: ResourcesFacts["fieldSelectors"]): string[] {
  const own = facts[`${r.group}/${r.version} ${r.kind}`] ?? facts[`${r.group}/* ${r.kind}`] ?? facts["* *"] ?? [];
  return Array.isArray(own) ? own : Object.keys(own);
}

function describe(
  r: ResourceFact,
  strategy: ResourcesFacts["strategies"][string] | undefined,
  fieldSelectors: ResourcesFacts["fieldSelectors"],
): object {
  return {
    group: r.group,
    version: r.version,
    resource: r.resource,
    singular: r.singular,
    kind: r.kind,
    namespaced: r.namespaced,
    enabledByDefault: r.enabledByDefault,
    verbs: r.verbs,
    shortNames: r.shortNames ?? [],
    categories: r.categories ?? [],
    responseKind: r.responseKind,
    ...(r.storage && { storage: r.storage }),
    ...(r.storageVersionHash && { storageVersionHash: r.storageVersionHash }),
    ...(r.etcdPrefix && { etcdPrefix: r.etcdPrefix }),
    subresources: r.subresources ?? [],
    selectableFields: selectableFields(r, fieldSelectors),
    createOnUpdate: strategy?.createOnUpdate ?? false,
    unconditionalUpdate: strategy?.unconditionalUpdate ?? false,
    ...(strategy?.gc && { gc: strategy.gc }),
  };
}
