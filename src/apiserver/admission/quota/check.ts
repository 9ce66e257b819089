import type { corev1 } from "../../../api/index.ts";
import { type Amounts, amountsOf } from "../../resources/common/pod-resources.ts";
import type { AdmissionRequest } from "../../seams/index.ts";
import { refusal } from "../common.ts";
import { increase, only, plus, printAmounts } from "./amounts.ts";
import { type Evaluator, scopesOf } from "./evaluator.ts";

/** A quota, and how much of it is used. */
export interface Ledger {
  readonly quota: corev1.ResourceQuota;
  readonly used: Amounts;
}

/**
 * What is used of each quota once a write is done; throws when that is more than a quota allows, or when it cannot be told.
 * The ledgers stay as they are.
 */
export function charge(
  ledgers: readonly Ledger[],
  request: AdmissionRequest,
  evaluator: Evaluator,
  now: number,
): readonly Ledger[] {
  const concerned = new Set(ledgers.filter(({ quota }) => concerns(quota, request, evaluator)));
  const usage = evaluator.usage(request.object, now);
  const negative = [...usage].filter(([, amount]) => amount.sign() < 0).map(([name]) => name);
  if (negative.length > 0) {
    throw refusal(request, `quota usage is negative for resource(s): ${negative.toSorted().join(",")}`);
  }
  return ledgers.map((ledger) => {
    if (!concerned.has(ledger)) return ledger;
    const { quota, used } = ledger;
    const hard = amountsOf(quota.status.hard);
    const more = only(growth(quota, request, evaluator, usage, now), new Set(hard.keys()));
    if (more.size === 0) return ledger;
    const next = plus(used, more);
    if (request.subresource !== "status") {
      const exceeded = new Set([...more.keys()].filter((name) => exceeds(next, hard, name)));
      if (exceeded.size > 0) throw refusal(request, describe(quota, exceeded, more, used, hard));
    }
    return { quota, used: next };
  });
}

function exceeds(next: Amounts, hard: Amounts, name: string): boolean {
  const [amount, limit] = [next.get(name), hard.get(name)];
  return amount !== undefined && limit !== undefined && amount.cmp(limit) > 0;
}

function describe(
  quota: corev1.ResourceQuota,
  names: ReadonlySet<string>,
  more: Amounts,
  used: Amounts,
  hard: Amounts,
): string {
  const print = (amounts: Amounts): string => printAmounts(only(amounts, names));
  const numbers = `requested: ${print(more)}, used: ${print(used)}, limited: ${print(hard)}`;
  return `exceeded quota: ${quota.metadata.name}, ${numbers}`;
}

/** Whether a quota counts what is written; throws when the object says too little, or nobody has counted yet. */
function concerns(quota: corev1.ResourceQuota, request: AdmissionRequest, evaluator: Evaluator): boolean {
  if (!counts(quota, request.object, evaluator)) return false;
  const limited = Object.keys(quota.status.hard ?? {}).filter((name) => evaluator.limits(name));
  const complaint = evaluator.missing?.(limited.toSorted(), request.object);
  if (complaint) throw refusal(request, `failed quota: ${quota.metadata.name}: ${complaint}`);
  if (limited.some((name) => quota.status.used?.[name] === undefined)) {
    const names = limited.toSorted().join(",");
    throw refusal(request, `status unknown for quota: ${quota.metadata.name}, resources: ${names}`);
  }
  return true;
}

function counts(quota: corev1.ResourceQuota, object: unknown, evaluator: Evaluator): boolean {
  return (
    Object.keys(quota.status.hard ?? {}).some((name) => evaluator.limits(name)) &&
    scopesOf(quota).every((selector) => evaluator.inScope?.(selector, object) ?? false)
  );
}

/** What a write adds to what a quota counts: all of a new object, or of one that was out of scope before. */
function growth(
  quota: corev1.ResourceQuota,
  { operation, oldObject }: AdmissionRequest,
  evaluator: Evaluator,
  usage: Amounts,
  now: number,
): Amounts {
  const counted = operation === "UPDATE" && oldObject !== undefined && counts(quota, oldObject, evaluator);
  return increase(usage, counted ? evaluator.usage(oldObject, now) : new Map());
}
