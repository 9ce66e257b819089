import type { metav1 } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Env, LruMap, type Timer } from "../../kit/index.ts";
import { formatTime, getControllerOf } from "../../machinery/index.ts";
import { keyOf } from "./claims.ts";

interface Entry<T> {
  readonly object: T;
  readonly at: number;
}

interface Cached {
  readonly metadata: metav1.ObjectMeta;
}

/** After this long a write that the informer has not shown is looked up at the server. */
const VERIFY_AFTER_MS = 30_000;
const GONE_REMEMBERED = 1024;

/**
 * What a controller wrote and its informer does not show yet. Reading through the ledger gives the cache plus one's own
 * writes, so that a decision is never made on a state older than the last decision: the place of upstream's
 * expectations, without their waiting and their timeouts. An entry goes when the informer shows its version or a newer
 * one; one that stays for half a minute is compared with the server, so that a lost event cannot fool it for ever.
 */
export class WriteLedger<T extends Cached> {
  readonly #informer: Informer<T>;
  readonly #client: ResourceClient<T>;
  readonly #env: Env;
  readonly #changed: (object: T) => void;
  readonly #written = new Map<string, Entry<T>>();
  readonly #deleted = new Map<string, Entry<T>>();
  /** Created and not cached yet: by the uid of the controller ("" for none). */
  readonly #created = new Map<string, Map<string, T>>();
  /** Deleted not long ago. */
  readonly #gone = new LruMap<string, true>(GONE_REMEMBERED);
  #timer: Timer | undefined;
  #closed = false;

  /** `changed` is told when an entry turned out to be wrong, so that whoever depends on the object looks again. */
  constructor(informer: Informer<T>, client: ResourceClient<T>, env: Env, changed: (object: T) => void) {
    this.#informer = informer;
    this.#client = client;
    this.#env = env;
    this.#changed = changed;
    informer.handle({
      added: (object) => this.#observe(object),
      updated: (object) => this.#observe(object),
      deleted: (object) => {
        this.#gone.set(object.metadata.uid, true);
        this.#forget(object.metadata.uid);
      },
    });
  }

  /** Notes the server's answer to a create. */
  created(object: T): void {
    // Its whole life may have passed through the informer before the answer came.
    if (this.#gone.get(object.metadata.uid) === true) return;
    if (this.#cachedAs(object) === undefined) {
      const owner = ownerOf(object);
      const set = this.#created.get(owner) ?? new Map<string, T>();
      this.#created.set(owner, set.set(object.metadata.uid, object));
      this.#note(object);
    } else this.wrote(object);
  }

  /** Notes the server's answer to an update or patch. */
  wrote(object: T): void {
    const known = this.#written.get(object.metadata.uid)?.object ?? this.#cachedAs(object);
    // Unknown by now: it was deleted before the answer came.
    if (known === undefined || !isNewer(object, known)) return;
    const cached = this.#cachedAs(object);
    if (cached === undefined || isNewer(object, cached)) this.#note(object);
  }

  #note(object: T): void {
    const { uid } = object.metadata;
    this.#written.set(uid, { object, at: this.#env.clock.now() });
    const siblings = this.#created.get(ownerOf(object));
    if (siblings?.has(uid) === true) siblings.set(uid, object);
    this.#watchOver();
  }

