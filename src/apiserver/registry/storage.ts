import { conflict } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { Item, type ParseHints, sameBytes } from "../cache/index.ts";
import type { StoredKind } from "../catalog/kind.ts";
import type { ApiObject } from "../seams/index.ts";
import { type Encoded, encodeStored } from "./encode.ts";

/** What an update makes of the current state. */
export type Change =
  | { readonly to: ApiObject }
  /** The object is removed instead. */
  | { readonly remove: true };

/** `undefined` means: leave it as it is. Called again when the state turned out to be old. */
export type Transform = (current: Item | undefined) => Promise<Change | undefined>;

export interface UpdateOutcome {
  /** The state after; for a removal the last state before, at the revision of the removal. */
  readonly item: Item;
  readonly created: boolean;
  readonly removed: boolean;
}

/** Bytes and revisions under one kind's prefix, with optimistic concurrency. Knows nothing of strategies. */
export class ObjectStorage {
  readonly #store: Store;
  readonly #hints: ParseHints;

  constructor(store: Store, hints: ParseHints) {
    this.#store = store;
    this.#hints = hints;
  }

  /** The state in the store itself, past any cache. */
  async read(kind: StoredKind, key: string, revision?: number): Promise<Item | undefined> {
    const { entry } = await this.#store.get(kind.prefix + key, revision === undefined ? {} : { revision });
    return entry && this.#hints.item(kind.prefix, key, entry.modRevision, entry.value);
  }

  /** Writes a new object; undefined when there is one already. With `dryRun` it only looks. */
  async insert(kind: StoredKind, key: string, object: ApiObject, dryRun: boolean): Promise<Item | undefined> {
    const encoded = encodeStored(object);
    if (dryRun) return (await this.read(kind, key)) ? undefined : new Item(key, 0, encoded.bytes);
    const result = await this.#put(kind, key, encoded, 0);
    return result instanceof Item ? result : undefined;
  }

  /**
   * Reads, transforms and writes back until nobody came between. Begins with the cache's state, which may be old, and
   * therefore believes an error only when it was made of the store's own state. An unchanged object is not written.
   */
  async update(
    kind: StoredKind,
    key: string,
    transform: Transform,
    dryRun: boolean,
  ): Promise<UpdateOutcome | undefined> {
    await kind.cache.ready();
    let current = kind.cache.get(key);
    let sure = false;
    for (;;) {
      let change: Change | undefined;
      try {
        change = await transform(current);
      } catch (error) {
        if (sure) throw error;
        const now = await this.read(kind, key);
        if (now?.revision === current?.revision) throw error;
        [current, sure] = [now, true];
        continue;
      }
      const outcome = await this.#attempt(kind, key, current, change, dryRun, sure);
      if (outcome === undefined || "item" in outcome) return outcome;
      [current, sure] = [outcome.stale, true];
    }
  }

  async #attempt(
    kind: StoredKind,
    key: string,
    current: Item | undefined,
    change: Change | undefined,
    dryRun: boolean,
    sure: boolean,
  ): Promise<UpdateOutcome | { readonly stale: Item | undefined } | undefined> {
    const encoded = change && "to" in change ? encodeStored(change.to) : undefined;
    const unchanged = !change || (encoded && current && sameBytes(encoded.bytes, current.bytes));
    if (unchanged || dryRun) {
      const now = sure ? current : await this.read(kind, key);
      if (now?.revision !== current?.revision) return { stale: now };
      if (unchanged) return current && { item: current, created: false, removed: false };
    }
    if (encoded) {
      const result = dryRun
        ? new Item(key, current?.revision ?? 0, encoded.bytes)
        : await this.#put(kind, key, encoded, current?.revision ?? 0);
      return result instanceof Item ? { item: result, created: !current, removed: false } : result;
    }
    if (!current) return undefined;
    if (dryRun) return { item: current, created: false, removed: true };
    const result = await this.#store.commit([{ kind: "delete", key: kind.prefix + key, expect: current.revision }]);
    if (result.ok) return { item: current.at(result.revision), created: false, removed: true };
    return {
      stale: result.current && this.#hints.item(kind.prefix, key, result.current.modRevision, result.current.value),
    };
  }

  async #put(
    kind: StoredKind,
    key: string,
    encoded: Encoded,
    expect: number,
  ): Promise<Item | { stale: Item | undefined }> {
    this.#hints.remember(kind.prefix, key, encoded.bytes, encoded.object);
    const ttl = kind.ttlSeconds === undefined ? {} : { ttlSeconds: kind.ttlSeconds };
    const result = await this.#store.commit([
      { kind: "put", key: kind.prefix + key, value: encoded.bytes, expect, ...ttl },
    ]);
    if (result.ok) return this.#hints.item(kind.prefix, key, result.revision, encoded.bytes);
    return {
      stale: result.current && this.#hints.item(kind.prefix, key, result.current.modRevision, result.current.value),
    };
  }
}

/** Refuses when the object is not the one, or not in the state, that the caller meant. */
export function checkPreconditions(
  resource: { group: string; resource: string },
  item: Item,
  wanted: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined,
): void {
  if (!wanted) return;
  const { name, uid } = item.object.metadata;
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`,
    );
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== String(item.revision)) {
    throw conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${item.revision}`,
    );
  }
}
