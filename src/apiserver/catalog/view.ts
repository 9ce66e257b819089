import { apiVersionOf } from "../../api/index.ts";
import { deepClone, deepFreeze } from "../../machinery/index.ts";
import type { Item, StoredObject } from "../cache/index.ts";
import type { ApiObject } from "../seams/index.ts";
import type { Served } from "./kind.ts";

/** A stored object in the form of a served version: immutable, and the stored object itself where that is the hub. */
export function viewOf(served: Served, item: Item): StoredObject {
  return isHub(served) ? item.object : fromHub(served, item.object);
}

/** An object in the hub's form as `served` shows it. */
export function fromHub(served: Served, object: StoredObject): StoredObject {
  if (isHub(served)) return object;
  const apiVersion = apiVersionOf(served.resource);
  const { convert } = served.model;
  if (!convert) return Object.freeze({ ...object, apiVersion });
  const converted = convert.fromHub(deepClone(object) as unknown as ApiObject);
  return deepFreeze({ ...converted, kind: served.resource.kind, apiVersion } as unknown as StoredObject);
}

/** An object that a request of `served` brought, private to it, in the hub's form. */
export function toHub(served: Served, object: ApiObject): ApiObject {
  if (!served.kind || isHub(served)) return object;
  const converted = served.model.convert?.toHub(object) ?? object;
  converted.apiVersion = apiVersionOf(served.kind.hub);
  return converted;
}

/** Whether the version asked for is the one that objects are kept in. */
export function isHub(served: Served): boolean {
  return served.kind === undefined || served.kind.hub === served.resource;
}
