import type { corev1 } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import { addTo, type Amounts, amountsOf } from "./amounts.ts";
import { countedResources, type Evaluator, evaluatorOf } from "./evaluators.ts";

type Quota = corev1.ResourceQuota;
type Scope = corev1.ScopedResourceSelectorRequirement;

/** What there is: the objects of a resource (`resource.group`) in the quota's namespace; `undefined` where that is not known. */
export interface Inventory {
  objects(resource: string): Iterable<unknown> | undefined;
  /** What an object uses. */
  usage(evaluator: Evaluator, object: unknown): Amounts;
}

/** The names that a quota limits. */
export function limitedNames({ spec }: Quota): string[] {
  return Object.keys(spec.hard ?? {});
}

/** Limits and usage as they are; the same object when nothing has changed. What cannot be counted now keeps its count. */
export function quotaStatus(quota: Quota, inventory: Inventory): Quota["status"] {
  const hard = amountsOf(quota.spec.hard);
  const used = amountsOf(quota.status.used);
  for (const name of used.keys()) if (!hard.has(name)) used.delete(name);
  for (const [name, amount] of usageOf(quota, inventory)) used.set(name, amount);
  const { status } = quota;
  const settled =
    status.hard !== undefined &&
    status.used !== undefined &&
    equal(amountsOf(status.hard), hard) &&
    equal(amountsOf(status.used), used);
  return settled ? status : { hard: textOf(hard), used: textOf(used) };
}

function usageOf(quota: Quota, inventory: Inventory): Amounts {
  const names = limitedNames(quota);
  const scopes = scopesOf(quota);
  const usage = new Map<string, Quantity>();
  for (const resource of countedResources(names)) {
    const evaluator = evaluatorOf(resource);
    const objects = evaluator === undefined ? undefined : inventory.objects(resource);
    if (evaluator === undefined || objects === undefined) continue;
    const sum = new Map(names.filter((name) => evaluator.limits(name)).map((name) => [name, Quantity.zero]));
    for (const object of objects) {
      if (!scopes.every((scope) => evaluator.inScope?.(scope, object) === true)) continue;
      const own = [...inventory.usage(evaluator, object)].filter(([name]) => sum.has(name));
      addTo(sum, new Map(own));
    }
    addTo(usage, sum);
  }
  return usage;
}

function scopesOf({ spec }: Quota): Scope[] {
  const named = (spec.scopes ?? []).map((scopeName): Scope => ({ scopeName, operator: "Exists" }));
  return [...named, ...(spec.scopeSelector?.matchExpressions ?? [])];
}

function equal(a: Amounts, b: Amounts): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name)?.equals(amount) === true);
}

function textOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]));
}
