import type { corev1 } from "../api/index.ts";
import { type Client, createInformerFactory, type InformerFactory } from "../client/index.ts";
import { type Component, type Env, errorText, Latch, nextTurn } from "../kit/index.ts";
import { isNotFound } from "../machinery/index.ts";
import { resources } from "../api/index.ts";
import { ClusterCache } from "./cache/cluster-cache.ts";
import { type SchedulerConfiguration, schedulerConfiguration } from "./config/configuration.ts";
import { checkedConfiguration } from "./config/load.ts";
import type { Extender, KubeSchedulerConfiguration } from "./config/types.ts";
import { Algorithm, EXTENDER } from "./cycle/algorithm.ts";
import { bindPod, type Departure } from "./cycle/binding.ts";
import { followCluster, podInformer } from "./cycle/event-handlers.ts";
import { followObjects } from "./cycle/object-events.ts";
import type { SchedulerParts } from "./cycle/parts.ts";
import { buildProfiles } from "./cycle/profiles.ts";
import { scheduleOne } from "./cycle/schedule-one.ts";
import { PodEventRecorder } from "./events/recorder.ts";
import { HttpExtender, type Post } from "./extender/http-extender.ts";
import { httpPost } from "./extender/http-post.ts";
import type { PluginFactory } from "./framework/plugin.ts";
import { WaitingPods } from "./framework/waiting-pods.ts";
import { SchedulerMetrics } from "./metrics.ts";
import { QueueingHints } from "./queue/hints.ts";
import { SchedulingQueue } from "./queue/scheduling-queue.ts";

/** What a scheduler is made of. */
export interface SchedulerOptions {
  /** Its identity needs the rights of `system:kube-scheduler` and `system:volume-scheduler`. */
  readonly client: Client;
  readonly env: Env;
  /** KubeSchedulerConfiguration v1; default: one profile, `default-scheduler`, with the default plugins. */
  readonly config?: KubeSchedulerConfiguration;
  /** Further plugins by name, to be named in the configuration. */
  readonly plugins?: Readonly<Record<string, PluginFactory>>;
  /** Of many nodes score only some, by upstream's formula. Default false: all nodes are scored. */
  readonly adaptiveSampling?: boolean;
  /** How extenders are reached. Default: over HTTP. */
  readonly extenderPost?: (extender: Extender) => Post;
}

/** So many pods are tried before others get a turn of the event loop; less when time runs. */
const PODS_PER_TURN = 32;
const TURN_TIME = 4;
/** So many bindings may be under way; more would only pile up in memory. */
const MAX_BINDINGS = 512;
/** How often assumptions are checked that were not confirmed, ms. */
const OVERDUE_PERIOD = 10_000;
/** After this long a pod is tried again without reason, ms. */
const MAX_UNSCHEDULABLE = 5 * 60_000;

/** A scheduler: gives every pod that asks for one of its profiles a node. Throws `InvalidConfiguration` for a faulty one. */
export function createScheduler(options: SchedulerOptions): Component {
  return new Scheduler(options);
}

