import { type Draft, groups } from "../../api/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { type ApiService, apiServiceName, AUTOMANAGED } from "./types.ts";

const CORE_PRIORITY = { group: 18_000, version: 1 };
/** Of custom resources' groups, as upstream registers them. */
const CUSTOM_PRIORITY = { group: 1000, version: 100 };

/** The APIServices of what this server answers for itself, by name. */
export function localServices(catalog: Catalog): Map<string, Draft<ApiService>> {
  const out = new Map<string, Draft<ApiService>>();
  for (const { resource } of catalog) {
    const { group, version } = resource;
    const name = apiServiceName(group, version);
    if (out.has(name)) continue;
    const facts = groups.find((one) => one.name === group)?.versions.find((one) => one.version === version);
    const custom = group !== "" && facts === undefined;
    const priority = custom ? CUSTOM_PRIORITY : CORE_PRIORITY;
    out.set(name, {
      metadata: { name, labels: { [AUTOMANAGED]: custom ? "true" : "onstart" } },
      spec: {
        group,
        version,
        groupPriorityMinimum: facts?.groupPriority ?? priority.group,
        versionPriority: facts?.versionPriority ?? priority.version,
      },
    });
  }
  return out;
}
