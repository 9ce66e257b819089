import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Observation, ObservedContainer } from "../observe/model.ts";
import { podLogDir } from "../paths.ts";
import type { Pod } from "../pod/containers.ts";
import type { Services } from "./services.ts";

/**
 * Removes what of a living pod nobody needs any more: of each container all but the newest and the one before, and sandboxes
 * that are neither the newest nor hold a container. Resolves with the ids that are gone.
 */
export async function collectGarbage(pod: Pod, observation: Observation, services: Services): Promise<Set<string>> {
  const gone = new Set<string>();
  const seen = new Map<string, number>();
  for (const container of observation.containers) {
    const count = (seen.get(container.name) ?? 0) + 1;
    seen.set(container.name, count);
    if (count > 2 && container.state === "exited") {
      await removeContainer(pod, container, services);
      gone.add(container.id);
    }
  }
  const used = new Set(observation.containers.filter((c) => !gone.has(c.id)).map((c) => c.sandboxId));
  for (const sandbox of observation.sandboxes.slice(1)) {
    if (sandbox.ready || used.has(sandbox.id)) continue;
    await services.runtime.removePodSandbox({ podSandboxId: sandbox.id });
    gone.add(sandbox.id);
  }
  return gone;
}

/** Removes a container, its log and the link to it. */
async function removeContainer(pod: Pod, container: ObservedContainer, services: Services): Promise<void> {
  await services.runtime.removeContainer({ containerId: container.id });
  services.observer.forget(container.id);
  removeLogs(container);
  removeLink(pod, container, services);
}

/** A container's log with its rotated pieces (`3.log`, `3.log.20260101-000000.gz`). */
function removeLogs({ logPath }: ObservedContainer): void {
  if (logPath === "") return;
  const [dir, name] = [dirname(logPath), basename(logPath)];
  for (const file of readdirOr(dir))
    if (file === name || file.startsWith(`${name}.`)) rmSync(join(dir, file), { force: true });
}

function removeLink(pod: Pod, { name, id }: ObservedContainer, { paths }: Services): void {
  rmSync(join(paths.containerLogs, `${pod.metadata.name}_${pod.metadata.namespace}_${name}-${id}.log`), {
    force: true,
  });
}

function readdirOr(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** With a new sandbox initialization starts over: the old init containers would tell lies about it. */
export async function removeInitContainers(pod: Pod, observation: Observation, services: Services): Promise<void> {
  const names = new Set((pod.spec.initContainers ?? []).map((c) => c.name));
  const old = observation.containers.filter((c) => names.has(c.name) && c.state !== "running");
  await Promise.all(old.map((container) => removeContainer(pod, container, services)));
}

/** Removes everything of a pod that is over: sandboxes with their containers, logs. */
export async function removeAll(pod: Pod, observation: Observation, services: Services): Promise<void> {
  await Promise.all(observation.sandboxes.map((s) => services.runtime.removePodSandbox({ podSandboxId: s.id })));
  for (const container of observation.containers) {
    services.observer.forget(container.id);
    removeLink(pod, container, services);
  }
  rmSync(podLogDir(services.paths, pod), { recursive: true, force: true });
}
