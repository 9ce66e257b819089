import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { NodeColumns } from "../cache/node-columns.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { Status } from "./status.ts";

/**
 * One try to find a node for one pod, and what its plugins keep on the way. Lives from PreFilter to PostBind. The columns are the
 * live state: they may be read in every step up to Permit, and what-ifs are played in them.
 */
export class SchedulingCycle {
  readonly info: PodInfo;
  readonly cache: ClusterCache;
  readonly #data = new Map<string, unknown>();
  readonly #rejections: Status[] = [];
  readonly #rejectionIds = new Map<string, number>();
  /** Plugins whose PreFilter had nothing to do: their Filter is left out. */
  readonly skippedFilters = new Set<string>();
  /** Plugins whose PreScore had nothing to do: their Score is left out. */
  readonly skippedScores = new Set<string>();
  /** Pods to be tried at once when this cycle ends well, by UID. */
  readonly podsToActivate = new Set<string>();
  /** The plugin that is being asked. */
  asking: { readonly name: string } | undefined;
  /** How many attempts came before. */
  readonly attempts: number;

  constructor(info: PodInfo, cache: ClusterCache, attempts = 0) {
    this.info = info;
    this.cache = cache;
    this.attempts = attempts;
  }

  get pod(): PodInfo["pod"] {
    return this.info.pod;
  }

  get nodes(): NodeColumns {
    return this.cache.nodes;
  }

  /** What was kept under `key`; keys are by custom the plugin's name with a word before it. */
  read<T>(key: string): T | undefined {
    return this.#data.get(key) as T | undefined;
  }

  write(key: string, value: unknown): void {
    this.#data.set(key, value);
  }

  /** A number above 0 for a refusal, to be put into the verdicts of nodes. Equal refusals have the same. */
  rejection(status: Status): number {
    const plugin = status.plugin ?? this.asking?.name ?? "";
    const key = `${plugin}\n${status.code}\n${status.reasons.join("\n")}`;
    let id = this.#rejectionIds.get(key);
    if (id === undefined) {
      this.#rejections.push({ ...status, plugin });
      id = this.#rejections.length;
      this.#rejectionIds.set(key, id);
    }
    return id;
  }

  /** The refusal of a number. */
  refusal(id: number): Status | undefined {
    return this.#rejections[id - 1];
  }

  /** All refusals met so far: number `i + 1` is at index `i`. */
  get refusals(): readonly Status[] {
    return this.#rejections;
  }
}
