import { errorText, mapConcurrent } from "../../kit/index.ts";
import { Quantity } from "../../machinery/index.ts";
import type { KubeletConfig } from "../config.ts";
import { ImageGc } from "../images/image-gc.ts";
import { rotateLog } from "../logs/rotate.ts";
import type { PodManager } from "./pod-manager.ts";
import type { Services } from "./services.ts";

const LOG_ROTATION_MS = 10_000;
const IMAGE_GC_MS = 300_000;
const ROTATIONS_AT_ONCE = 1;

/** What has to be done now and then: rotating logs, removing unused images. Ends when `signal` aborts. */
export async function keepHouse(
  services: Services,
  manager: PodManager,
  config: KubeletConfig,
  signal: AbortSignal,
): Promise<void> {
  const gc = new ImageGc({
    runtime: services.runtime,
    env: services.env,
    config,
    failed: (message) => services.events.event(nodeReference(services), "Warning", "FreeDiskSpaceFailed", message),
  });
  await Promise.all([
    every(LOG_ROTATION_MS, "Logs could not be rotated", services, signal, () => rotateLogs(services, manager, config)),
    every(IMAGE_GC_MS, "Images could not be collected", services, signal, () => gc.collect()),
  ]);
}

function nodeReference({ node }: Services): { kind: string; apiVersion: string; name: string; uid: string } {
  return { kind: "Node", apiVersion: "v1", name: node.name, uid: node.name };
}

async function every(
  ms: number,
  failure: string,
  { env }: Services,
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await env.clock.sleep(ms, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      env.log.warn(failure, { error: errorText(error) });
    }
  }
}

async function rotateLogs(services: Services, manager: PodManager, config: KubeletConfig): Promise<void> {
  const maxBytes = Quantity.parse(config.containerLogMaxSize).value();
  const running = [...manager.workers()].flatMap((worker) =>
    worker.observation.containers.filter((c) => c.state === "running" && c.logPath !== ""),
  );
  await mapConcurrent(running, ROTATIONS_AT_ONCE, ({ id, logPath }) =>
    rotateLog({ containerId: id, path: logPath }, { maxBytes, maxFiles: config.containerLogMaxFiles }, services),
  );
}
