import { type coordinationv1, type Draft, resources } from "../api/index.ts";
import type { Component, Env, Gauge, Logger } from "../kit/index.ts";
import { CodedError, childController, errorText } from "../kit/index.ts";
import { formatMicroTime, isNotFound } from "../machinery/index.ts";
import type { Client, ResourceClient } from "./client.ts";
import type { EventRecorder } from "./events/recorder.ts";

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly env: Env;
  /** The Lease that candidates compete for. */
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Names this candidate; must be unique. */
  readonly identity: string;
  /** How long others wait after the last renewal they saw, ms; default 15 s. */
  readonly leaseDuration?: number;
  /** How long the leader tries to renew before it gives up, ms; default 10 s. */
  readonly renewDeadline?: number;
  /** Time between tries, ms; default 2 s. */
  readonly retryPeriod?: number;
  /** Frees the lease at the end, so that another can take over at once; only after `lead` has returned. Default true. */
  readonly releaseOnStop?: boolean;
  readonly recorder?: EventRecorder;
  /** Called when another leader is seen, and for the first one. */
  readonly onNewLeader?: (identity: string) => void;
}

/** client-go's spread of the waits of candidates. */
const JITTER = 1.2;

/**
 * Waits to become leader, then runs `lead` until `signal` aborts, `lead` returns, or leadership is lost; in the last case its
 * signal aborts, and once it has returned this rejects with code `LeadershipLost`. A lease counts as expired by this
 * candidate's own clock since it last saw it change, so clocks need not agree.
 */
export async function leaderElect(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(options);
  await candidate.acquire(signal);
  if (signal.aborted) return;
  const term = childController(signal);
  const renewing = candidate.renew(term.signal).catch((error: unknown) => term.abort(error));
  try {
    await lead(term.signal);
  } catch (error) {
    if (!term.signal.aborted) throw error;
  } finally {
    const lost = term.signal.aborted && !signal.aborted;
    term.abort();
    term.unlink();
    await renewing;
    if (!lost) await candidate.release();
    candidate.ended();
  }
  if (term.signal.reason instanceof CodedError && !signal.aborted) throw term.signal.reason;
}

/** Runs `component` only while leading; see {@link leaderElect}. Ready at once, whoever leads. */
export function leaderElected(component: Component, options: LeaderElectionOptions): Component {
  return { name: component.name, run: (signal) => leaderElect(options, (term) => component.run(term), signal) };
}

class Candidate {
  readonly #options: LeaderElectionOptions;
  readonly #leases: ResourceClient<coordinationv1.Lease>;
  readonly #log: Logger;
  readonly #duration: number;
  readonly #deadline: number;
  readonly #period: number;
  readonly #status: Gauge;
  #observed: coordinationv1.Lease | undefined;
  #observedAt = 0;
  #reported: string | undefined;