class Scheduler implements Component {
  readonly name = "scheduler";
  readonly #parts: SchedulerParts;
  readonly #informers: InformerFactory;
  readonly #ready = new Latch();
  readonly #bindings = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  constructor(options: SchedulerOptions) {
    const { env, client } = options;
    const config = schedulerConfiguration(checkedConfiguration(options.config ?? {}));
    this.#informers = createInformerFactory(client, env);
    this.#parts = this.#assemble(options, config);
    followCluster(this.#parts, this.#informers);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { queue, waiting, recorders, profiles } = this.#parts;
    const informing = this.#informers.run(signal);
    try {
      await this.#informers.whenSynced(signal);
      this.#ready.open();
      const checking = this.#checkAssumptions(signal);
      await this.#loop(signal);
      await checking;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      queue.close();
      waiting.rejectAll("scheduler is stopping");
      await Promise.all(this.#bindings);
      for (const recorder of recorders.values()) recorder.stop();
      for (const profile of profiles.values()) for (const plugin of profile.all()) plugin.close?.();
      await informing;
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { queue, env } = this.#parts;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    let count = 0;
    let turn = env.clock.monotonic();
    while (!signal.aborted) {
      const entry = this.#bindings.size < MAX_BINDINGS ? queue.pop() : undefined;
      if (!entry) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
        continue;
      }
      const answer = scheduleOne(this.#parts, entry);
      const departure = answer instanceof Promise ? await answer : answer;
      if (departure) this.#bind(departure, signal);
      if (++count < PODS_PER_TURN && env.clock.monotonic() - turn < TURN_TIME) continue;
      await nextTurn();
      count = 0;
      turn = env.clock.monotonic();
    }
  }

  #bind(departure: Departure, signal: AbortSignal): void {
    const binding = bindPod(this.#parts, departure, signal)
      .catch((error: unknown) => {
        this.#parts.log.error("Binding failed", { pod: departure.entry.info.key, error: errorText(error) });
      })
      .finally(() => {
        this.#bindings.delete(binding);
        this.#wake?.();
      });
    this.#bindings.add(binding);
  }

  /** Asks the server about pods whose binding it acknowledged but the watch does not show. */
  async #checkAssumptions(signal: AbortSignal): Promise<void> {
    const { env, cache } = this.#parts;
    while (!signal.aborted) {
      await env.clock.sleep(OVERDUE_PERIOD, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const { pod, uid } of cache.overdue(env.clock.monotonic())) await this.#verify(pod, uid, signal);
    }
  }

  async #verify(pod: corev1.Pod, uid: string, signal: AbortSignal): Promise<void> {
    const { client, cache, log } = this.#parts;
    const { namespace, name } = pod.metadata;
    try {
      const latest = await client.resource(resources.pods).get({ namespace, name }, { signal });
      if (latest.metadata.uid !== uid) cache.forget(uid);
      else if (latest.spec.nodeName) cache.setPod(latest);
    } catch (error) {
      if (isNotFound(error)) cache.forget(uid);
      else if (!signal.aborted)
        log.warn("Assumed pod not verified", { pod: `${namespace}/${name}`, error: errorText(error) });
    }
  }

  #assemble(options: SchedulerOptions, config: SchedulerConfiguration): SchedulerParts {
    const { client, env } = options;
    const log = env.log.with({ component: "scheduler" });
    const cache = new ClusterCache();
    const waiting = new WaitingPods(env.clock);
    const metrics = new SchedulerMetrics(env.metrics);
    const recorders = new Map(
      config.profiles.map(({ schedulerName }) => [schedulerName, new PodEventRecorder(client, env, schedulerName)]),
    );
    const informers = this.#informers;
    const post = options.extenderPost ?? ((extender) => httpPost(extender, env.clock));
    const extenders = config.extenders.map((extender) => new HttpExtender(extender, post(extender)));
    const hints = new QueueingHints(log);
    const nominator = (): SchedulingQueue["nominator"] => queue.nominator;
    const profiles = buildProfiles({
      config,
      client,
      env,
      cache,
      informers,
      waiting,
      recorders,
      nominator,
      metrics,
      extenders,
      plugins: options.plugins ?? {},
      activate: (uids) => queue.activate(uids),
    });
    for (const profile of profiles.values()) hints.addProfile(profile.name, profile.all(), [EXTENDER]);
    const [first] = profiles.values();
    const less = first?.plugins.queueSort[0]?.less;
    const queue = new SchedulingQueue({
      clock: env.clock,
      hints,
      less: (a, b) => less?.(a, b) ?? false,
      gate: (profile, info, before) => profiles.get(profile)?.gate(info, before),
      onAvailable: () => this.#wake?.(),
      initialBackoff: config.initialBackoff,
      maxBackoff: config.maxBackoff,
      maxUnschedulable: MAX_UNSCHEDULABLE,
      onIncoming: (name, event) => metrics.incoming(name, event),
    });
    metrics.watch(
      env.metrics,
      () => queue.sizes,
      () => ({ nodes: cache.nodes.count, pods: cache.podCount }),
    );
    const { percentageOfNodesToScore } = config;
    const adaptive = options.adaptiveSampling ?? false;
    const algorithm = new Algorithm({
      cache,
      random: env.random,
      nominator,
      percentageOfNodesToScore,
      adaptive,
      extenders,
    });
    const pods = podInformer(informers).lister;
    const latest = (key: string): corev1.Pod | undefined => pods.get(key);
    const parts = {
      client,
      env,
      log,
      extenders,
      cache,
      queue,
      algorithm,
      profiles,
      recorders,
      waiting,
      metrics,
      latest,
    };
    followObjects(parts, informers, hints.resources());
    return parts;
  }
}
