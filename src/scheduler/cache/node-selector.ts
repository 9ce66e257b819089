import type { corev1 } from "../../api/index.ts";

type Labels = Readonly<Record<string, string>>;
type Predicate = (labels: Labels, name: string) => boolean;

const NO_LABELS: Labels = Object.freeze({});
const INT64 = /^[+-]?\d{1,19}$/;

/** Which nodes a pod may or likes to be on, by label and name. */
export interface NodeMatcher {
  /** Equal for matchers that mean the same. */
  readonly key: string;
  matches(node: corev1.Node): boolean;
}

/** What `nodeSelector` and required node affinity ask for together; undefined when a pod has neither. */
export function requiredNodeAffinity({ spec }: Pick<corev1.Pod, "spec">): NodeMatcher | undefined {
  const selector = spec.nodeSelector;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const hasSelector = selector !== undefined && Object.keys(selector).length > 0;
  if (!hasSelector && !required) return undefined;
  const terms = required && compileTerms(required);
  return {
    key: JSON.stringify([hasSelector ? selector : undefined, required]),
    matches: (node) => {
      const labels = node.metadata.labels ?? NO_LABELS;
      if (hasSelector) for (const key in selector) if (labels[key] !== selector[key]) return false;
      return !terms || terms.some((term) => term(labels, node.metadata.name));
    },
  };
}

/** A node selector: any of its terms must hold. Terms that cannot be read, and empty ones, hold for no node. */
export function nodeSelector(selector: corev1.NodeSelector): NodeMatcher {
  const terms = compileTerms(selector);
  return {
    key: JSON.stringify(selector),
    matches: (node) => terms.some((term) => term(node.metadata.labels ?? NO_LABELS, node.metadata.name)),
  };
}

/** A preferred term with its weight; undefined for one that says nothing. */
export interface NodePreference extends NodeMatcher {
  readonly weight: number;
}

/** The preferred terms that count. */
export function nodePreferences(terms: readonly corev1.PreferredSchedulingTerm[] | undefined): NodePreference[] {
  return (terms ?? []).flatMap(({ preference, weight }) => {
    if (weight === 0 || isEmpty(preference)) return [];
    const term = compileTerm(preference);
    const matches = (node: corev1.Node): boolean => term(node.metadata.labels ?? NO_LABELS, node.metadata.name);
    return [{ key: JSON.stringify(preference), weight, matches }];
  });
}

/**
 * The only nodes that can meet a required node affinity, where its terms all name nodes by `metadata.name`: a set, perhaps empty.
 * Undefined when other nodes can meet it as well.
 */
export function namedNodes(required: corev1.NodeSelector | undefined): Set<string> | undefined {
  if (!required?.nodeSelectorTerms.length) return undefined;
  const names = new Set<string>();
  for (const term of required.nodeSelectorTerms) {
    let own: Set<string> | undefined;
    for (const { key, operator, values } of term.matchFields ?? []) {
      if (key !== "metadata.name" || operator !== "In") continue;
      const named = new Set(values);
      own = own ? own.intersection(named) : named;
    }
    if (!own) return undefined;
    for (const name of own) names.add(name);
  }
  return names;
}

function isEmpty(term: corev1.NodeSelectorTerm): boolean {
  return !term.matchExpressions?.length && !term.matchFields?.length;
}

function compileTerms(selector: corev1.NodeSelector): Predicate[] {
  return selector.nodeSelectorTerms.filter((term) => !isEmpty(term)).map(compileTerm);
}

const never: Predicate = () => false;

function compileTerm(term: corev1.NodeSelectorTerm): Predicate {
  const labels = (term.matchExpressions ?? []).map(compileLabel);
  const fields = (term.matchFields ?? []).map(compileField);
  const all = [...labels, ...fields];
  if (all.includes(undefined)) return never;
  const predicates = all as Predicate[];
  return (node, name) => predicates.every((holds) => holds(node, name));
}

/** Undefined for a requirement that upstream refuses to read. */
function compileLabel({ key, operator, values = [] }: corev1.NodeSelectorRequirement): Predicate | undefined {
  const has = (labels: Labels): boolean => Object.hasOwn(labels, key);
  const set = new Set(values);
  switch (operator) {
    case "In":
      return set.size === 0 ? undefined : (labels) => has(labels) && set.has(labels[key] as string);
    case "NotIn":
      return set.size === 0 ? undefined : (labels) => !has(labels) || !set.has(labels[key] as string);
    case "Exists":
      return values.length > 0 ? undefined : has;
    case "DoesNotExist":
      return values.length > 0 ? undefined : (labels) => !has(labels);
    case "Gt":
    case "Lt": {
      const bound = values.length === 1 ? int64(values[0]) : undefined;
      if (bound === undefined) return undefined;
      return (labels) => {
        const value = has(labels) ? int64(labels[key]) : undefined;
        return value !== undefined && (operator === "Gt" ? value > bound : value < bound);
      };
    }
    default:
      return undefined;
  }
}

function compileField({ key, operator, values = [] }: corev1.NodeSelectorRequirement): Predicate | undefined {
  const [only] = values;
  if (values.length !== 1 || only === undefined) return undefined;
  const isName = key === "metadata.name";
  if (operator === "In") return (_, name) => (isName ? name : "") === only;
  if (operator === "NotIn") return (_, name) => (isName ? name : "") !== only;
  return undefined;
}

function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !INT64.test(text)) return undefined;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