  constructor(options: LeaderElectionOptions) {
    const { leaseDuration = 15_000, renewDeadline = 10_000, retryPeriod = 2000 } = options;
    if (leaseDuration <= renewDeadline) throw invalid("leaseDuration must be greater than renewDeadline");
    if (renewDeadline <= JITTER * retryPeriod) throw invalid("renewDeadline must be greater than retryPeriod * 1.2");
    if (options.identity === "") throw invalid("the identity must not be empty");
    this.#options = options;
    this.#leases = options.client.resource(resources.leases);
    this.#log = options.env.log.with({ lease: `${options.lease.namespace}/${options.lease.name}` });
    [this.#duration, this.#deadline, this.#period] = [leaseDuration, renewDeadline, retryPeriod];
    this.#status = options.env.metrics.gauge("leader_election_master_status", {
      help: "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
      labels: ["name"],
    });
    this.#setStatus(0);
  }

  /** Resolves once leading, or when the signal aborts. */
  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options.env;
    this.#log.info("Attempting to acquire leader lease");
    while (!signal.aborted) {
      if (await this.#attempt(signal)) {
        this.#setStatus(1);
        this.#event("became leader");
        this.#log.info("Successfully acquired lease");
        return;
      }
      await clock.sleep(this.#period * (1 + random.float() * JITTER), signal).catch(() => undefined);
    }
  }

  /** Renews until the signal aborts; rejects when that fails for too long. */
  async renew(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.env;
    while (!signal.aborted) {
      if (!(await this.#renewBefore(clock.monotonic() + this.#deadline, signal))) {
        if (signal.aborted) return;
        this.#setStatus(0);
        throw new CodedError("LeadershipLost", `failed to renew lease ${this.#name} within ${this.#deadline / 1000} s`);
      }
      await clock.sleep(this.#period, signal).catch(() => undefined);
    }
  }

  /** Frees the lease if it is ours. */
  async release(): Promise<void> {
    this.#setStatus(0);
    if (!(this.#options.releaseOnStop ?? true) || !this.#isLeader) return;
    const now = formatMicroTime(this.#options.env.clock.now());
    const abort = this.#timeout(this.#deadline);
    try {
      const spec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
      await this.#update(spec, this.#transitions, abort.signal);
    } catch (error) {
      this.#log.error("Failed to release lease", { error: errorText(error) });
    } finally {
      abort.cancel();
    }
  }

  /** Says that the term is over. */
  ended(): void {
    this.#setStatus(0);
    this.#event("stopped leading");
  }

  async #renewBefore(deadline: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options.env;
    const limit = this.#timeout(deadline - clock.monotonic(), signal);
    try {
      while (!limit.signal.aborted) {
        if (await this.#attempt(limit.signal)) return true;
        await clock.sleep(this.#period, limit.signal).catch(() => undefined);
      }
      return false;
    } finally {
      limit.cancel();
    }
  }

  async #attempt(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#acquireOrRenew(signal);
    } catch (error) {
      if (!signal.aborted) this.#log.error("Failed to update lease", { error: errorText(error) });
      return false;
    } finally {
      this.#reportTransition();
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    if (this.#isLeader && this.#isValid) {
      const renewed = await this.#renewOptimistically(signal);
      if (renewed) return true;
    }
    const lease = await this.#get(signal);
    if (!lease) {
      this.#observe(await this.#create(signal));
      return true;
    }
    if (recordOf(lease) !== recordOf(this.#observed)) this.#observe(lease);
    // Even with an unchanged record, the update must start from the newest resourceVersion.
    else this.#observed = lease;
    if (lease.spec.holderIdentity && this.#isValid && !this.#isLeader) return false;
    const spec = this.#isLeader ? this.#renewal(lease.spec.acquireTime) : this.#renewal();
    await this.#update(spec, this.#transitions + (this.#isLeader ? 0 : 1), signal);
    return true;
  }

  /** Saves a request: assumes that nobody changed the lease since we did. */
  async #renewOptimistically(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#update(this.#renewal(this.#observed?.spec.acquireTime), this.#transitions, signal);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#log.debug("Failed to update lease optimistically, reading it", { error: errorText(error) });
      return false;
    }
  }

  #renewal(acquireTime?: string): coordinationv1.LeaseSpec {
    const renewTime = formatMicroTime(this.#options.env.clock.now());
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.floor(this.#duration / 1000),
      acquireTime: acquireTime ?? renewTime,
      renewTime,
    };
  }

  async #get(signal: AbortSignal): Promise<coordinationv1.Lease | undefined> {
    try {
      return await this.#leases.get(this.#options.lease, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #create(signal: AbortSignal): Promise<coordinationv1.Lease> {
    const spec = { ...this.#renewal(), leaseTransitions: 0 };
    return this.#leases.create({ metadata: this.#options.lease, spec }, { signal });
  }

  async #update(spec: coordinationv1.LeaseSpec, leaseTransitions: number, signal: AbortSignal): Promise<void> {
    const draft = { ...this.#observed, spec: { ...spec, leaseTransitions } } as Draft<coordinationv1.Lease>;
    this.#observe(await this.#leases.update(draft, { signal }));
  }

  #observe(lease: coordinationv1.Lease): void {
    this.#observed = lease;
    this.#observedAt = this.#options.env.clock.monotonic();
  }

  get #name(): string {
    return `${this.#options.lease.namespace}/${this.#options.lease.name}`;
  }

  get #transitions(): number {
    return this.#observed?.spec.leaseTransitions ?? 0;
  }

  get #isLeader(): boolean {
    return this.#observed?.spec.holderIdentity === this.#options.identity;
  }

  get #isValid(): boolean {
    const duration = (this.#observed?.spec.leaseDurationSeconds ?? 0) * 1000;
    return this.#observedAt + duration > this.#options.env.clock.monotonic();
  }

  #reportTransition(): void {
    const holder = this.#observed?.spec.holderIdentity ?? "";
    if (holder === this.#reported) return;
    this.#reported = holder;
    if (holder !== "") this.#options.onNewLeader?.(holder);
  }

  #timeout(ms: number, parent?: AbortSignal): { readonly signal: AbortSignal; cancel(): void } {
    const controller = childController(parent);
    const reason = new CodedError("LeaseTimeout", `no answer about lease ${this.#name} in time`);
    const timer = this.#options.env.clock.setTimer(ms, () => controller.abort(reason));
    const cancel = (): void => {
      timer.cancel();
      controller.unlink();
    };
    return { signal: controller.signal, cancel };
  }

  #setStatus(value: 0 | 1): void {
    this.#status.set(value, { name: this.#options.lease.name });
  }

  #event(what: string): void {
    const { recorder, identity } = this.#options;
    if (this.#observed) recorder?.event(this.#observed, "Normal", "LeaderElection", `${identity} ${what}`);
  }
}

/** What of a lease tells that its holder is alive. */
function recordOf(lease: coordinationv1.Lease | undefined): string {
  const s = lease?.spec;
  return s ? [s.holderIdentity, s.leaseDurationSeconds, s.acquireTime, s.renewTime, s.leaseTransitions].join(" ") : "";
}

function invalid(message: string): CodedError {
  return new CodedError("LeaderElectionInvalid", message);
}
