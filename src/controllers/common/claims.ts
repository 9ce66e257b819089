import type { GroupVersionKind, metav1 } from "../../api/index.ts";
import { cacheKey, type ResourceClient } from "../../client/index.ts";
import { getControllerOf, isInvalid, isNotFound, newControllerRef, type Selector } from "../../machinery/index.ts";
import { throwAll } from "./bounded.ts";

/** Any object as served, seen by its metadata. */
export interface MetaObject {
  readonly metadata: metav1.ObjectMeta;
}

/** Which of the candidates belong to an owner, and which should begin or cease to. */
export interface Claims<T> {
  /** Owned already, and selected. */
  readonly owned: readonly T[];
  /** Nobody's, and selected: to be adopted. */
  readonly adopt: readonly T[];
  /** Owned, but no longer selected: to be released. */
  readonly release: readonly T[];
}

/** Sorts candidates by owner reference and selector. An owner being deleted neither adopts nor releases. */
export function planClaims<T extends MetaObject>(
  owner: MetaObject,
  selector: Selector,
  candidates: Iterable<T>,
  filter: (candidate: T) => boolean = () => true,
): Claims<T> {
  const claims = { owned: [] as T[], adopt: [] as T[], release: [] as T[] };
  const dying = owner.metadata.deletionTimestamp !== undefined;
  for (const candidate of candidates) {
    const controller = getControllerOf(candidate);
    const matches = selector.matches(candidate.metadata.labels ?? {}) && filter(candidate);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches) claims.owned.push(candidate);
      else if (!dying) claims.release.push(candidate);
    } else if (matches && !dying && candidate.metadata.deletionTimestamp === undefined) {
      if ((owner.metadata.namespace ?? "") === (candidate.metadata.namespace ?? "")) claims.adopt.push(candidate);
    }
  }
  return claims;
}

/** What {@link claim} needs to know beside the objects. */
export interface ClaimOptions<T> {
  readonly owner: MetaObject;
  readonly ownerKind: GroupVersionKind;
  readonly selector: Selector;
  /** Writes the candidates. */
  readonly client: ResourceClient<T>;
  /** Reads the owner as it is now, past all caches; called at most once, and only before an adoption. */
  readonly liveOwner: () => Promise<MetaObject>;
  readonly filter?: (candidate: T) => boolean;
  /** Added on adoption and taken away on release (Jobs track their pods by one). */
  readonly finalizer?: string;
  /** Told of every object as the server has it after adoption. */
  readonly onWrite?: (object: T) => void;
  readonly signal?: AbortSignal;
}

/**
 * The candidates that the owner controls, after adopting and releasing what the selector says. Candidates that are gone meanwhile
 * are left out. Throws after all were tried when an adoption or release failed.
 */
export async function claim<T extends MetaObject>(candidates: Iterable<T>, options: ClaimOptions<T>): Promise<T[]> {
  const { owned, adopt, release } = planClaims(options.owner, options.selector, candidates, options.filter);
  if (adopt.length === 0 && release.length === 0) return [...owned];
  const claimed = [...owned];
  const failures: unknown[] = [];
  for (const object of release) {
    await releaseOne(object, options).catch((error: unknown) => failures.push(error));
  }
  if (adopt.length > 0) {
    const refusal = await adoptionRefusal(options);
    for (const object of adopt) {
      if (refusal !== undefined) {
        failures.push(new Error(`can't adopt ${cacheKey(object)} (${object.metadata.uid}): ${refusal}`));
        continue;
      }
      const adopted = await adoptOne(object, options).catch((error: unknown) => void failures.push(error));
      if (adopted !== undefined) claimed.push(adopted);
    }
  }
  throwAll(failures);
  return claimed;
}

/** Why the owner must not adopt, read from its live state. */
async function adoptionRefusal<T>({ owner, ownerKind, liveOwner }: ClaimOptions<T>): Promise<string | undefined> {
  const live = await liveOwner();
  if (live.metadata.uid !== owner.metadata.uid) {
    return `original ${ownerKind[2]} ${cacheKey(owner)} is gone: got uid ${live.metadata.uid}, wanted ${owner.metadata.uid}`;
  }
  if (live.metadata.deletionTimestamp !== undefined) {
    return `${cacheKey(owner)} has just been deleted at ${live.metadata.deletionTimestamp}`;
  }
  return undefined;
}

/** The uid in the patch makes it miss an object of the same name that was created since. */
async function adoptOne<T extends MetaObject>(object: T, options: ClaimOptions<T>): Promise<T | undefined> {
  const body = {
    metadata: {
      uid: object.metadata.uid,
      ownerReferences: [newControllerRef(options.owner, options.ownerKind)],
      ...(options.finalizer === undefined ? {} : { finalizers: [options.finalizer] }),
    },
  };
  try {
    const adopted = await options.client.patch(keyOf(object), { type: "strategic", body }, signalOf(options));
    options.onWrite?.(adopted);
    return adopted;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function releaseOne<T extends MetaObject>(object: T, options: ClaimOptions<T>): Promise<void> {
  const body = {
    metadata: {
      uid: object.metadata.uid,
      ownerReferences: [{ $patch: "delete", uid: options.owner.metadata.uid }],
      ...(options.finalizer === undefined ? {} : { "$deleteFromPrimitiveList/finalizers": [options.finalizer] }),
    },
  };
  try {
    const released = await options.client.patch(keyOf(object), { type: "strategic", body }, signalOf(options));
    options.onWrite?.(released);
  } catch (error) {
    // Gone, or gone and made anew: either way it is not ours any more.
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}

function signalOf<T>(options: ClaimOptions<T>): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}

/** The key of an object as served. */
export function keyOf(object: MetaObject): { name: string; namespace?: string } {
  const { name, namespace } = object.metadata;
  return namespace === undefined || namespace === "" ? { name } : { name, namespace };
}

/** The parts of a cache key: `namespace/name`, or `name` for cluster-scoped objects. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}
