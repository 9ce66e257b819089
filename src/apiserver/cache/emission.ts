import type { Item } from "./item.ts";

/** What a watcher is told, before any encoding. */
export type EmissionType = "ADDED" | "MODIFIED" | "DELETED";

/**
 * One event as watchers see it. The object is shared by all watchers that get the same thing, so an encoding made for one
 * serves all: {@link encoded} keeps it per representation.
 */
export interface Emission {
  readonly type: EmissionType;
  readonly item: Item;
  readonly encoded: Map<string, Uint8Array>;
}

/** "Nothing older is still to come": carries only a revision. */
export interface Bookmark {
  readonly type: "BOOKMARK";
  readonly revision: number;
  /** All objects that existed when the watch began have been sent. */
  readonly initialEventsEnd: boolean;
}

export function emission(type: EmissionType, item: Item): Emission {
  return { type, item, encoded: new Map() };
}

/** One commit to one object, with the forms in which watchers may see it. */
export class CacheEvent {
  readonly revision: number;
  readonly key: string;
  /** When it was applied, ms; bounds how long it is kept. */
  readonly at: number;
  /** The new state; absent for a deletion. */
  readonly current: Item | undefined;
  readonly previous: Item | undefined;
  #emissions: Emission[] = [];

  constructor(revision: number, key: string, at: number, current: Item | undefined, previous: Item | undefined) {
    this.revision = revision;
    this.key = key;
    this.at = at;
    this.current = current;
    this.previous = previous;
  }

  /**
   * What a watcher with this predicate is told: an object that comes to match is ADDED, one that ceases to is DELETED
   * (in its last matching state, at this event's revision); undefined when it never matched.
   */
  seenBy(matches: (item: Item) => boolean): Emission | undefined {
    const is = this.current !== undefined && matches(this.current);
    const was = this.previous !== undefined && matches(this.previous);
    if (is) return this.#emission(was ? "MODIFIED" : "ADDED");
    return was ? this.#emission("DELETED") : undefined;
  }

  /** Drops the encodings once the event is no news any more. */
  forgetEncodings(): void {
    for (const known of this.#emissions) known.encoded.clear();
  }

  #emission(type: EmissionType): Emission {
    const known = this.#emissions.find((one) => one.type === type);
    if (known) return known;
    const item = type === "DELETED" ? this.previous?.at(this.revision) : this.current;
    if (!item) throw new Error(`cache event ${this.key}@${this.revision} has no state to show as ${type}`);
    const made = emission(type, item);
    this.#emissions.push(made);
    return made;
  }
}
