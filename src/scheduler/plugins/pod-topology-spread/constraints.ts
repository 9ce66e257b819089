import type { corev1 } from "../../../api/index.ts";
import { LruMap } from "../../../kit/index.ts";
import { andSelectors, type Selector, selectorFrom, selectorFromMap } from "../../../machinery/index.ts";

/** A spread constraint, parsed, with nothing left open. */
export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: Selector;
  /** Equal for selectors that mean the same. */
  readonly selectorKey: string;
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

/** The constraints of a pod by what is done when they cannot be met. */
export interface SpreadConstraints {
  readonly hard: readonly SpreadConstraint[];
  readonly soft: readonly SpreadConstraint[];
}

type Written = readonly corev1.TopologySpreadConstraint[];

const REMEMBERED = 1024;

/** Parses constraints; pods of one workload repeat each other's. */
export class ConstraintReader {
  readonly #known = new LruMap<string, SpreadConstraints>(REMEMBERED);

  /** Constraints of a pod with `labels`; `selector`, if given, stands in for theirs. Throws for a selector that is none. */
  read(written: Written, labels: Readonly<Record<string, string>> | undefined, selector?: Selector): SpreadConstraints {
    const merged = written.flatMap(({ matchLabelKeys = [] }) => matchLabelKeys.map((key) => labels?.[key]));
    const text = JSON.stringify([written, merged, selector?.toString()]);
    const known = this.#known.get(text);
    if (known) return known;
    const of = (action: string): SpreadConstraint[] =>
      written.filter((c) => c.whenUnsatisfiable === action).map((c) => parse(c, labels ?? {}, selector));
    const made = { hard: of("DoNotSchedule"), soft: of("ScheduleAnyway") };
    this.#known.set(text, made);
    return made;
  }
}

function parse(
  c: corev1.TopologySpreadConstraint,
  labels: Readonly<Record<string, string>>,
  given: Selector | undefined,
): SpreadConstraint {
  const selector = given ?? withOwnLabels(selectorFrom(c.labelSelector), c.matchLabelKeys, labels);
  return {
    maxSkew: c.maxSkew,
    topologyKey: c.topologyKey,
    selector,
    selectorKey: selector.nothing ? "<none>" : selector.toString(),
    minDomains: c.minDomains ?? 1,
    honorAffinity: (c.nodeAffinityPolicy ?? "Honor") === "Honor",
    honorTaints: c.nodeTaintsPolicy === "Honor",
  };
}

function withOwnLabels(
  selector: Selector,
  keys: readonly string[] | undefined,
  labels: Readonly<Record<string, string>>,
): Selector {
  const own = Object.fromEntries((keys ?? []).flatMap((key) => (key in labels ? [[key, labels[key] as string]] : [])));
  return Object.keys(own).length === 0 ? selector : andSelectors(selectorFromMap(own), selector);
}
