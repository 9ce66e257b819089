import type { corev1, metav1, policyv1 } from "../../../api/index.ts";
import {
  badRequest,
  conflict,
  deepClone,
  failure,
  forbidden,
  formatTime,
  isConflict,
  notFound,
  selectorFrom,
  StatusError,
  timeout,
  tooManyRequests,
} from "../../../machinery/index.ts";
import { type Item, Predicate } from "../../cache/index.ts";
import { readField } from "../../catalog/fields.ts";
import type { StoredKind } from "../../catalog/kind.ts";
import { itemKey } from "../../registry/call.ts";
import type { Answer } from "../../request/answer.ts";
import { readObject } from "../../request/decode.ts";
import type { ApiObject } from "../../seams/index.ts";
import { type EndpointCall, subjectOf, writeOptions } from "../call.ts";
import { type DeleteOptions, deleteNamed } from "../delete.ts";
import { setPodCondition, success } from "./binding.ts";

const PODS = { group: "", resource: "pods" };
const BUDGETS = { group: "policy", resource: "poddisruptionbudget" };
const CAUSE = "DisruptionBudget";
/** Evictions that the disruption controller has not seen yet. */
const MAX_DISRUPTED = 2000;
/** How often a budget that others change at the same time is tried again, and how long between, ms. */
const ATTEMPTS = 20;
const PAUSE = 500;

interface Eviction extends ApiObject {
  deleteOptions?: Partial<metav1.DeleteOptions>;
}

/** POST of an Eviction: deletes a pod if its disruption budget allows. */
export async function evictEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, name } = call;
  const options = writeOptions(call, "CreateOptions");
  const eviction = (await readObject(call.context.request.body, {
    kind: "Eviction",
    apiVersion: "policy/v1",
  })) as Eviction;
  if (eviction.metadata.name !== name) throw badRequest("name in URL does not match name in Eviction object");
  const subject = subjectOf(call, options);
  await core.admission.mutate(subject, "CREATE", eviction, undefined);
  await core.admission.validate(subject, "CREATE", eviction, undefined);
  const wanted = deletion(eviction.deleteOptions ?? {}, options.dryRun);
  for (let left = ATTEMPTS; ; left--) {
    try {
      await evict(call, wanted);
      return { type: "object", status: 201, object: success() };
    } catch (error) {
      const mayRetry = isConflict(error) && wanted.preconditions?.resourceVersion === undefined;
      if (!mayRetry) throw error;
      if (left === 1) throw timeout("couldn't update PodDisruptionBudget due to conflicts", 10);
      await core.env.clock.sleep(PAUSE, call.context.signal);
    }
  }
}

function deletion(raw: Partial<metav1.DeleteOptions>, dryRun: boolean): DeleteOptions {
  return {
    gracePeriodSeconds: raw.gracePeriodSeconds,
    propagationPolicy: raw.propagationPolicy,
    orphanDependents: raw.orphanDependents,
    preconditions: raw.preconditions,
    dryRun: dryRun || (raw.dryRun?.length ?? 0) > 0,
    raw: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...raw },
  };
}

async function evict(call: EndpointCall, wanted: DeleteOptions): Promise<void> {
  const item = await call.core.storage.read(call.kind, itemKey(call.namespace, call.name));
  if (!item) throw notFound(PODS, call.name);
  const pod = item.object as unknown as corev1.Pod;
  if (isOver(pod)) return remove(call, wanted, item);
  const [budget, second] = await budgetsOf(call, pod);
  if (second) {
    const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw failure({ code: 500, message });
  }
  if (!budget) return remove(call, wanted, undefined);
  if (!isReady(pod) && unreadyMayGo(budget.object as unknown as policyv1.PodDisruptionBudget)) {
    return remove(call, wanted, item).catch((error: unknown) => {
      // The pod may just have become ready.
      throw isConflict(error) ? stillProcessed(budget.name) : error;
    });
  }
  await takeFromBudget(call, budget.name, wanted.dryRun);
  await remove(call, wanted, undefined);
}

