import { type batchv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import {
  deepEqual,
  formatTime,
  getControllerOf,
  hasCause,
  isAlreadyExists,
  isControlledBy,
  isNotFound,
} from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { resolveOwner } from "../common/owned-pods.ts";
import { decide, jobAt, observe, outdated, type Report, withActive } from "./plan.ts";
import { scheduleOf, untilNext } from "./schedule.ts";

type CronJob = batchv1.CronJob;
type Job = batchv1.Job;

/** Creates a Job at every scheduled time of every CronJob, and removes old ones. */
export class CronJobController {
  readonly #context: ControllerContext;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #client: ResourceClient<CronJob>;
  readonly #jobClient: ResourceClient<Job>;
  readonly #ledger: WriteLedger<CronJob>;
  readonly #jobLedger: WriteLedger<Job>;
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#cronJobs = caches.informer(resources.cronjobs);
    this.#jobs = caches.owned(resources.jobs);
    this.#client = client.resource(resources.cronjobs);
    this.#jobClient = client.resource(resources.jobs);
    this.#ledger = new WriteLedger(this.#cronJobs, this.#client, env, (cronJob) => this.#loop.add(cacheKey(cronJob)));
    this.#jobLedger = new WriteLedger(this.#jobs, this.#jobClient, env, (job) => this.#wakeOwner(job));
    this.#loop = new Loop({
      context,
      informers: [this.#cronJobs, this.#jobs],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => {
        this.#ledger.close();
        this.#jobLedger.close();
      },
    });
    this.#cronJobs.handle({
      added: (cronJob) => this.#loop.add(cacheKey(cronJob)),
      updated: (cronJob, before) => this.#changed(cronJob, before),
    });
    const wake = (job: Job): void => this.#wakeOwner(job);
    this.#jobs.handle({ added: wake, updated: wake, deleted: wake });
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwner(job: Job): void {
    const lookup = { kind: "CronJob", owners: this.#cronJobs };
    const owner = resolveOwner(lookup, job.metadata.namespace, getControllerOf(job));
    if (owner !== undefined) this.#loop.add(cacheKey(owner));
  }

  /** A new schedule counts from now on: what it would have asked for earlier is not made up for. */
  #changed(cronJob: CronJob, before: CronJob): void {
    const [now, then] = [cronJob.spec, before.spec];
    if (now.schedule === then.schedule && now.timeZone === then.timeZone) {
      this.#loop.add(cacheKey(cronJob));
      return;
    }
    try {
      const wait = untilNext(cronJob, scheduleOf(cronJob), this.#now());
      this.#loop.addAfter(cacheKey(cronJob), wait ?? 0);
    } catch {
      const message = `unparseable schedule for cronjob: ${now.schedule}`;
      this.#context.events.warning(resources.cronjobs, cronJob, "UnParseableCronJobSchedule", message);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const cronJob = this.#ledger.get(key);
    if (cronJob === undefined) return undefined;
    const { uid } = cronJob.metadata;
    const jobs = this.#jobLedger.view(this.#jobs.lister.byIndex(BY_CONTROLLER, uid), uid);
    for (const job of outdated(cronJob, jobs)) await this.#delete(cronJob, job, signal);
    const seen = observe(cronJob, jobs);
    this.#tell(cronJob, seen.reports);
    let status = await this.#withoutMissing(cronJob, seen.status, jobs, signal);
    const decision = decide({ ...cronJob, status }, this.#now());
    this.#tell(cronJob, decision.reports);
    try {
      if (decision.start !== undefined) status = await this.#start(cronJob, status, decision.start, signal);
    } finally {
      await this.#writeStatus(cronJob, status, signal);
    }
    return decision.after;
  }

  #tell(cronJob: CronJob, reports: readonly Report[]): void {
    const { events } = this.#context;
    for (const { warning, reason, message } of reports) {
      if (warning) events.warning(resources.cronjobs, cronJob, reason, message);
      else events.normal(resources.cronjobs, cronJob, reason, message);
    }
  }

  /** Asks the server about active Jobs that the cache does not show. */
  async #withoutMissing(
    cronJob: CronJob,
    status: batchv1.CronJobStatus,
    jobs: readonly Job[],
    signal: AbortSignal,
  ): Promise<batchv1.CronJobStatus> {
    const known = new Set(jobs.map((job) => job.metadata.uid));
    const active: corev1.ObjectReference[] = [];
    for (const reference of status.active ?? []) {
      if (known.has(reference.uid ?? "") || (await this.#live(reference, signal)) !== undefined) active.push(reference);
      else {
        const message = `Active job went missing: ${reference.name}`;
        this.#context.events.normal(resources.cronjobs, cronJob, "MissingJob", message);
      }
    }
    return withActive(status, active);
  }

  async #live({ name, namespace }: corev1.ObjectReference, signal: AbortSignal): Promise<Job | undefined> {
    try {
      return await this.#jobClient.get({ name: name ?? "", namespace: namespace ?? "" }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Starts the Job of the time `at`; returns the status that says so. */
  async #start(
    cronJob: CronJob,
    status: batchv1.CronJobStatus,
    at: number,
    signal: AbortSignal,
  ): Promise<batchv1.CronJobStatus> {
    const kept = cronJob.spec.concurrencyPolicy === "Replace" ? [] : (status.active ?? []);
    if (cronJob.spec.concurrencyPolicy === "Replace") await this.#replace(cronJob, status.active ?? [], signal);
    const job = await this.#create(cronJob, at, signal);
    if (job === undefined || kept.some(({ uid }) => uid === job.metadata.uid)) return withActive(status, kept);
    const { name, namespace, uid, resourceVersion } = job.metadata;
    const reference = { kind: "Job", namespace, name, uid, apiVersion: "batch/v1", resourceVersion };
    return { ...withActive(status, [...kept, reference]), lastScheduleTime: formatTime(at) };
  }

  async #replace(cronJob: CronJob, active: readonly corev1.ObjectReference[], signal: AbortSignal): Promise<void> {
    for (const reference of active) {
      const job = await this.#live(reference, signal);
      if (job !== undefined && !(await this.#delete(cronJob, job, signal))) {
        throw new Error(`could not replace job ${cacheKey(job)}`);
      }
    }
  }

  /** `undefined` when somebody else has put a Job of this name there. */
  async #create(cronJob: CronJob, at: number, signal: AbortSignal): Promise<Job | undefined> {
    const { events } = this.#context;
    const draft = jobAt(cronJob, at);
    try {
      const job = await this.#jobClient.create(draft, { signal });
      this.#jobLedger.created(job);
      events.normal(resources.cronjobs, cronJob, "SuccessfulCreate", `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const { name, namespace } = draft.metadata;
        const job = await this.#jobClient.get({ name, namespace }, { signal });
        return isControlledBy(job, cronJob) ? job : undefined;
      }
      if (!hasCause(error, "NamespaceTerminating") && !signal.aborted) {
        events.warning(resources.cronjobs, cronJob, "FailedCreate", `Error creating job: ${errorText(error)}`);
      }
      throw error;
    }
  }

  /** Deletes a Job and, later, its pods. Says whether it is gone. */
  async #delete(cronJob: CronJob, job: Job, signal: AbortSignal): Promise<boolean> {
    const { events } = this.#context;
    try {
      const preconditions = { uid: job.metadata.uid };
      await this.#jobClient.delete(keyOf(job), { propagationPolicy: "Background", preconditions, signal });
    } catch (error) {
      if (!isNotFound(error)) {
        events.warning(resources.cronjobs, cronJob, "FailedDelete", `Deleted job: ${errorText(error)}`);
        return false;
      }
    }
    this.#jobLedger.deleting(job);
    events.normal(resources.cronjobs, cronJob, "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
    return true;
  }

  async #writeStatus(cronJob: CronJob, status: batchv1.CronJobStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(cronJob.status, status)) return;
    const updated = await this.#client.update({ ...cronJob, status }, { subresource: "status", signal });
    this.#ledger.wrote(updated);
  }

  #now(): number {
    return this.#context.env.clock.now();
  }
}
