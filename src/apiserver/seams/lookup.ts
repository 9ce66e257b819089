import type { Resource } from "../../api/index.ts";

/**
 * How authentication, authorization and admission look at the cluster: consistent reads of the server's own objects, by key
 * or by namespace, that ask for no permission. What comes back is shared: never change it.
 */
export interface Lookup {
  /** The object, or undefined when there is none. `namespace` is absent for cluster-scoped resources. */
  get<T>(resource: Resource<T>, name: string, namespace?: string): Promise<T | undefined>;
  /** All objects of a namespace, or of the cluster when none is named. */
  list<T>(resource: Resource<T>, namespace?: string): Promise<readonly T[]>;
}
