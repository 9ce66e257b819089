import type { QueueEntry } from "./queued-pod.ts";

const NOBODY = "";

/** Pods that were turned down and wait for something to happen, found by who turned them down. */
export class UnschedulablePool {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #byPlugin = new Map<string, Set<QueueEntry>>();
  readonly #listed = new Map<QueueEntry, readonly string[]>();

  get size(): number {
    return this.#entries.size;
  }

  get(uid: string): QueueEntry | undefined {
    return this.#entries.get(uid);
  }

  all(): Iterable<QueueEntry> {
    return this.#entries.values();
  }

  /** How many are held by a PreEnqueue plugin. */
  get gated(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.gate !== "") count++;
    return count;
  }

  /** Those that one of `plugins` turned down, and those of whom nobody knows why. */
  turnedDownBy(plugins: Iterable<string>): Iterable<QueueEntry> {
    const found = new Set<QueueEntry>(this.#byPlugin.get(NOBODY));
    for (const plugin of plugins) for (const entry of this.#byPlugin.get(plugin) ?? []) found.add(entry);
    return found;
  }

  add(entry: QueueEntry): void {
    this.remove(entry);
    this.#entries.set(entry.info.uid, entry);
    const plugins = [...entry.unschedulablePlugins.union(entry.pendingPlugins)];
    if (plugins.length === 0) plugins.push(NOBODY);
    this.#listed.set(entry, plugins);
    for (const plugin of plugins) {
      const set = this.#byPlugin.get(plugin);
      if (set) set.add(entry);
      else this.#byPlugin.set(plugin, new Set([entry]));
    }
  }

  /** Does nothing when it is not here. */
  remove(entry: QueueEntry): void {
    const plugins = this.#listed.get(entry);
    if (!plugins) return;
    this.#listed.delete(entry);
    this.#entries.delete(entry.info.uid);
    for (const plugin of plugins) this.#byPlugin.get(plugin)?.delete(entry);
  }
}
