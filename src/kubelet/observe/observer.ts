import { isCoded } from "../../kit/index.ts";
import type { Container, PodSandbox, Runtime } from "../../host/cri/index.ts";
import { LABEL } from "../pod/labels.ts";
import {
  type Observation,
  type ObservedContainer,
  type ObservedSandbox,
  type PodIdentity,
  identityOf,
  newestFirst,
  observedContainer,
  observedSandbox,
} from "./model.ts";
import { terminationMessage } from "./termination.ts";

/**
 * Looks at the runtime. What has ended does not change any more and is asked for once only.
 */
export class Observer {
  readonly #runtime: Runtime;
  readonly #ended = new Map<string, ObservedContainer>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** All of one pod. */
  async pod(uid: string): Promise<Observation> {
    const filter = { labelSelector: { [LABEL.podUid]: uid } };
    const [{ items }, { containers }] = await Promise.all([
      this.#runtime.listPodSandbox({ filter }),
      this.#runtime.listContainers({ filter }),
    ]);
    return this.#details(items, containers);
  }

  /** Everything that belongs to pods, by uid. */
  async all(): Promise<Map<string, { identity: PodIdentity; observation: Observation }>> {
    const [{ items }, { containers }] = await Promise.all([
      this.#runtime.listPodSandbox({}),
      this.#runtime.listContainers({}),
    ]);
    const pods = new Map<string, { identity: PodIdentity; sandboxes: PodSandbox[]; containers: Container[] }>();
    const entry = (labels: Readonly<Record<string, string>>) => {
      const identity = identityOf(labels);
      if (!identity) return undefined;
      const known = pods.get(identity.uid) ?? { identity, sandboxes: [], containers: [] };
      pods.set(identity.uid, known);
      return known;
    };
    for (const sandbox of items) entry(sandbox.labels)?.sandboxes.push(sandbox);
    for (const container of containers) entry(container.labels)?.containers.push(container);
    const seen = new Set(containers.map((c) => c.id));
    for (const id of this.#ended.keys()) if (!seen.has(id)) this.#ended.delete(id);
    const details = [...pods.values()].map(async ({ identity, sandboxes, containers: own }) => {
      return [identity.uid, { identity, observation: await this.#details(sandboxes, own) }] as const;
    });
    return new Map(await Promise.all(details));
  }

  /** One container; undefined when it is gone. */
  async container(id: string, sandboxId: string): Promise<ObservedContainer | undefined> {
    const known = this.#ended.get(id);
    if (known) return known;
    const found = await orGone(this.#runtime.containerStatus({ containerId: id }));
    if (!found?.status) return undefined;
    const container = observedContainer(found.status, sandboxId);
    if (container.state !== "exited") return container;
    const ended = { ...container, message: await terminationMessage(found.status) };
    this.#ended.set(id, ended);
    return ended;
  }

  /** One sandbox; undefined when it is gone. */
  async sandbox(id: string): Promise<ObservedSandbox | undefined> {
    const found = await orGone(this.#runtime.podSandboxStatus({ podSandboxId: id }));
    return found?.status && observedSandbox(found.status);
  }

  /** To be called when a container was removed. */
  forget(containerId: string): void {
    this.#ended.delete(containerId);
  }

  async #details(sandboxes: readonly PodSandbox[], containers: readonly Container[]): Promise<Observation> {
    const [boxes, cs] = await Promise.all([
      Promise.all(sandboxes.map((s) => this.sandbox(s.id))),
      Promise.all(containers.map((c) => this.container(c.id, c.podSandboxId))),
    ]);
    return {
      sandboxes: newestFirst(boxes.filter((s) => s !== undefined)),
      containers: newestFirst(cs.filter((c) => c !== undefined)),
    };
  }
}

async function orGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCoded(error, "NotFound")) return undefined;
    throw error;
  }
}
