import { type AffinityTerm, termMatches } from "../cache/affinity-terms.ts";
import type { NamespaceLabels } from "../cache/namespace-labels.ts";
import type { PodLabels } from "../cache/pod-info.ts";
import type { DomainMap } from "./domain-map.ts";

/** One term that running pods have, with the weight of those pods on each node and in each domain. */
export class OwnedTerm {
  readonly term: AffinityTerm;
  readonly map: DomainMap;
  /** By slot, where not 0. */
  readonly #bySlot = new Map<number, number>();
  #owners = 0;
  /** By domain number. Call {@link refresh} before reading. */
  weights = new Float64Array(0);
  #version = -1;

  constructor(term: AffinityTerm, map: DomainMap) {
    this.term = term;
    this.map = map;
  }

  get owners(): number {
    return this.#owners;
  }

  refresh(): this {
    const version = this.map.refresh();
    if (version === this.#version) return this;
    this.#version = version;
    this.weights = new Float64Array(this.map.nodesIn.length);
    for (const [slot, weight] of this.#bySlot) {
      const value = this.map.valueAt[slot] ?? 0;
      if (value !== 0) this.weights[value] = (this.weights[value] as number) + weight;
    }
    return this;
  }

  change(slot: number, weight: number, by: 1 | -1): void {
    this.#owners += by;
    const delta = by * weight;
    const now = (this.#bySlot.get(slot) ?? 0) + delta;
    if (now === 0) this.#bySlot.delete(slot);
    else this.#bySlot.set(slot, now);
    const value = this.map.valueAt[slot] ?? 0;
    if (value !== 0 && this.#version >= 0) this.weights[value] = (this.weights[value] as number) + delta;
  }
}

interface Memo {
  version: number;
  namespaces: number;
  terms: readonly OwnedTerm[];
}

const NONE: readonly OwnedTerm[] = Object.freeze([]);

/** The terms of one kind that running pods have, and which of them select a pod that comes. */
export class OwnedTerms {
  readonly #namespaces: NamespaceLabels;
  readonly #maps: (topologyKey: string) => DomainMap;
  readonly #terms = new Map<string, OwnedTerm>();
  /** Terms by the namespace they look at; those that look at several or choose by label are under the empty name. */
  readonly #byNamespace = new Map<string, Set<OwnedTerm>>();
  #memo = new WeakMap<PodLabels, Memo>();
  #version = 0;

  constructor(namespaces: NamespaceLabels, maps: (topologyKey: string) => DomainMap) {
    this.#namespaces = namespaces;
    this.#maps = maps;
  }

  get size(): number {
    return this.#terms.size;
  }

  /** A pod with this term came to or left a node. */
  change(term: AffinityTerm, slot: number, weight: number, by: 1 | -1): void {
    let owned = this.#terms.get(term.key);
    if (!owned) {
      owned = new OwnedTerm(term, this.#maps(term.topologyKey));
      this.#terms.set(term.key, owned);
      this.#list(term).add(owned);
      this.#version++;
    }
    owned.change(slot, weight, by);
    if (owned.owners > 0) return;
    this.#terms.delete(term.key);
    this.#list(term).delete(owned);
    this.#version++;
  }

  /** The terms that select pods with these labels. */
  matching(pod: PodLabels): readonly OwnedTerm[] {
    if (this.#terms.size === 0) return NONE;
    const memo = this.#memo.get(pod);
    const namespaces = this.#namespaces.version;
    if (memo?.version === this.#version && memo.namespaces === namespaces) return memo.terms;
    const labels = this.#namespaces.get(pod.namespace);
    const terms: OwnedTerm[] = [];
    for (const name of [pod.namespace, ""]) {
      for (const owned of this.#byNamespace.get(name) ?? NONE) {
        if (termMatches(owned.term, pod.namespace, pod.labels, labels)) terms.push(owned);
      }
    }
    this.#memo.set(pod, { version: this.#version, namespaces, terms });
    return terms;
  }

  #list({ namespaces, namespaceSelector }: AffinityTerm): Set<OwnedTerm> {
    const [first] = namespaces;
    const name = namespaces.size === 1 && namespaceSelector.nothing && first !== undefined ? first : "";
    let list = this.#byNamespace.get(name);
    if (!list) this.#byNamespace.set(name, (list = new Set()));
    return list;
  }
}
