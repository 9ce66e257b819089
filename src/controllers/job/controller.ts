import { type batchv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { deepEqual, formatTime, getControllerOf, isNotFound, nothing, selectorFrom } from "../../machinery/index.ts";
import { forEachBounded, slowStart } from "../common/bounded.ts";
import { claim, keyOf } from "../common/claims.ts";
import { findCondition } from "../common/conditions.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER, ORPHANS } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { followOwned, resolveOwner } from "../common/owned-pods.ts";
import { PodControl, podFromTemplate } from "../common/pod-control.ts";
import { isPodActive } from "../common/pods.ts";
import { SelectorTable } from "../common/selector-table.ts";
import { type BackoffRecord, NO_FAILURES } from "./backoff.ts";
import { indexedPrefix, isTracked, jobTemplate, TRACKING } from "./job-pods.ts";
import { assess, isSuspended, jobCondition, planPods, type PodsPlan, type Standing } from "./plan.ts";
import { finish, settleCounts, suspension, track, type Tracking } from "./tracking.ts";

type Job = batchv1.Job;
type Pod = corev1.Pod;

const KIND = ["batch", "v1", "Job"] as const;
const OURS = "kubernetes.io/job-controller";
const POD_CONCURRENCY = 64;
const ORPHAN_PREFIX = "orphan:";

/** Runs the pods of Jobs to their end, and counts every one of them exactly once. */
export class JobController {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #client: ResourceClient<Job>;
  readonly #podClient: ResourceClient<Pod>;
  readonly #ledger: WriteLedger<Job>;
  readonly #podLedger: WriteLedger<Pod>;
  readonly #control: PodControl;
  readonly #records = new Map<string, BackoffRecord>();
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#jobs = caches.informer(resources.jobs);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.jobs);
    this.#podClient = client.resource(resources.pods);
    const selectors = new SelectorTable(this.#jobs, (job) => (isOurs(job) ? selectorFrom(job.spec.selector) : nothing));
    this.#ledger = new WriteLedger(this.#jobs, this.#client, env, (job) => this.#loop.add(cacheKey(job)));
    this.#podLedger = new WriteLedger(this.#pods, this.#podClient, env, (pod) => this.#wakeOwner(pod));
    this.#control = new PodControl(context, resources.jobs, this.#podLedger);
    this.#loop = new Loop({
      context,
      informers: [this.#jobs, this.#pods],
      reconcile: (key, signal) =>
        key.startsWith(ORPHAN_PREFIX)
          ? this.#releaseOrphan(key.slice(ORPHAN_PREFIX.length), signal)
          : this.#reconcile(key, signal),
      close: () => {
        this.#ledger.close();
        this.#podLedger.close();
      },
    });
    this.#loop.follow(this.#jobs);
    followOwned(this.#pods, {
      kind: KIND[2],
      owners: this.#jobs,
      selectors,
      wake: (job) => this.#loop.add(cacheKey(job)),
    });
    this.#followOrphans();
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwner(pod: Pod): void {
    const owner = getControllerOf(pod);
    if (owner?.kind === KIND[2]) this.#loop.add(`${pod.metadata.namespace}/${owner.name}`);
  }

  /** Pods whose Job is gone must not be held by a finalizer that nobody takes off any more. */
  #followOrphans(): void {
    const seen = (pod: Pod): void => {
      if (!this.#jobs.synced || !isTracked(pod) || this.#jobOf(pod) !== undefined) return;
      this.#loop.add(ORPHAN_PREFIX + cacheKey(pod));
    };
    this.#pods.handle({ added: seen, updated: seen });
    this.#jobs.handle({
      deleted: (job) => {
        for (const pod of this.#pods.lister.byIndex(BY_CONTROLLER, job.metadata.uid)) seen(pod);
      },
    });
  }

  #jobOf(pod: Pod): Job | undefined {
    return resolveOwner({ kind: KIND[2], owners: this.#jobs }, pod.metadata.namespace, getControllerOf(pod));
  }

  async #releaseOrphan(key: string, signal: AbortSignal): Promise<undefined> {
    const pod = this.#pods.lister.get(key);
    if (pod === undefined || !isTracked(pod) || this.#jobOf(pod) !== undefined) return;
    await this.#untrack(pod, signal);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const cached = this.#ledger.get(key);
    if (cached === undefined || isFinished(cached)) {
      this.#records.delete(key);
      return undefined;
    }
    if (!isOurs(cached)) return undefined;
    const { completionMode } = cached.spec as { readonly completionMode?: string };
    if (completionMode !== undefined && completionMode !== "Indexed" && completionMode !== "NonIndexed") {
      const message = "Skipped Job sync because completion mode is unknown";
      this.#context.events.warning(resources.jobs, cached, "UnknownCompletionMode", message);
      return undefined;
    }
    const now = this.#now();
    const job = withStart(cached, now);
    const pods = await this.#claim(job, signal);
    const record = this.#records.get(cached.metadata.uid) ?? NO_FAILURES;
    const standing = assess({ job, pods, record, now });
    const plan = planPods({ job, pods, record: standing.record, now }, standing);
    const failure = await this.#carryOut(job, plan, signal);
    await this.#account(cached, this.#suspend(job, standing), record, signal);
    if (failure !== undefined) throw failure;
    return earliest(plan.pause, standing.deadlineIn);
  }

  /** The Job with its Suspended condition and, when it goes on, a new start: deadlines count what it really ran. */
  #suspend(job: Job, standing: Standing): Job {
    if (standing.end !== undefined || job.metadata.deletionTimestamp !== undefined) return job;
    const now = this.#now();
    const before = job.status.conditions ?? [];
    const conditions = suspension(job, before, now);
    if (conditions === before) return job;
    const suspended = isSuspended(job);
    const [reason, message] = suspended ? ["Suspended", "Job suspended"] : ["Resumed", "Job resumed"];
    this.#context.events.normal(resources.jobs, job, reason, message);
    const start = suspended ? {} : { startTime: formatTime(now) };
    return { ...job, status: { ...job.status, ...start, conditions: [...conditions] } };
  }

  #podsOf(job: Job): Pod[] {
    const { uid, namespace } = job.metadata;
    const { lister } = this.#pods;
    const own = this.#podLedger.view(lister.byIndex(BY_CONTROLLER, uid), uid);
    for (const orphan of lister.byIndex(ORPHANS, namespace)) own.push(this.#podLedger.current(orphan));
    return own;
  }

  #claim(job: Job, signal: AbortSignal): Promise<Pod[]> {
    return claim(this.#podsOf(job), {
      owner: job,
      ownerKind: KIND,
      selector: selectorFrom(job.spec.selector),
      client: this.#podClient,
      liveOwner: () => this.#client.get(keyOf(job), { signal }),
      finalizer: TRACKING,
      onWrite: (pod) => this.#podLedger.wrote(pod),
      signal,
    });
  }

  /** Deletes or creates pods; returns the first failure. */
  async #carryOut(job: Job, plan: PodsPlan, signal: AbortSignal): Promise<unknown> {
    const created = await slowStart(plan.create.length, async (i) => {
      const wanted = plan.create[i] ?? {};
      const draft = podFromTemplate(jobTemplate(job, wanted), job, KIND);
      const generateName =
        wanted.index === undefined ? {} : { generateName: indexedPrefix(job.metadata.name, wanted.index) };
      await this.#control.create({ ...draft, metadata: { ...draft.metadata, ...generateName } }, job, signal);
    });
    try {
      await forEachBounded(plan.remove, POD_CONCURRENCY, async (pod) => {
        if (!plan.keepTracking && isTracked(pod)) await this.#untrack(pod, signal);
        await this.#control.delete(pod, job, signal);
      });
    } catch (error) {
      return created.error ?? error;
    }
    return created.error;
  }

  /**
   * Counts what ended; ends the Job when all is counted. `before` is the Job as the server has it. Judges anew: pods
   * may have ended while others were created.
   */
  async #account(before: Job, job: Job, record: BackoffRecord, signal: AbortSignal): Promise<void> {
    const now = this.#now();
    const pods = this.#podsOf(job).filter((pod) => getControllerOf(pod)?.uid === job.metadata.uid);
    const standing = assess({ job, pods, record, now });
    const active = pods.filter(isPodActive).length;
    const end = active > 0 ? undefined : (standing.end ?? completion(job, standing, now));
    const tracking = track(job, pods, standing, end, now);
    const flushed = await this.#writeStatus(before, tracking.status, signal);
    this.#records.set(job.metadata.uid, standing.record);
    const failure = await this.#release(tracking, signal);
    const tracked = new Set(
      this.#podsOf(job)
        .filter(isTracked)
        .map((pod) => pod.metadata.uid),
    );
    const settled = settleCounts(tracking.status, tracked);
    const done =
      tracking.end === undefined || tracking.full || failure !== undefined
        ? undefined
        : finish(settled, tracking.end, now);
    await this.#writeStatus(flushed, done ?? settled, signal);
    if (done !== undefined && tracking.end !== undefined) this.#tellEnd(job, done, tracking.end);
    if (failure !== undefined) throw failure;
    // What did not fit is counted next, although nothing else will happen.
    if (tracking.full) this.#loop.add(cacheKey(job));
  }

  async #release(tracking: Tracking, signal: AbortSignal): Promise<unknown> {
    try {
      await forEachBounded(tracking.release, POD_CONCURRENCY, (pod) => this.#untrack(pod, signal));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #untrack(pod: Pod, signal: AbortSignal): Promise<void> {
    const body = { metadata: { uid: pod.metadata.uid, "$deleteFromPrimitiveList/finalizers": [TRACKING] } };
    try {
      this.#podLedger.wrote(await this.#podClient.patch(keyOf(pod), { type: "strategic", body }, { signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #tellEnd(job: Job, status: batchv1.JobStatus, end: batchv1.JobCondition): void {
    const { events } = this.#context;
    if (end.type !== "Complete") {
      events.warning(resources.jobs, job, end.reason ?? "", end.message ?? "");
      return;
    }
    if (job.spec.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions) {
      const message = "Too many succeeded pods running after completion count reached";
      events.warning(resources.jobs, job, "TooManySucceededPods", message);
    }
    events.normal(resources.jobs, job, "Completed", "Job completed");
  }

  async #writeStatus(job: Job, status: batchv1.JobStatus, signal: AbortSignal): Promise<Job> {
    if (deepEqual(job.status, status)) return job;
    try {
      const updated = await this.#client.update({ ...job, status }, { subresource: "status", signal });
      this.#ledger.wrote(updated);
      return updated;
    } catch (error) {
      if (isNotFound(error)) return job;
      throw error;
    }
  }

  #now(): number {
    return this.#context.env.clock.now();
  }
}

function isOurs({ spec }: Job): boolean {
  return spec.managedBy === undefined || spec.managedBy === OURS;
}

function isFinished({ status }: Job): boolean {
  return ["Complete", "Failed"].some((type) => findCondition(status.conditions, type)?.status === "True");
}

function withStart(job: Job, now: number): Job {
  if (job.status.startTime !== undefined || isSuspended(job)) return job;
  return { ...job, status: { ...job.status, startTime: formatTime(now) } };
}

/** All completions reached, and nothing runs any more. */
function completion(job: Job, standing: Standing, now: number): batchv1.JobCondition | undefined {
  const { completions } = job.spec;
  const reached = completions === undefined ? standing.succeeded > 0 : standing.succeeded >= completions;
  if (!reached) return undefined;
  const message = "Reached expected number of succeeded pods";
  return jobCondition("SuccessCriteriaMet", "True", "CompletionsReached", message, now);
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
