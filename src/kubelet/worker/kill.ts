import { childController, errorText, isCoded } from "../../kit/index.ts";
import type { Observation, ObservedContainer } from "../observe/model.ts";
import { podAddresses } from "../observe/model.ts";
import { type Pod, findSpecContainer, isSidecar, podReference } from "../pod/containers.ts";
import { ANNOTATION } from "../pod/labels.ts";
import type { KillReason } from "../step/plan.ts";
import { runHook } from "./hooks.ts";
import type { Services } from "./services.ts";

/** A container is never given less, seconds. */
const MINIMUM_GRACE = 2;
const DEFAULT_GRACE = 30;

export interface KillOptions {
  /** Seconds; default: what the pod, or its probe, says. */
  readonly grace?: number;
  readonly reason?: KillReason;
  readonly message?: string;
  /** Abandons the wait, not the stopping. */
  readonly signal?: AbortSignal;
  /** Resolves when it is this container's turn to be told to end. */
  readonly turn?: (graceSeconds: number) => Promise<void>;
}

/** Stops one container: event, preStop hook, SIGTERM, and SIGKILL when the grace is over. Resolves once it is dead. */
export async function killContainer(
  pod: Pod | undefined,
  container: ObservedContainer,
  podIP: string,
  services: Services,
  options: KillOptions = {},
): Promise<void> {
  const { clock } = services.env;
  const spec = pod && findSpecContainer(pod, container.name);
  let grace = options.grace ?? graceOf(pod, container, options.reason ?? "");
  if (pod && spec) {
    const message = options.message || `Stopping container ${container.name}`;
    services.events.event(podReference(pod, spec), "Normal", "Killing", message);
  }
  const started = clock.monotonic();
  const spent = (): number => Math.floor((clock.monotonic() - started) / 1000);
  const preStop = spec?.container.lifecycle?.preStop;
  if (pod && spec && preStop && grace > 0) {
    await preStopHook({ pod, spec, containerId: container.id, podIP }, preStop, grace, services, options.signal);
  }
  if (options.turn && grace - spent() > 0) await options.turn(grace - spent());
  grace = Math.max(MINIMUM_GRACE, grace - spent());
  const request = { containerId: container.id, timeout: grace };
  await services.runtime
    .stopContainer(request, options.signal ? { signal: options.signal } : {})
    .catch((error: unknown) => {
      if (!isCoded(error, "NotFound")) throw error;
    });
}

async function preStopHook(
  target: Parameters<typeof runHook>[1],
  handler: Parameters<typeof runHook>[0],
  graceSeconds: number,
  services: Services,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = childController(signal);
  const timer = services.env.clock.setTimer(graceSeconds * 1000, () => stop.abort());
  try {
    await runHook(handler, target, services, stop.signal);
  } catch (error) {
    signal?.throwIfAborted();
    // Its words may hold secrets: they go to the log only.
    services.env.log.warn("PreStop hook failed", { container: target.spec.container.name, error: errorText(error) });
    if (!stop.signal.aborted) {
      const about = podReference(target.pod, target.spec);
      services.events.event(about, "Warning", "FailedPreStopHook", "PreStopHook failed");
    }
  } finally {
    timer.cancel();
    stop.unlink();
  }
}

/** Seconds: of the deletion, else of the probe that failed, else of the pod; of a pod nobody knows any more, from its container. */
function graceOf(pod: Pod | undefined, container: ObservedContainer, reason: KillReason): number {
  if (!pod) {
    const { annotations: a } = container;
    return Number(a[ANNOTATION.podDeletionGracePeriod] ?? a[ANNOTATION.podTerminationGracePeriod] ?? DEFAULT_GRACE);
  }
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  const spec = findSpecContainer(pod, container.name)?.container;
  const probe =
    reason === "LivenessProbe" ? spec?.livenessProbe : reason === "StartupProbe" ? spec?.startupProbe : undefined;
  return probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
}

export interface KillPodOptions {
  readonly grace?: number;
  readonly signal?: AbortSignal;
}

/**
 * Stops everything of a pod: its containers side by side, sidecars in reverse order after the main ones, then its sandboxes.
 * Rejects when the runtime could not stop something; may be repeated.
 */
export async function killPod(
  pod: Pod | undefined,
  observation: Observation,
  services: Services,
  options: KillPodOptions = {},
): Promise<void> {
  const alive = observation.containers.filter((c) => c.state === "running" || c.state === "unknown");
  const [podIP = ""] = podAddresses(observation);
  const order = new TerminationOrder(pod, alive, services);
  const results = await Promise.allSettled(
    alive.map(async (container) => {
      try {
        const turn = order.turnOf(container.name);
        await killContainer(pod, container, podIP, services, { ...options, ...(turn && { turn }) });
      } finally {
        order.ended(container.name);
      }
    }),
  );
  const failed = results.find((r) => r.status === "rejected");
  if (failed) throw failed.reason;
  const { signal } = options;
  const sandboxes = observation.sandboxes.filter((s) => s.ready);
  await Promise.all(
    sandboxes.map((s) => services.runtime.stopPodSandbox({ podSandboxId: s.id }, signal ? { signal } : {})),
  );
}

/** Sidecars end after all main containers, and each after those that started after it. */
class TerminationOrder {
  readonly #before = new Map<string, Promise<void>[]>();
  readonly #ended = new Map<string, () => void>();
  readonly #services: Services;

  constructor(pod: Pod | undefined, alive: readonly ObservedContainer[], services: Services) {
    this.#services = services;
    const sidecars = (pod?.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name);
    if (sidecars.length === 0) return;
    const names = new Set(alive.map((c) => c.name));
    const ends = new Map<string, Promise<void>>();
    for (const name of names) ends.set(name, new Promise((resolve) => this.#ended.set(name, resolve)));
    const later = [...names].filter((n) => !sidecars.includes(n)).flatMap((n) => ends.get(n) ?? []);
    for (const name of sidecars.toReversed()) {
      this.#before.set(name, [...later]);
      const end = ends.get(name);
      if (end) later.push(end);
    }
  }

  turnOf(name: string): ((graceSeconds: number) => Promise<void>) | undefined {
    const before = this.#before.get(name);
    if (!before) return undefined;
    return async (graceSeconds) => {
      const late = new AbortController();
      const limit = this.#services.env.clock.sleep(graceSeconds * 1000, late.signal).catch(() => undefined);
      await Promise.race([Promise.all(before), limit]);
      late.abort();
    };
  }

  ended(name: string): void {
    this.#ended.get(name)?.();
  }
}
