import type { Served, StoredKind } from "../catalog/kind.ts";
import type { ApiObject, StrategyContext } from "../seams/index.ts";

/** What a write asks for, whatever its verb. Objects are in the hub's form. */
export interface WriteCall extends StrategyContext {
  readonly served: Served;
  readonly kind: StoredKind;
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  /** Lets admission validate the object as it would be stored; `old` is absent for a create. */
  validateAdmission?(object: ApiObject | undefined, old: ApiObject | undefined): Promise<void>;
}

/** Where the object lies, below the resource's prefix. */
export function itemKey(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
