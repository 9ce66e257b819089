import { table } from "./read-table.ts";
import type { ApiGroup, Resource } from "./resource.ts";
import type { BuiltinResources } from "./types/resources.ts";

const facts = table<{ readonly groups: readonly ApiGroup[]; readonly resources: BuiltinResources }>("resources");

/** Every built-in resource, by plural: `resources.pods`; other versions and groups by the full name. */
export const resources: BuiltinResources = facts().resources;

/** {@link resources} as a list, in discovery order. */
export const allResources: readonly Resource[] = Object.values(resources) as Resource[];

/** The groups in discovery order. */
export const groups: readonly ApiGroup[] = facts().groups;