  /** Notes that the server accepted the deletion of `object`. */
  deleting(object: T): void {
    const cached = this.#cachedAs(object);
    const { uid } = object.metadata;
    if (cached === undefined) {
      if (!this.#written.has(uid)) return;
    } else if (cached.metadata.deletionTimestamp !== undefined) return;
    this.#deleted.set(uid, { object, at: this.#env.clock.now() });
    this.#watchOver();
  }

  /** The newest state known of the object named by `key`. */
  get(key: string): T | undefined {
    const cached = this.#informer.lister.get(key);
    return cached === undefined ? undefined : this.current(cached);
  }

  /** The newest state known of a cached object; shows a deletion asked for as a deletionTimestamp. */
  current(cached: T): T {
    const { uid } = cached.metadata;
    const object = this.#written.get(uid)?.object ?? cached;
    const deleted = this.#deleted.get(uid);
    if (deleted === undefined || object.metadata.deletionTimestamp !== undefined) return object;
    const deletionTimestamp = formatTime(deleted.at);
    return { ...object, metadata: { ...object.metadata, deletionTimestamp } };
  }

  /** `cached`, brought up to date, plus what was created for the controller `owner` (its uid) and is not cached yet. */
  view(cached: Iterable<T>, owner: string): T[] {
    const out: T[] = [];
    if (this.#written.size === 0 && this.#deleted.size === 0) {
      out.push(...cached);
      return out;
    }
    for (const object of cached) out.push(this.current(object));
    for (const object of this.#created.get(owner)?.values() ?? []) out.push(this.current(object));
    return out;
  }

  #observe(object: T): void {
    const { uid, deletionTimestamp } = object.metadata;
    const written = this.#written.get(uid);
    if (written !== undefined) {
      this.#uncreate(written.object);
      if (!isNewer(written.object, object)) this.#written.delete(uid);
    }
    if (deletionTimestamp !== undefined) this.#deleted.delete(uid);
  }

  #forget(uid: string): void {
    const written = this.#written.get(uid);
    if (written !== undefined) this.#uncreate(written.object);
    this.#written.delete(uid);
    this.#deleted.delete(uid);
  }

  #uncreate(object: T): void {
    const owner = ownerOf(object);
    const set = this.#created.get(owner);
    set?.delete(object.metadata.uid);
    if (set?.size === 0) this.#created.delete(owner);
  }

  #cachedAs(object: T): T | undefined {
    const cached = this.#informer.lister.get(cacheKey(object));
    return cached?.metadata.uid === object.metadata.uid ? cached : undefined;
  }

  #watchOver(): void {
    if (this.#closed) return;
    this.#timer ??= this.#env.clock.setTimer(VERIFY_AFTER_MS, () => {
      this.#timer = undefined;
      void this.#verify();
    });
  }

  /** Compares old entries with the server. Failures leave them for the next round. */
  async #verify(): Promise<void> {
    const before = this.#env.clock.now() - VERIFY_AFTER_MS;
    const old = [...this.#written.values(), ...this.#deleted.values()].filter((entry) => entry.at <= before);
    for (const { object } of old) {
      const live = await this.#live(object);
      if (live !== undefined && this.#isWrong(object, live)) this.#changed(object);
    }
    if (this.#written.size + this.#deleted.size > 0) this.#watchOver();
  }

  /**
   * The object at the server; `null` when it is not there, `undefined` when that cannot be learnt now. Asked as a list,
   * which is what controllers are allowed.
   */
  async #live(object: T): Promise<T | null | undefined> {
    const { namespace, name } = keyOf(object);
    const fieldSelector = `metadata.name=${name}`;
    try {
      const { items } = await this.#client.list(
        namespace === undefined ? { fieldSelector } : { namespace, fieldSelector },
      );
      return items[0] ?? null;
    } catch {
      return undefined;
    }
  }

  /** Drops what the server does not confirm; says whether that was anything. */
  #isWrong(object: T, live: T | null): boolean {
    const { uid } = object.metadata;
    if (live?.metadata.uid === uid) {
      return live.metadata.deletionTimestamp === undefined && this.#deleted.delete(uid);
    }
    // Gone at the server. As long as the cache shows it, the informer is late, and what we know is newer.
    if (this.#cachedAs(object) !== undefined) return false;
    const known = this.#written.has(uid) || this.#deleted.has(uid);
    this.#forget(uid);
    return known;
  }

  /** Stops looking entries up. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}

function ownerOf(object: Cached): string {
  return getControllerOf(object)?.uid ?? "";
}

/** Whether `a` is a later version of the object than `b`. Resource versions compare as decimal numbers of any length. */
function isNewer(a: Cached, b: Cached): boolean {
  const [x, y] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  return x.length === y.length ? x > y : x.length > y.length;
}
