import type { CachedObject, Lister } from "../../../client/index.ts";

interface Assumption<T> {
  readonly object: T;
  /** The version of the object that was changed. */
  readonly base: string;
}

/** Objects as they will be once the server has taken what was decided here; what the server says later counts more. */
export class Assumed<T extends CachedObject> {
  readonly #lister: Lister<T>;
  readonly #assumed = new Map<string, Assumption<T>>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: string): T | undefined {
    const object = this.#lister.get(key);
    const assumption = this.#assumed.get(key);
    if (!assumption) return object;
    if (object?.metadata.resourceVersion === assumption.base) return assumption.object;
    this.#assumed.delete(key);
    return object;
  }

  /** Puts the assumed state in place of each object that has one. */
  *replaced(objects: Iterable<T>, keyOf: (object: T) => string): Iterable<T> {
    for (const object of objects) yield this.get(keyOf(object)) ?? object;
  }

  /** False when the object is gone or has changed meanwhile. */
  assume(key: string, object: T): boolean {
    const current = this.#lister.get(key);
    if (current?.metadata.resourceVersion !== object.metadata.resourceVersion) return false;
    this.#assumed.set(key, { object, base: object.metadata.resourceVersion });
    return true;
  }

  revert(key: string): void {
    this.#assumed.delete(key);
  }
}