/** Marks the pod with the reason and deletes it; in the state of `exactly` when that is given. */
async function remove(call: EndpointCall, wanted: DeleteOptions, exactly: Item | undefined): Promise<void> {
  const { core, kind, namespace, name } = call;
  const strict = exactly && !isDone(exactly.object as unknown as corev1.Pod) ? String(exactly.revision) : undefined;
  const resourceVersion = wanted.preconditions?.resourceVersion ?? strict;
  let marked: string | undefined;
  if (!wanted.dryRun) {
    const outcome = await core.storage.update(
      kind,
      itemKey(namespace, name),
      (current) => {
        if (!current) throw notFound(PODS, name);
        checkMarked(current, wanted.preconditions?.uid, resourceVersion);
        const pod = deepClone(current.object) as unknown as corev1.Pod;
        const reason = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
        setPodCondition(pod, { type: "DisruptionTarget", status: "True", ...reason }, call.context.now);
        return Promise.resolve({ to: pod as unknown as ApiObject });
      },
      false,
    );
    marked = outcome && String(outcome.item.revision);
  }
  const preconditions = {
    ...wanted.preconditions,
    ...(resourceVersion !== undefined && marked !== undefined && { resourceVersion: marked }),
  };
  await deleteNamed(call, name, { ...wanted, preconditions });
}

function checkMarked(item: Item, uid: string | undefined, resourceVersion: string | undefined): void {
  const { metadata } = item.object;
  if (uid !== undefined && uid !== metadata.uid) {
    const message = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict({ group: "", resource: "Pod" }, item.name, message);
  }
  if (resourceVersion !== undefined && resourceVersion !== String(item.revision)) {
    const message = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${item.revision}). The object might have been modified`;
    throw conflict({ group: "", resource: "Pod" }, item.name, message);
  }
}

function isDone({ status, metadata }: corev1.Pod): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed" || metadata.deletionTimestamp !== undefined;
}

/** Whether the pod disrupts nobody by going. */
function isOver(pod: corev1.Pod): boolean {
  return isDone(pod) || pod.status.phase === "Pending";
}

function isReady(pod: corev1.Pod): boolean {
  return pod.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
}

function unreadyMayGo({ spec, status }: policyv1.PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

async function budgetsOf(call: EndpointCall, pod: corev1.Pod): Promise<readonly Item[]> {
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) return [];
  const { cache } = budgetKind(call);
  await cache.fresh();
  const { items } = cache.snapshot(new Predicate({ namespace: call.namespace, read: readField }));
  return items.filter((item) => {
    const { selector } = (item.object as unknown as policyv1.PodDisruptionBudget).spec;
    const compiled = selectorFrom(selector);
    return !compiled.empty && compiled.matches(pod.metadata.labels);
  });
}

function budgetKind({ core }: EndpointCall): StoredKind {
  const kind = core.catalog.find("policy", "v1", "poddisruptionbudgets")?.kind;
  if (!kind) throw failure({ code: 500, message: "poddisruptionbudgets are not served" });
  return kind;
}

/** Takes one disruption from the budget, or throws 429. */
async function takeFromBudget(call: EndpointCall, name: string, dryRun: boolean): Promise<void> {
  const key = itemKey(call.namespace, name);
  await call.core.storage.update(
    budgetKind(call),
    key,
    (current) => {
      if (!current) return Promise.resolve(undefined);
      const budget = deepClone(current.object) as unknown as policyv1.PodDisruptionBudget;
      checkBudget(budget);
      budget.status.disruptionsAllowed--;
      budget.status.disruptedPods = { ...budget.status.disruptedPods, [call.name]: formatTime(call.context.now) };
      return Promise.resolve({ to: budget as unknown as ApiObject });
    },
    dryRun,
  );
}

function checkBudget({ metadata, status }: policyv1.PodDisruptionBudget): void {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(metadata.name);
  if (status.disruptionsAllowed < 0) throw forbidden(BUDGETS, metadata.name, "pdb disruptions allowed is negative");
  if (Object.keys(status.disruptedPods ?? {}).length > MAX_DISRUPTED) {
    const message = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
    throw forbidden(BUDGETS, metadata.name, message);
  }
  if (status.disruptionsAllowed === 0) throw refusal(whyRefused(metadata.name, status));
}

function whyRefused(name: string, status: policyv1.PodDisruptionBudgetStatus): string {
  const condition = status.conditions?.find((c) => c.type === "DisruptionAllowed" && c.status === "False");
  if (condition?.message && condition.reason === "SyncFailed") {
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  }
  if (status.currentHealthy <= status.desiredHealthy) {
    return `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`;
  }
  const tail = condition?.message ? ` (${condition.reason}): ${condition.message}` : "";
  return `The disruption budget ${name} does not allow evicting pods currently${tail}`;
}

function stillProcessed(name: string): StatusError {
  return refusal(`The disruption budget ${name} is still being processed by the server.`, 10);
}

function refusal(message: string, retryAfterSeconds = 0): StatusError {
  const error = tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", retryAfterSeconds);
  const details = { ...error.status.details, causes: [{ reason: CAUSE, message }] };
  return new StatusError({ ...error.status, details });
}
