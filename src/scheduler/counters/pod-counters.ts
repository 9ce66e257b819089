import { LruMap } from "../../kit/index.ts";
import type { NamespaceLabels } from "../cache/namespace-labels.ts";
import type { NodeColumns } from "../cache/node-columns.ts";
import type { PodInfo, PodLabels } from "../cache/pod-info.ts";
import { DomainCounts } from "./domain-counts.ts";
import { domainKey, DomainMap, type DomainSpec } from "./domain-map.ts";
import { OwnedTerms } from "./owned-terms.ts";
import { type GroupSpec, PodGroup } from "./pod-group.ts";

const MAX_GROUPS = 1024;
const MAX_MAPS = 512;

interface Memo {
  version: number;
  groups: readonly PodGroup[];
}

/**
 * Everything the scheduler counts about pods beyond single nodes: groups of pods selected by label, and (anti-)affinity terms
 * that running pods have, each by topology domain. A group is counted over all pods when first asked for; from then on
 * pods that come and go change it. What nobody asked for in a long time is dropped.
 */
export class PodCounters {
  readonly #nodes: NodeColumns;
  readonly #namespaces: NamespaceLabels;
  readonly #groups = new Map<string, PodGroup>();
  readonly #byNamespace = new Map<string, Set<PodGroup>>();
  readonly #maps = new LruMap<string, DomainMap>(MAX_MAPS);
  readonly #memo = new WeakMap<PodLabels, Memo>();
  #version = 0;
  #namespaceVersion = 0;
  #clock = 0;

  /** Required anti-affinity of running pods; weight 1 each. */
  readonly antiAffinity: OwnedTerms;
  /** Required affinity of running pods; weight 1 each. */
  readonly affinity: OwnedTerms;
  /** Preferred affinity of running pods, with its weight, negative for anti-affinity. */
  readonly preferred: OwnedTerms;
  /** How many running pods have any (anti-)affinity. */
  podsWithAffinity = 0;
  /** By `namespace/name`: how many running pods use a claim. */
  readonly claimUses = new Map<string, number>();

  constructor(nodes: NodeColumns, namespaces: NamespaceLabels) {
    this.#nodes = nodes;
    this.#namespaces = namespaces;
    const map = (topologyKey: string): DomainMap => this.domainMap({ topologyKey, requiredKeys: [] });
    this.antiAffinity = new OwnedTerms(namespaces, map);
    this.affinity = new OwnedTerms(namespaces, map);
    this.preferred = new OwnedTerms(namespaces, map);
  }

  /** A pod came to the node it names (`by` 1), or is about to leave it (-1). */
  change(pod: PodInfo, slot: number, by: 1 | -1): void {
    if (this.#groups.size > 0) {
      for (const group of this.#matching(pod.labels)) {
        if (group.spec.skipTerminating && pod.terminating) continue;
        group.change(slot, by);
      }
    }
    for (const volume of pod.pod.spec.volumes ?? []) {
      if (volume.persistentVolumeClaim) this.#useClaim(pod, volume.persistentVolumeClaim.claimName, by);
    }
    const { affinity } = pod;
    const { requiredAffinity, requiredAntiAffinity, preferredAffinity, preferredAntiAffinity } = affinity;
    if (pod.pod.spec.affinity?.podAffinity || pod.pod.spec.affinity?.podAntiAffinity) this.podsWithAffinity += by;
    for (const term of requiredAntiAffinity) this.antiAffinity.change(term, slot, 1, by);
    for (const term of requiredAffinity) this.affinity.change(term, slot, 1, by);
    for (const { term, weight } of preferredAffinity) this.preferred.change(term, slot, weight, by);
    for (const { term, weight } of preferredAntiAffinity) this.preferred.change(term, slot, -weight, by);
  }

  /** The group of a question. */
  group(spec: GroupSpec): PodGroup {
    this.#followNamespaces();
    let group = this.#groups.get(spec.key);
    if (!group) {
      group = new PodGroup(spec, this.#nodes.capacity);
      this.#groups.set(spec.key, group);
      this.#listOf(spec).add(group);
      this.#version++;
      this.#count(group);
      if (this.#groups.size > MAX_GROUPS) this.#dropOldest();
    }
    group.used = ++this.#clock;
    return group;
  }

  /** The sums of a group over domains, up to date. */
  domains(group: PodGroup, spec: DomainSpec): DomainCounts {
    const key = domainKey(spec);
    let domains = group.domains.get(key);
    if (!domains) {
      domains = new DomainCounts(group, this.domainMap(spec));
      group.domains.set(key, domains);
    }
    return domains.refresh();
  }

  /** How nodes are divided into domains. */
  domainMap(spec: DomainSpec): DomainMap {
    const key = domainKey(spec);
    let map = this.#maps.get(key);
    if (!map) {
      map = new DomainMap(this.#nodes, spec);
      this.#maps.set(key, map);
    }
    return map;
  }

  #useClaim(pod: PodInfo, claim: string, by: 1 | -1): void {
    const key = `${pod.labels.namespace}/${claim}`;
    const uses = (this.claimUses.get(key) ?? 0) + by;
    if (uses > 0) this.claimUses.set(key, uses);
    else this.claimUses.delete(key);
  }

  #matching(pod: PodLabels): readonly PodGroup[] {
    const memo = this.#memo.get(pod);
    if (memo?.version === this.#version) return memo.groups;
    const groups: PodGroup[] = [];
    for (const name of [pod.namespace, ""]) {
      for (const group of this.#byNamespace.get(name) ?? []) if (group.spec.matches(pod)) groups.push(group);
    }
    this.#memo.set(pod, { version: this.#version, groups });
    return groups;
  }

  /** Groups that choose namespaces by label are counted anew after namespaces changed. */
  #followNamespaces(): void {
    const { version } = this.#namespaces;
    if (version === this.#namespaceVersion) return;
    this.#namespaceVersion = version;
    this.#version++;
    for (const group of this.#groups.values()) {
      if (!group.spec.byNamespaceLabels) continue;
      group.reset();
      this.#count(group);
    }
  }

  #count(group: PodGroup): void {
    const nodes = this.#nodes;
    const known = new Map<PodLabels, boolean>();
    const { matches, skipTerminating } = group.spec;
    for (let slot = 0; slot < nodes.capacity; slot++) {
      for (const pod of nodes.pods(slot)) {
        if (skipTerminating && pod.terminating) continue;
        let included = known.get(pod.labels);
        if (included === undefined) known.set(pod.labels, (included = matches(pod.labels)));
        if (included) group.change(slot, 1);
      }
    }
  }

  #listOf({ namespace }: GroupSpec): Set<PodGroup> {
    const name = namespace ?? "";
    let list = this.#byNamespace.get(name);
    if (!list) this.#byNamespace.set(name, (list = new Set()));
    return list;
  }

  #dropOldest(): void {
    const byAge = [...this.#groups.values()].toSorted((a, b) => a.used - b.used);
    for (const group of byAge.slice(0, MAX_GROUPS / 4)) {
      this.#groups.delete(group.spec.key);
      this.#listOf(group.spec).delete(group);
    }
    this.#version++;
  }
}
