import type { Resource } from "../../api/index.ts";
import type { ApiObject } from "../seams/index.ts";
import type { ObjectModel } from "./kind.ts";

/** How objects of a built-in resource are read: by the tables of its type. */
export function builtinModel(_resource: Resource, _hub: Resource): ObjectModel {
  return { prepare: (object: ApiObject) => object, typedItems: true };
}
