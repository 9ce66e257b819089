import type { Resource } from "../../api/index.ts";
import { Predicate } from "../cache/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { readField } from "../catalog/fields.ts";
import { viewOf } from "../catalog/view.ts";
import type { Lookup } from "../seams/index.ts";
import { itemKey } from "./call.ts";

/** A {@link Lookup} straight into the watch caches: no request, no questions asked. */
export function cacheLookup(catalog: Catalog): Lookup {
  const find = (resource: Resource) => {
    const served = catalog.find(resource.group, resource.version, resource.resource);
    return served?.kind && { served, cache: served.kind.cache };
  };
  return {
    async get<T>(resource: Resource<T>, name: string, namespace = ""): Promise<T | undefined> {
      const found = find(resource);
      if (!found) return undefined;
      await found.cache.fresh();
      const item = found.cache.get(itemKey(namespace, name));
      return item && (viewOf(found.served, item) as T);
    },
    async list<T>(resource: Resource<T>, namespace?: string): Promise<readonly T[]> {
      const found = find(resource);
      if (!found) return [];
      await found.cache.fresh();
      const { items } = found.cache.snapshot(new Predicate({ namespace, read: readField }));
      return items.map((item) => viewOf(found.served, item) as T);
    },
  };
}
