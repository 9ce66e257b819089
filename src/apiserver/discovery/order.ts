import { groups } from "../../api/index.ts";
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
  const versions = new Map<string, Map<string, number>>();
  const priorities = new Map<string, number>();
  const add = (group: string, version: string, groupPriority: number, versionPriority: number): void => {
    const known = versions.get(group);
    if (known) known.set(version, versionPriority);
    else versions.set(group, new Map([[version, versionPriority]]));
    priorities.set(group, Math.max(priorities.get(group) ?? 0, groupPriority));
  };
  const facts = new Map(groups.flatMap(({ name, versions: all }) => all.map((one) => [`${name}/${one.version}`, one])));
  for (const { resource } of catalog) {
    const { group, version } = resource;
    if (group === "" || versions.get(group)?.has(version)) continue;
    const fact = facts.get(`${group}/${version}`);
    add(group, version, fact?.groupPriority ?? CUSTOM_PRIORITY, fact?.versionPriority ?? -1);
  }
  for (const remote of catalog.remotes) {
    add(remote.group, remote.version, remote.groupPriority, remote.versionPriority);
  }
  return [...versions]
    .map(([name, weights]) => ({ name, versions: orderVersions(weights) }))
    .toSorted((a, b) => (priorities.get(b.name) ?? 0) - (priorities.get(a.name) ?? 0) || (a.name < b.name ? -1 : 1));
}

function orderVersions(weights: ReadonlyMap<string, number>): string[] {
  const weight = (version: string): number => weights.get(version) ?? -1;
  return [...weights.keys()].toSorted((a, b) => weight(b) - weight(a) || compareVersions(b, a));
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
