import { decodeJson, deepFreeze } from "../../machinery/index.ts";

/** An object as stored and served: immutable, shared by everybody in the process. */
export interface StoredObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/**
 * One version of one object: its bytes as they lie in the store (JSON without resourceVersion), parsed when somebody
 * looks. The parsed form lives as long as somebody holds it.
 */
export class Item {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly revision: number;
  readonly bytes: Uint8Array;
  #parsed: WeakRef<StoredObject> | undefined;

  constructor(key: string, revision: number, bytes: Uint8Array, parsed?: StoredObject) {
    this.key = key;
    this.revision = revision;
    this.bytes = bytes;
    this.#parsed = parsed && new WeakRef(parsed);
  }

  get namespace(): string {
    const at = this.key.indexOf("/");
    return at < 0 ? "" : this.key.slice(0, at);
  }

  get name(): string {
    return this.key.slice(this.key.indexOf("/") + 1);
  }

  /** The object with its resourceVersion, deeply frozen. */
  get object(): StoredObject {
    let object = this.#parsed?.deref();
    if (!object) {
      object = withRevision(decodeJson(this.bytes) as StoredObject, this.revision);
      this.#parsed = new WeakRef(object);
    }
    // Only what somebody looks at is frozen: requests from the network are answered from the bytes.
    if (!Object.isFrozen(object)) deepFreeze(object);
    return object;
  }

  /** The same state at another revision: what a DELETED event shows. */
  at(revision: number): Item {
    const parsed = this.#parsed?.deref();
    return new Item(this.key, revision, this.bytes, parsed && withRevision(parsed, revision));
  }
}

/** `object` with its resourceVersion set, sharing the rest. Revision 0 stands for "never stored" (dry runs) and sets none. */
export function withRevision(object: StoredObject, revision: number): StoredObject {
  if (revision === 0) return object;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** How many writes may be on their way at once before the oldest is parsed again instead. */
const PENDING = 1024;
/** How many writes of one object may be under way at once. */
const RIVALS = 3;

interface Pending {
  readonly bytes: Uint8Array;
  readonly object: StoredObject;
  item?: Item;
}

/**
 * Remembers the parsed form of what this process writes until it comes back as a watch event, so that it is not parsed
 * again and writer and watchers share one object. Forgetting costs a parse, nothing else.
 */
export class ParseHints {
  readonly #pending = new Map<string, readonly Pending[]>();

  /** To be called before the write; `scope` tells kinds apart, `key` is the item's. */
  remember(scope: string, key: string, bytes: Uint8Array, object: StoredObject): void {
    const name = scope + key;
    const others = this.#pending.get(name) ?? [];
    this.#pending.delete(name);
    this.#pending.set(name, [{ bytes, object }, ...others.slice(0, RIVALS)]);
    if (this.#pending.size > PENDING) this.#forgetOldest();
  }

  /** The item for these bytes at `revision`. */
  item(scope: string, key: string, revision: number, bytes: Uint8Array): Item {
    const pending = this.#pending.get(scope + key)?.find((one) => sameBytes(one.bytes, bytes));
    if (!pending) return new Item(key, revision, bytes);
    if (pending.item?.revision === revision) return pending.item;
    pending.item = new Item(key, revision, bytes, withRevision(pending.object, revision));
    return pending.item;
  }

  #forgetOldest(): void {
    for (const oldest of this.#pending.keys()) {
      this.#pending.delete(oldest);
      return;
    }
  }
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
