import type { corev1 } from "../../api/index.ts";

const NONE: readonly corev1.Taint[] = Object.freeze([]);

/**
 * Lists of taints as numbers; 0 is none. Nodes of a kind have the same taints, so what a pod tolerates is worked out once a list,
 * not once a node. Numbers of lists that no node has any more are given again.
 */
export class TaintSets {
  readonly #ids = new Map<string, number>();
  readonly #keys: string[] = [""];
  readonly #lists: (readonly corev1.Taint[])[] = [NONE];
  readonly #uses: number[] = [0];
  readonly #free: number[] = [];
  #hard = 0;
  #soft = 0;

  /** How many nodes have a taint that keeps pods off (`NoSchedule`, `NoExecute`). */
  get hardNodes(): number {
    return this.#hard;
  }

  /** How many nodes have a `PreferNoSchedule` taint. */
  get softNodes(): number {
    return this.#soft;
  }

  /** Numbers lie below it. */
  get size(): number {
    return this.#lists.length;
  }

  list(id: number): readonly corev1.Taint[] {
    return this.#lists[id] ?? NONE;
  }

  /** The number of a list, counted as used by one node more. */
  use(taints: readonly corev1.Taint[] | undefined): number {
    if (!taints?.length) return 0;
    const key = taints.map((t) => `${t.key}\n${t.value ?? ""}\n${t.effect}`).join("\0");
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#lists.length;
      this.#ids.set(key, id);
      this.#keys[id] = key;
      this.#lists[id] = taints;
      this.#uses[id] = 0;
    }
    this.#count(id, 1);
    return id;
  }

  /** One node less has it. */
  release(id: number): void {
    if (id === 0) return;
    this.#count(id, -1);
    if (this.#uses[id] !== 0) return;
    this.#ids.delete(this.#keys[id] ?? "");
    this.#lists[id] = NONE;
    this.#free.push(id);
  }

  #count(id: number, by: 1 | -1): void {
    this.#uses[id] = (this.#uses[id] ?? 0) + by;
    const list = this.list(id);
    if (list.some((t) => t.effect !== "PreferNoSchedule")) this.#hard += by;
    if (list.some((t) => t.effect === "PreferNoSchedule")) this.#soft += by;
  }
}
