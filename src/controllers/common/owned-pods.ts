import type { corev1, metav1 } from "../../api/index.ts";
import type { CachedObject, Informer } from "../../client/index.ts";
import { deepEqual, getControllerOf } from "../../machinery/index.ts";
import type { MetaObject } from "./claims.ts";
import type { SelectorTable } from "./selector-table.ts";

/** How {@link followOwned} finds the owners of an object that changed. */
export interface OwnerLookup<O extends CachedObject & MetaObject> {
  readonly kind: string;
  readonly owners: Informer<O>;
  /** Finds owners that may want to adopt an orphan. */
  readonly selectors: SelectorTable<O>;
  /** Told of each owner concerned. */
  wake(owner: O): void;
}

/** The owner that `reference` means, by kind, name and uid. */
export function resolveOwner<O extends CachedObject & MetaObject>(
  { kind, owners }: Pick<OwnerLookup<O>, "kind" | "owners">,
  namespace: string,
  reference: metav1.OwnerReference | undefined,
): O | undefined {
  if (reference === undefined || reference.kind !== kind) return undefined;
  const owner = owners.lister.get(`${namespace}/${reference.name}`);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

/**
 * Wakes the owners of objects that appear, change or go: the controller by reference, before and after; for orphans all owners
 * whose selector matches.
 */
export function followOwned<T extends CachedObject & MetaObject, O extends CachedObject & MetaObject>(
  informer: Informer<T>,
  lookup: OwnerLookup<O>,
): void {
  const wakeController = (object: T): boolean => {
    const reference = getControllerOf(object);
    const owner = resolveOwner(lookup, object.metadata.namespace ?? "", reference);
    if (owner !== undefined) lookup.wake(owner);
    return reference !== undefined;
  };
  const wakeAdopters = (object: T): void => {
    const { namespace, labels } = object.metadata;
    for (const owner of lookup.selectors.matching(namespace ?? "", labels)) lookup.wake(owner);
  };
  informer.handle({
    added: (object) => {
      const owned = wakeController(object);
      if (!owned && object.metadata.deletionTimestamp === undefined) wakeAdopters(object);
    },
    updated: (object, before) => {
      const [now, then] = [getControllerOf(object), getControllerOf(before)];
      const moved = now?.uid !== then?.uid;
      if (moved) wakeController(before);
      if (wakeController(object)) return;
      if (moved || !deepEqual(object.metadata.labels, before.metadata.labels)) wakeAdopters(object);
    },
    deleted: (object) => void wakeController(object),
  });
}

/** Pods grouped by the uid of their controller; pods without one are left out. */
export function byController(pods: Iterable<corev1.Pod>): Map<string, corev1.Pod[]> {
  const groups = new Map<string, corev1.Pod[]>();
  for (const pod of pods) {
    const uid = getControllerOf(pod)?.uid;
    if (uid === undefined) continue;
    const group = groups.get(uid);
    if (group === undefined) groups.set(uid, [pod]);
    else group.push(pod);
  }
  return groups;
}
