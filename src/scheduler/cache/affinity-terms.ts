import type { corev1 } from "../../api/index.ts";
import { LruMap } from "../../kit/index.ts";
import { type Selector, selectorFrom } from "../../machinery/index.ts";

/** A pod (anti-)affinity term, parsed. Equal terms of pods of the same namespace are the same object, as long as remembered. */
export interface AffinityTerm {
  /** Equal for terms that mean the same. */
  readonly key: string;
  /** Names that are matched whatever their labels. */
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces matched by label; matches nothing when the term has none. */
  readonly namespaceSelector: Selector;
  readonly selector: Selector;
  readonly topologyKey: string;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
}

/** The pod (anti-)affinity of a pod. */
export interface PodAffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
  /** Why a term could not be read; such a pod cannot be scheduled. */
  readonly error?: string;
}

/** Of the many pods that have none. */
export const NO_AFFINITY: PodAffinityTerms = Object.freeze({
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
});

/** Whether a term selects pods with these labels in a namespace with those labels. */
export function termMatches(
  term: AffinityTerm,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (!term.namespaces.has(namespace) && !term.namespaceSelector.matches(namespaceLabels)) return false;
  return term.selector.matches(labels);
}

const REMEMBERED = 4096;

/** Parses affinity terms. Pods of one workload repeat each other's, so they are remembered by their text. */
export class TermReader {
  readonly #known = new LruMap<string, AffinityTerm>(REMEMBERED);

  read({ metadata, spec }: corev1.Pod): PodAffinityTerms {
    const affinity = spec.affinity?.podAffinity;
    const anti = spec.affinity?.podAntiAffinity;
    if (!affinity && !anti) return NO_AFFINITY;
    const required = (terms: readonly corev1.PodAffinityTerm[] | undefined): AffinityTerm[] =>
      (terms ?? []).map((term) => this.term(term, metadata.namespace));
    const weighted = (terms: readonly corev1.WeightedPodAffinityTerm[] | undefined): WeightedTerm[] =>
      (terms ?? []).map(({ podAffinityTerm, weight }) => ({
        term: this.term(podAffinityTerm, metadata.namespace),
        weight,
      }));
    try {
      return {
        requiredAffinity: required(affinity?.requiredDuringSchedulingIgnoredDuringExecution),
        requiredAntiAffinity: required(anti?.requiredDuringSchedulingIgnoredDuringExecution),
        preferredAffinity: weighted(affinity?.preferredDuringSchedulingIgnoredDuringExecution),
        preferredAntiAffinity: weighted(anti?.preferredDuringSchedulingIgnoredDuringExecution),
      };
    } catch (error) {
      return { ...NO_AFFINITY, error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** One term of a pod in `namespace`. */
  term(term: corev1.PodAffinityTerm, namespace: string): AffinityTerm {
    const own = !term.namespaces?.length && !term.namespaceSelector;
    const text = JSON.stringify([
      term.topologyKey,
      own ? [namespace] : term.namespaces,
      term.namespaceSelector,
      term.labelSelector,
    ]);
    const known = this.#known.get(text);
    if (known) return known;
    const made: AffinityTerm = {
      key: text,
      namespaces: new Set(own ? [namespace] : term.namespaces),
      namespaceSelector: selectorFrom(term.namespaceSelector),
      selector: selectorFrom(term.labelSelector),
      topologyKey: term.topologyKey,
    };
    this.#known.set(text, made);
    return made;
  }
}
