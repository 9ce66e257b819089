import type { JsonObject } from "../objects/fields.ts";
import type { Structural } from "./schema.ts";

const META = new Set(["apiVersion", "kind", "metadata"]);

/**
 * Removes in place the fields that the schema does not have, and gives their paths, sorted. `isRoot`: the value is a whole
 * object, whose kind, apiVersion and metadata every schema has.
 */
export function prune(value: unknown, structural: Structural, isRoot: boolean): string[] {
  const unknown: string[] = [];
  const root = isRoot && !structural.embedded ? { ...structural, embedded: true } : structural;
  pruneValue(value, root, "", unknown);
  return unknown.toSorted();
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function pruneValue(value: unknown, s: Structural | undefined, path: string, unknown: string[]): void {
  if (typeof value !== "object" || value === null) return;
  const keeps = s?.preserveUnknown === true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (keeps) skipValue(value[i], s.items, `${path}[${i}]`, unknown);
      else pruneValue(value[i], s?.items, `${path}[${i}]`, unknown);
    }
    return;
  }
  const object = value as JsonObject;
  for (const name of Object.keys(object)) {
    if (s?.embedded && META.has(name)) continue;
    const property = s?.properties.get(name);
    if (property) pruneValue(object[name], property, join(path, name), unknown);
    else if (s?.additional)
      pruneValue(object[name], s.additional === true ? undefined : s.additional, join(path, name), unknown);
    else if (!keeps) {
      unknown.push(join(path, name));
      delete object[name];
    }
  }
}

/** Items of a list that keeps what is unknown: only what their own schema names is looked at. */
function skipValue(value: unknown, s: Structural | undefined, path: string, unknown: string[]): void {
  if (s) pruneValue(value, { ...s, preserveUnknown: true }, path, unknown);
}
