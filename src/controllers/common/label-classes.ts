import { cacheKey, type Informer } from "../../client/index.ts";
import type { MetaObject } from "./claims.ts";

/** Pods (or other objects) of one namespace with the very same labels. */
export interface LabelClass {
  readonly id: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Cache keys of the members. */
  readonly members: ReadonlySet<string>;
}

interface MutableClass extends LabelClass {
  readonly members: Set<string>;
}

/** Told when a class gets its first member, and when it has lost its last one. */
export interface ClassListener {
  appeared(cls: LabelClass): void;
  vanished(cls: LabelClass): void;
}

/**
 * Sorts objects by namespace and labels. Pods made from one template share their labels, so there are far fewer classes than
 * pods: whoever selects by label tries classes instead of pods, and only when a class is new.
 */
export class LabelClasses<T extends MetaObject> {
  readonly #classes = new Map<string, MutableClass>();
  readonly #byNamespace = new Map<string, Set<MutableClass>>();
  readonly #classOf = new Map<string, MutableClass>();
  readonly #listeners: ClassListener[] = [];

  constructor(informer: Informer<T>) {
    informer.handle({
      added: (object) => this.#put(object),
      updated: (object, before) => {
        if (object.metadata.labels !== before.metadata.labels) this.#put(object);
      },
      deleted: (object) => this.#drop(cacheKey(object)),
    });
  }

  listen(listener: ClassListener): void {
    this.#listeners.push(listener);
  }

  all(): Iterable<LabelClass> {
    return this.#classes.values();
  }

  inNamespace(namespace: string): Iterable<LabelClass> {
    return this.#byNamespace.get(namespace) ?? [];
  }

  #put(object: T): void {
    const key = cacheKey(object);
    const namespace = object.metadata.namespace ?? "";
    const labels = object.metadata.labels ?? {};
    const id = classId(namespace, labels);
    const before = this.#classOf.get(key);
    if (before?.id === id) return;
    if (before !== undefined) this.#leave(key, before);
    const known = this.#classes.get(id);
    const cls = known ?? { id, namespace, labels, members: new Set<string>() };
    cls.members.add(key);
    this.#classOf.set(key, cls);
    if (known === undefined) this.#appear(cls);
  }

  #appear(cls: MutableClass): void {
    this.#classes.set(cls.id, cls);
    const siblings = this.#byNamespace.get(cls.namespace);
    if (siblings === undefined) this.#byNamespace.set(cls.namespace, new Set([cls]));
    else siblings.add(cls);
    for (const listener of this.#listeners) listener.appeared(cls);
  }

  #drop(key: string): void {
    const cls = this.#classOf.get(key);
    if (cls === undefined) return;
    this.#classOf.delete(key);
    this.#leave(key, cls);
  }

  #leave(key: string, cls: MutableClass): void {
    cls.members.delete(key);
    if (cls.members.size > 0) return;
    this.#classes.delete(cls.id);
    const siblings = this.#byNamespace.get(cls.namespace);
    siblings?.delete(cls);
    if (siblings?.size === 0) this.#byNamespace.delete(cls.namespace);
    for (const listener of this.#listeners) listener.vanished(cls);
  }
}

function classId(namespace: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.keys(labels)
    .toSorted()
    .map((key) => `${key}=${labels[key]}`);
  return `${namespace}/${pairs.join(",")}`;
}
