import { type ApiGroup, groups } from "../../api/index.ts";
import type { Catalog } from "../catalog/catalog.ts";

/** A group that is served now, with its versions, the preferred one first. */
export interface ServedGroup {
  readonly name: string;
  readonly versions: readonly string[];
}

/** What groups of custom resources weigh, as upstream registers them. */
const CUSTOM_PRIORITY = 1000;

/** The groups served now in discovery's order: by priority, then by name. The core group is not among them. */
export function servedGroups(catalog: Catalog): ServedGroup[] {
  const versions = new Map<string, Set<string>>();
  for (const { resource } of catalog) {
    const known = versions.get(resource.group);
    if (known) known.add(resource.version);
    else versions.set(resource.group, new Set([resource.version]));
  }
  versions.delete("");
  const facts = new Map(groups.map((group) => [group.name, group]));
  return [...versions]
    .map(([name, set]) => ({ name, versions: orderVersions([...set], facts.get(name)) }))
    .toSorted((a, b) => priority(facts.get(b.name)) - priority(facts.get(a.name)) || (a.name < b.name ? -1 : 1));
}

function priority(group: ApiGroup | undefined): number {
  return group?.versions[0]?.groupPriority ?? CUSTOM_PRIORITY;
}

function orderVersions(served: readonly string[], group: ApiGroup | undefined): string[] {
  const weight = (version: string): number => group?.versions.find((v) => v.version === version)?.versionPriority ?? -1;
  return served.toSorted((a, b) => weight(b) - weight(a) || compareVersions(b, a));
}

const KUBE_VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const STAGES = ["alpha", "beta", "ga"];

/** Stable before beta before alpha, then by number; versions of another form come last, by name. Positive: `a` is newer. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [KUBE_VERSION.exec(a), KUBE_VERSION.exec(b)];
  if (!x || !y) return x ? 1 : y ? -1 : a < b ? 1 : a > b ? -1 : 0;
  const stage = (match: RegExpExecArray): number => STAGES.indexOf(match[2] ?? "ga");
  return stage(x) - stage(y) || Number(x[1]) - Number(y[1]) || Number(x[3] ?? 0) - Number(y[3] ?? 0);
}
