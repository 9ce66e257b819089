const KEPT = 4096;

/**
 * Which node slots changed, in order, so that what was worked out over all nodes can be brought up to date by looking at
 * those few. Only the last changes are kept.
 */
export class ChangeLog {
  #slots: number[] = [];
  #start = 0;

  /** Grows by one with each change. */
  get version(): number {
    return this.#start + this.#slots.length;
  }

  add(slot: number): void {
    this.#slots.push(slot);
    if (this.#slots.length < 2 * KEPT) return;
    this.#slots = this.#slots.slice(KEPT);
    this.#start += KEPT;
  }

  /** The slots changed since `version`; undefined when that is too long ago, or too many to be worth it. */
  since(version: number): readonly number[] | undefined {
    const from = version - this.#start;
    if (from < 0 || this.#slots.length - from > KEPT) return undefined;
    return this.#slots.slice(from);
  }
}
