import { type corev1, resources } from "../../api/index.ts";
import type { Client, ResourceClient } from "../../client/index.ts";
import { Backoff, type Env, childController, deferred, errorText } from "../../kit/index.ts";
import { isForbidden, isNotFound } from "../../machinery/index.ts";

export type ObjectKind = "ConfigMap" | "Secret";

/** One config map or secret. */
export interface ObjectRef {
  readonly kind: ObjectKind;
  readonly namespace: string;
  readonly name: string;
}

type Found = corev1.ConfigMap | corev1.Secret;

interface Entry {
  readonly ref: ObjectRef;
  /** Who wants it, and whom to tell of changes. */
  readonly users: Map<string, () => void>;
  readonly stop: AbortController & { unlink(): void };
  /** Settles with the first answer. */
  first: ReturnType<typeof deferred<undefined>>;
  object: Found | undefined;
  failure: unknown;
}

const key = (ref: ObjectRef): string => `${ref.kind}/${ref.namespace}/${ref.name}`;

/**
 * The config maps and secrets that this node's pods use, each watched on its own for as long as some pod uses it: a node
 * may see no others. What is asked for while it is watched costs no request.
 */
export class ObjectSource {
  readonly #client: Client;
  readonly #env: Env;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<string, Entry>();
  readonly #byUser = new Map<string, ReadonlySet<string>>();

  /** Everything ends when `signal` aborts. */
  constructor(client: Client, env: Env, signal: AbortSignal) {
    this.#client = client;
    this.#env = env;
    this.#signal = signal;
  }

  /** Sets what `user` (a pod's uid) needs; `changed` is called when one of these comes, changes or goes. */
  use(user: string, refs: readonly ObjectRef[], changed: () => void): void {
    const wanted = new Map(refs.map((ref) => [key(ref), ref]));
    for (const [id, ref] of wanted) this.#acquire(id, ref).users.set(user, changed);
    for (const id of this.#byUser.get(user) ?? []) if (!wanted.has(id)) this.#release(id, user);
    if (wanted.size > 0) this.#byUser.set(user, new Set(wanted.keys()));
    else this.#byUser.delete(user);
  }

  /** What there is of `refs`, waiting for those not heard of yet. Rejects where the API would not say. */
  async read(refs: readonly ObjectRef[]): Promise<Objects> {
    const configMaps = new Map<string, corev1.ConfigMap>();
    const secrets = new Map<string, corev1.Secret>();
    await Promise.all(
      refs.map(async (ref) => {
        const entry = this.#entries.get(key(ref));
        if (!entry) return;
        await entry.first.promise;
        if (entry.failure !== undefined) throw entry.failure;
        if (!entry.object) return;
        if (ref.kind === "ConfigMap") configMaps.set(ref.name, entry.object as corev1.ConfigMap);
        else secrets.set(ref.name, entry.object as corev1.Secret);
      }),
    );
    return { configMaps, secrets };
  }

  #acquire(id: string, ref: ObjectRef): Entry {
    const known = this.#entries.get(id);
    if (known) return known;
    const entry: Entry = {
      ref,
      users: new Map(),
      stop: childController(this.#signal),
      first: deferred<undefined>(),
      object: undefined,
      failure: undefined,
    };
    this.#entries.set(id, entry);
    void this.#follow(entry);
    return entry;
  }

  #release(id: string, user: string): void {
    const entry = this.#entries.get(id);
    entry?.users.delete(user);
    if (!entry || entry.users.size > 0) return;
    entry.stop.abort();
    entry.stop.unlink();
    this.#entries.delete(id);
  }

  /** Lists and watches until nobody needs the object any more. */
  async #follow(entry: Entry): Promise<void> {
    const { signal } = entry.stop;
    const client: ResourceClient<Found> =
      entry.ref.kind === "ConfigMap"
        ? this.#client.resource(resources.configmaps)
        : this.#client.resource(resources.secrets);
    const backoff = new Backoff({ initial: 200, max: 30_000, jitter: 0.2, random: this.#env.random });
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(entry, client, () => backoff.reset());
      } catch (error) {
        if (signal.aborted) return;
        const { kind, name } = entry.ref;
        this.#env.log.debug("Object could not be watched", { kind, name, error: errorText(error) });
        if (isForbidden(error) || isNotFound(error)) this.#set(entry, undefined, error);
        else if (!entry.object) this.#set(entry, undefined, error);
      }
      await this.#env.clock.sleep(backoff.next(), signal).catch(() => undefined);
    }
    entry.first.resolve(undefined);
  }

  async #listAndWatch(entry: Entry, client: ResourceClient<Found>, works: () => void): Promise<void> {
    const { namespace, name } = entry.ref;
    const { signal } = entry.stop;
    const select = { namespace, fieldSelector: `metadata.name=${name}`, signal };
    const list = await client.list(select);
    works();
    this.#set(entry, list.items[0], undefined);
    const resourceVersion = list.metadata.resourceVersion;
    for await (const event of client.watch({ ...select, resourceVersion, allowWatchBookmarks: true })) {
      if (event.type === "BOOKMARK") continue;
      this.#set(entry, event.type === "DELETED" ? undefined : event.object, undefined);
    }
  }

  #set(entry: Entry, object: Found | undefined, failure: unknown): void {
    const same = entry.object?.metadata.resourceVersion === object?.metadata.resourceVersion;
    const changed = !same || (entry.failure === undefined) !== (failure === undefined);
    entry.object = object;
    entry.failure = failure;
    entry.first.resolve(undefined);
    if (changed) for (const tell of entry.users.values()) tell();
  }
}

export interface Objects {
  readonly configMaps: ReadonlyMap<string, corev1.ConfigMap>;
  readonly secrets: ReadonlyMap<string, corev1.Secret>;
}
