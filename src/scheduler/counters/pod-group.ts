import { growInt32 } from "../cache/grow.ts";
import type { PodInfo, PodLabels } from "../cache/pod-info.ts";
import type { DomainCounts } from "./domain-counts.ts";

/** Which pods are counted together. */
export interface GroupSpec {
  /** Equal for the same question. */
  readonly key: string;
  /** The only namespace it looks at; undefined: several, or any. */
  readonly namespace: string | undefined;
  /** Namespaces are chosen by label: answers change when namespaces do. */
  readonly byNamespaceLabels: boolean;
  /** Pods whose deletion has begun do not count. */
  readonly skipTerminating: boolean;
  matches(pod: PodLabels): boolean;
}

/** How many pods of a kind are on each node, kept up by deltas; and the sums over topologies that were asked for. */
export class PodGroup {
  readonly spec: GroupSpec;
  /** By slot. */
  counts: Int32Array;
  /** When it was last asked for. */
  used = 0;
  readonly domains = new Map<string, DomainCounts>();

  constructor(spec: GroupSpec, capacity: number) {
    this.spec = spec;
    this.counts = new Int32Array(capacity);
  }

  /** Whether this pod counts. */
  includes(pod: PodInfo): boolean {
    return !(this.spec.skipTerminating && pod.terminating) && this.spec.matches(pod.labels);
  }

  change(slot: number, by: 1 | -1): void {
    if (slot >= this.counts.length) this.counts = growInt32(this.counts, Math.max(slot + 1, this.counts.length * 2));
    this.counts[slot] = (this.counts[slot] as number) + by;
    for (const domains of this.domains.values()) domains.change(slot, by);
  }

  reset(): void {
    this.counts.fill(0);
    this.domains.clear();
  }
}
