import type { Informer } from "../../client/index.ts";
import { errorText } from "../../kit/index.ts";
import type { RuntimeEvent } from "../../host/cri/index.ts";
import { type Observation, type PodIdentity } from "../observe/model.ts";
import type { Pod } from "../pod/containers.ts";
import { killPod } from "./kill.ts";
import { ensureQosCgroups, podsWithCgroups, removePodCgroups } from "./pod-cgroup.ts";
import { PodWorker } from "./pod-worker.ts";
import type { Services } from "./services.ts";
import { podLogDir } from "../paths.ts";
import { rmSync } from "node:fs";

type Known = Map<string, { readonly identity: PodIdentity; readonly observation: Observation }>;

/** How often everything is looked at even though events should have told, ms. */
const RELIST_MS = 60_000;

/**
 * One worker for each pod bound to this node. At its start it adopts what runs already, and stops what belongs to no pod any
 * more; afterwards it hands on what the API and the runtime tell.
 */
export class PodManager {
  readonly #s: Services;
  readonly #informer: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  /** Container or sandbox → pod. */
  readonly #owners = new Map<string, string>();
  /** What ran before any pod was known. */
  #found: Known | undefined;
  #orphans = new Map<string, Promise<void>>();
  #stopping = false;

  constructor(services: Services, informer: Informer<Pod>) {
    this.#s = services;
    this.#informer = informer;
  }

  /** Notes whose a container or sandbox is, so that its events find the way. */
  owns(runtimeId: string, uid: string): void {
    this.#owners.set(runtimeId, uid);
  }

  probed(uid: string): void {
    this.#workers.get(uid)?.probed();
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  /** The pods that have a worker, those that are over included. */
  pods(): Pod[] {
    return [...this.#workers.values()].map((w) => w.pod);
  }

  workers(): Iterable<PodWorker> {
    return this.#workers.values();
  }

  find(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      const { metadata } = worker.pod;
      if (metadata.namespace === namespace && metadata.name === name && worker.life !== "gone") return worker;
    }
    return undefined;
  }

  /** Looks at what runs, and begins to work once the pods are known. Resolves when `signal` aborts and all workers stopped. */
  async run(signal: AbortSignal, working: () => void): Promise<void> {
    ensureQosCgroups(this.#s);
    this.#found = await this.#s.observer.all();
    for (const [uid, { observation }] of this.#found) this.#ownAll(uid, observation);
    const leave = this.#informer.handle({
      added: (pod) => this.#added(pod),
      updated: (pod) => this.#updated(pod),
      deleted: (pod) => this.#deleted(pod),
    });
    try {
      await this.#informer.whenSynced(signal);
      await this.#cleanOrphans();
      working();
      await Promise.all([this.#followEvents(signal), this.#relistForever(signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#stopping = true;
      leave();
      await Promise.all([...this.#workers.values()].map((w) => w.stop()));
      await Promise.all(this.#orphans.values());
    }
  }

  #ownAll(uid: string, { sandboxes, containers }: Observation): void {
    for (const { id } of [...sandboxes, ...containers]) this.#owners.set(id, uid);
  }

  #added(pod: Pod): void {
    const { uid } = pod.metadata;
    const known = this.#workers.get(uid);
    if (known) {
      known.update(pod);
      return;
    }
    // A pod that is over and of which nothing is left on this node is nobody's business any more, unless it is to go.
    const found = this.#found?.get(uid);
    this.#found?.delete(uid);
    const worker = new PodWorker(pod, this.#s, (gone) => this.#gone(gone), found?.observation);
    this.#workers.set(uid, worker);
    worker.start();
  }

  #updated(pod: Pod): void {
    this.#s.statuses.observed(pod);
    const worker = this.#workers.get(pod.metadata.uid);
    if (worker) worker.update(pod);
    else this.#added(pod);
  }

  #deleted(pod: Pod): void {
    this.#workers.get(pod.metadata.uid)?.remove();
  }

  #gone(worker: PodWorker): void {
    this.#workers.delete(worker.uid);
    for (const [id, uid] of this.#owners) if (uid === worker.uid) this.#owners.delete(id);
  }

  async #followEvents(signal: AbortSignal): Promise<void> {
    for await (const event of this.#s.runtime.events(signal)) this.#onEvent(event);
  }

  #onEvent(event: RuntimeEvent): void {
    if (event.type === "resync") {
      for (const worker of this.#workers.values()) if (worker.life !== "finished") worker.poke();
      return;
    }
    // What we start and remove ourselves we know about.
    if (event.type !== "stopped") return;
    const uid = this.#owners.get(event.id) ?? (event.sandboxId && this.#owners.get(event.sandboxId));
    if (uid) this.#workers.get(uid)?.poke();
  }

  async #relistForever(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#s.env;
    while (!signal.aborted) {
      await clock.sleep(RELIST_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#relist();
      } catch (error) {
        log.warn("Runtime could not be listed", { error: errorText(error) });
      }
    }
  }

  async #relist(): Promise<void> {
    const all = await this.#s.observer.all();
    for (const [uid, { observation, identity }] of all) {
      const worker = this.#workers.get(uid);
      if (!worker) this.#killOrphan(identity, observation);
      else if (differs(worker.observation, observation)) worker.poke();
    }
    for (const worker of this.#workers.values()) {
      if (!all.has(worker.uid) && worker.observation.sandboxes.length > 0) worker.poke();
    }
  }

  /** What belongs to no pod any more: running containers, directories, control groups. */
  async #cleanOrphans(): Promise<void> {
    for (const { identity, observation } of this.#found?.values() ?? []) this.#killOrphan(identity, observation);
    const running = new Set(this.#found?.keys());
    this.#found = undefined;
    const lost = (uid: string): boolean => !this.#workers.has(uid) && !running.has(uid);
    for (const uid of podsWithCgroups(this.#s).filter(lost)) removePodCgroups(uid, this.#s);
    for (const uid of (await this.#s.volumes.leftovers()).filter(lost)) {
      await this.#s.volumes.tearDown(uid).catch((error: unknown) => {
        this.#s.env.log.warn("Leftovers of a pod could not be removed", { uid, error: errorText(error) });
      });
    }
  }

  #killOrphan(identity: PodIdentity, observation: Observation): void {
    const { uid, name, namespace } = identity;
    if (this.#orphans.has(uid) || this.#stopping) return;
    this.#s.env.log.info("Stopping what runs of a pod that is gone", { pod: `${namespace}/${name}`, uid });
    const ending = this.#endOrphan(identity, observation)
      .catch((error: unknown) =>
        this.#s.env.log.warn("Orphaned pod could not be stopped", { uid, error: errorText(error) }),
      )
      .finally(() => this.#orphans.delete(uid));
    this.#orphans.set(uid, ending);
  }

  async #endOrphan(identity: PodIdentity, observation: Observation): Promise<void> {
    await killPod(undefined, observation, this.#s);
    await Promise.all(observation.sandboxes.map((s) => this.#s.runtime.removePodSandbox({ podSandboxId: s.id })));
    await this.#s.volumes.tearDown(identity.uid);
    removePodCgroups(identity.uid, this.#s);
    rmSync(podLogDir(this.#s.paths, { metadata: identity } as unknown as Pod), { recursive: true, force: true });
  }
}

/** Whether what a worker believes is not what the runtime says. */
function differs(believed: Observation, actual: Observation): boolean {
  const states = (o: Observation): string =>
    [...o.containers.map((c) => `${c.id} ${c.state}`), ...o.sandboxes.map((s) => `${s.id} ${s.ready}`)]
      .toSorted()
      .join();
  return states(believed) !== states(actual);
}
