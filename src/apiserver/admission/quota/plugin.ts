import { type corev1, resources } from "../../../api/index.ts";
import type { Client } from "../../../client/index.ts";
import type { Clock } from "../../../kit/index.ts";
import { type Amounts, amountsOf } from "../../resources/common/pod-resources.ts";
import type { Admission, AdmissionRequest, Lookup } from "../../seams/index.ts";
import { isResource } from "../common.ts";
import { charge, type Ledger } from "./check.ts";
import type { Evaluator } from "./evaluator.ts";
import { evaluatorFor } from "./evaluators.ts";

const RETRIES = 3;

/**
 * Keeps namespaces within their quotas. Writes of a namespace are charged one batch after the other: all that wait are
 * charged together, and the quotas' statuses written once for all of them.
 */
export function resourceQuota(lookup: Lookup, client: Client, clock: Clock): Admission {
  const desks = new Map<string, Desk>();
  return {
    name: "ResourceQuota",
    handles: (operation) => operation === "CREATE" || operation === "UPDATE",
    async validate(request) {
      const { namespace, resource } = request;
      if (namespace === "" || (isResource(resource, "namespaces") && request.operation === "CREATE")) return;
      const evaluator = evaluatorFor(resource);
      if (!evaluator?.handles(request)) return;
      let desk = desks.get(namespace);
      if (!desk) {
        if ((await lookup.list(resources.resourcequotas, namespace)).length === 0) return;
        desk = desks.get(namespace) ?? new Desk(namespace, { lookup, client, clock });
        desks.set(namespace, desk);
      }
      try {
        await desk.charge(request, evaluator);
      } finally {
        if (desk.idle) desks.delete(namespace);
      }
    },
  };
}

interface Parts {
  readonly lookup: Lookup;
  readonly client: Client;
  readonly clock: Clock;
}

interface Waiter {
  readonly request: AdmissionRequest;
  readonly evaluator: Evaluator;
  resolve(): void;
  reject(error: unknown): void;
}

/** Where the writes of one namespace queue up. */
class Desk {
  readonly #namespace: string;
  readonly #parts: Parts;
  #waiting: Waiter[] = [];
  #working = false;

  constructor(namespace: string, parts: Parts) {
    this.#namespace = namespace;
    this.#parts = parts;
  }

  get idle(): boolean {
    return !this.#working && this.#waiting.length === 0;
  }

  charge(request: AdmissionRequest, evaluator: Evaluator): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ request, evaluator, resolve, reject });
    if (!this.#working) void this.#work();
    return promise;
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#settle(batch, await this.#quotas());
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.#working = false;
  }

  #quotas(): Promise<readonly corev1.ResourceQuota[]> {
    return this.#parts.lookup.list(resources.resourcequotas, this.#namespace);
  }

  /** Settles every waiter of the batch, or throws. */
  async #settle(batch: readonly Waiter[], quotas: readonly corev1.ResourceQuota[]): Promise<void> {
    let [open, toCharge] = [batch, quotas];
    for (let attempt = 0; ; attempt++) {
      const { ledgers, charged } = this.#chargeAll(open, toCharge);
      const changed = ledgers.filter(({ quota, used }) => !sameAmounts(used, amountsOf(quota.status.used)));
      const written = await Promise.allSettled(changed.map((ledger) => this.#write(ledger)));
      const failed = written.flatMap((result, i) =>
        result.status === "rejected" ? [{ result, ledger: changed[i] }] : [],
      );
      if (failed.length === 0) return charged.forEach((waiter) => waiter.resolve());
      if (attempt === RETRIES) throw failed[0]?.result.reason;
      // Somebody else counted in between: those quotas are charged anew, the others have been.
      const names = new Set(failed.map(({ ledger }) => ledger?.quota.metadata.name));
      toCharge = (await this.#quotas()).filter((quota) => names.has(quota.metadata.name));
      open = charged;
    }
  }

  /** Charges the writes in turn. Those that are refused, change nothing or are not meant are settled here. */
  #chargeAll(
    batch: readonly Waiter[],
    quotas: readonly corev1.ResourceQuota[],
  ): { readonly ledgers: readonly Ledger[]; readonly charged: readonly Waiter[] } {
    let ledgers: readonly Ledger[] = quotas.map((quota) => ({ quota, used: amountsOf(quota.status.used) }));
    const charged: Waiter[] = [];
    for (const waiter of batch) {
      try {
        const next = charge(ledgers, waiter.request, waiter.evaluator, this.#parts.clock.now());
        const same = next.every((ledger, i) => ledger === ledgers[i]);
        if (same || waiter.request.dryRun) waiter.resolve();
        else {
          charged.push(waiter);
          ledgers = next;
        }
      } catch (error) {
        waiter.reject(error);
      }
    }
    return { ledgers, charged };
  }

  async #write({ quota, used }: Ledger): Promise<void> {
    const amounts = Object.fromEntries([...used].map(([name, amount]) => [name, amount.toString()]));
    const body = { ...quota, status: { ...quota.status, used: amounts } };
    await this.#parts.client.resource(resources.resourcequotas).update(body, { subresource: "status" });
  }
}

function sameAmounts(a: Amounts, b: Amounts): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name)?.cmp(amount) === 0);
}
