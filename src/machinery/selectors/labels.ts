import type { metav1 } from "../../api/index.ts";
import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";
import { parseRequirements } from "./parse-labels.ts";
import { meets, newRequirement, type Operator, printRequirement, type Requirement } from "./requirement.ts";

const NO_LABELS: Readonly<Record<string, string>> = {};

/** A compiled label selector. Immutable. */
export interface Selector {
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
  /** Matches everything. */
  readonly empty: boolean;
  /** Matches nothing, whatever the labels. */
  readonly nothing: boolean;
  /** Sorted by key; all must hold. */
  readonly requirements: readonly Requirement[];
  /** The one value that the label must have, if the selector says so. */
  requiresExact(key: string): string | undefined;
  /** Selector syntax, ready for a query. */
  toString(): string;
}

class LabelSelector implements Selector {
  readonly requirements: readonly Requirement[];
  readonly nothing: boolean;

  constructor(requirements: readonly Requirement[], nothing = false) {
    this.requirements = requirements;
    this.nothing = nothing;
  }

  get empty(): boolean {
    return this.requirements.length === 0 && !this.nothing;
  }

  matches(labels: Readonly<Record<string, string>> | undefined): boolean {
    if (this.nothing) return false;
    for (const requirement of this.requirements) if (!meets(requirement, labels ?? NO_LABELS)) return false;
    return true;
  }

  requiresExact(key: string): string | undefined {
    const found = this.requirements.find((r) => r.key === key);
    const exact = found?.operator === "=" || found?.operator === "==" || found?.operator === "in";
    return exact && found.values.length === 1 ? found.values[0] : undefined;
  }

  toString(): string {
    return this.requirements.map(printRequirement).join(",");
  }
}

/** Matches everything. */
export const everything: Selector = new LabelSelector([]);
/** Matches nothing. */
export const nothing: Selector = new LabelSelector([], true);

/** Parses `app=web,tier in (a,b),!legacy`. The empty text selects everything. Throws {@link ParseError}. */
export function parseLabelSelector(text: string): Selector {
  const requirements = parseRequirements(text);
  return requirements.length === 0 ? everything : new LabelSelector(requirements);
}

const OPERATORS: Readonly<Record<string, Operator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

/** The selector of an API object: none selects nothing, an empty one everything. Throws {@link ParseError}. */
export function selectorFrom(selector: Readonly<metav1.LabelSelector> | undefined | null): Selector {
  if (selector === undefined || selector === null) return nothing;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    newRequirement(key, "=", [value]),
  );
  for (const expression of selector.matchExpressions ?? []) {
    const operator = OPERATORS[expression.operator];
    if (!operator) throw new ParseError(`${quote(expression.operator)} is not a valid label selector operator`);
    requirements.push(newRequirement(expression.key, operator, expression.values ?? []));
  }
  return requirements.length === 0 ? everything : new LabelSelector(byKey(requirements));
}

/** Selects exactly these labels, unchecked; none select everything (as for Services and ReplicationControllers upstream: test for that before). */
export function selectorFromMap(labels: Readonly<Record<string, string>> | undefined): Selector {
  const requirements = Object.entries(labels ?? {}).map(([key, value]) => ({
    key,
    operator: "=" as const,
    values: [value],
  }));
  return requirements.length === 0 ? everything : new LabelSelector(byKey(requirements));
}

/** Both selectors at once. */
export function andSelectors(a: Selector, b: Selector): Selector {
  if (a.nothing || b.nothing) return nothing;
  return new LabelSelector(byKey([...a.requirements, ...b.requirements]));
}

/** Selector syntax of an API object, as `kubectl describe` and `status.selector` show it: `<none>` and `<error>` included. */
export function formatLabelSelector(selector: Readonly<metav1.LabelSelector> | undefined | null): string {
  try {
    const text = selectorFrom(selector).toString();
    return text === "" ? "<none>" : text;
  } catch {
    return "<error>";
  }
}

/** Labels as `kubectl` and selectors of old kinds show them: `a=1,b=2`, sorted; empty for none. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return selectorFromMap(labels).toString();
}

function byKey(requirements: Requirement[]): Requirement[] {
  return requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
