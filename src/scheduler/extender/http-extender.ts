import type { corev1 } from "../../api/index.ts";
import { parseDuration } from "../../machinery/index.ts";
import type { NodeColumns } from "../cache/node-columns.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { Extender } from "../config/types.ts";
import type { SchedulingCycle } from "../framework/cycle.ts";
import type { ExtenderFilterResult, PreemptionCandidate, SchedulerExtender } from "../framework/extender.ts";
import { type Status, unresolvable, unschedulable } from "../framework/status.ts";

/** Posts an object and gives the decoded answer; rejects for anything but 200, and after `timeout` ms. */
export type Post = (url: string, body: unknown, timeout: number) => Promise<unknown>;

const DEFAULT_TIMEOUT = 5000;

interface FilterAnswer {
  readonly nodes?: { readonly items?: readonly corev1.Node[] };
  readonly nodenames?: readonly string[];
  readonly failedNodes?: Readonly<Record<string, string>>;
  readonly failedAndUnresolvableNodes?: Readonly<Record<string, string>>;
  readonly error?: string;
}

interface PreemptionAnswer {
  readonly nodeNameToMetaVictims?: Readonly<
    Record<string, { readonly pods?: readonly { readonly uid: string }[]; readonly numPDBViolations?: number }>
  >;
}

/** An extender behind a URL, spoken to as k8s.io/kube-scheduler/extender/v1 says. */
export class HttpExtender implements SchedulerExtender {
  readonly name: string;
  readonly weight: number;
  readonly ignorable: boolean;
  readonly filters: boolean;
  readonly prioritizes: boolean;
  readonly binds: boolean;
  readonly supportsPreemption: boolean;
  readonly #config: Extender;
  readonly #post: Post;
  readonly #managed: ReadonlySet<string>;

  constructor(config: Extender, post: Post) {
    this.name = config.urlPrefix ?? "";
    this.weight = config.weight ?? 0;
    this.ignorable = config.ignorable === true;
    this.filters = Boolean(config.filterVerb);
    this.prioritizes = Boolean(config.prioritizeVerb);
    this.binds = Boolean(config.bindVerb);
    this.supportsPreemption = Boolean(config.preemptVerb);
    this.#config = config;
    this.#post = post;
    this.#managed = new Set((config.managedResources ?? []).map(({ name }) => name ?? ""));
  }

  isInterested({ spec }: corev1.Pod): boolean {
    if (this.#managed.size === 0) return true;
    const asks = ({ resources }: corev1.Container): boolean =>
      [resources?.requests, resources?.limits].some((list) =>
        Object.keys(list ?? {}).some((name) => this.#managed.has(name)),
      );
    return spec.containers.some(asks) || spec.initContainers?.some(asks) === true;
  }

  async filter(cycle: SchedulingCycle, slots: readonly number[]): Promise<ExtenderFilterResult> {
    const answer = (await this.#send(this.#config.filterVerb, this.#args(cycle, slots))) as FilterAnswer;
    if (answer.error) throw new Error(answer.error);
    const names = answer.nodenames ?? answer.nodes?.items?.map(({ metadata }) => metadata.name) ?? [];
    const asked = new Set(slots);
    const passed = names.map((name) => {
      const slot = cycle.nodes.find(name);
      if (slot !== undefined && asked.has(slot)) return slot;
      const text = `extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`;
      throw new Error(text);
    });
    const refused = new Map<number, Status>();
    const refuse = (nodes: Readonly<Record<string, string>> | undefined, make: (reason: string) => Status): void => {
      for (const [name, reason] of Object.entries(nodes ?? {})) {
        const slot = cycle.nodes.find(name);
        if (slot !== undefined) refused.set(slot, make(reason));
      }
    };
    refuse(answer.failedNodes, unschedulable);
    refuse(answer.failedAndUnresolvableNodes, unresolvable);
    return { slots: passed, refused };
  }

  async prioritize(cycle: SchedulingCycle, slots: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const answer = (await this.#send(this.#config.prioritizeVerb, this.#args(cycle, slots))) as
      | readonly { readonly host: string; readonly score: number }[]
      | null;
    const scores = new Map<number, number>();
    for (const { host, score } of answer ?? []) {
      const slot = cycle.nodes.find(host);
      if (slot !== undefined) scores.set(slot, score);
    }
    return scores;
  }

  async bind({ metadata }: corev1.Pod, node: string): Promise<void> {
    const { namespace, name, uid } = metadata;
    const args = { podName: name, podNamespace: namespace, podUID: uid, node };
    const answer = (await this.#send(this.#config.bindVerb, args)) as { readonly error?: string } | null;
    if (answer?.error) throw new Error(answer.error);
  }

  async processPreemption(
    cycle: SchedulingCycle,
    candidates: readonly PreemptionCandidate[],
  ): Promise<readonly PreemptionCandidate[]> {
    const { nodes } = cycle;
    const victims = Object.fromEntries(candidates.map((one) => [nodes.name(one.slot), this.#victims(one)]));
    const field = this.#config.nodeCacheCapable ? "nodeNameToMetaVictims" : "nodeNameToVictims";
    const args = { pod: cycle.pod, [field]: victims };
    const { nodeNameToMetaVictims = {} } = (await this.#send(this.#config.preemptVerb, args)) as PreemptionAnswer;
    return Object.entries(nodeNameToMetaVictims).flatMap(([node, { pods = [], numPDBViolations = 0 }]) => {
      const slot = nodes.find(node);
      if (slot === undefined) throw new Error(`nodeinfo not found for node name ${JSON.stringify(node)}`);
      if (pods.length > 0)
        return [{ slot, victims: pods.map(({ uid }) => this.#podOn(nodes, slot, uid)), violations: numPDBViolations }];
      if (this.ignorable) return [];
      throw new Error(`expected at least one victim pod on node ${JSON.stringify(node)}`);
    });
  }

  #victims({ victims, violations }: PreemptionCandidate): object {
    const pods = this.#config.nodeCacheCapable ? victims.map(({ uid }) => ({ uid })) : victims.map(({ pod }) => pod);
    return { pods, numPDBViolations: violations };
  }

  #podOn(nodes: NodeColumns, slot: number, uid: string): PodInfo {
    const found = nodes.pods(slot).find((pod) => pod.uid === uid);
    if (found) return found;
    throw new Error(
      `extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${nodes.name(slot)}, but the pod is not found on that node`,
    );
  }

  #args({ nodes, pod }: SchedulingCycle, slots: readonly number[]): object {
    if (this.#config.nodeCacheCapable) return { pod, nodenames: slots.map((slot) => nodes.name(slot)) };
    const items = slots.flatMap((slot) => nodes.node(slot) ?? []);
    return { pod, nodes: { kind: "NodeList", apiVersion: "v1", metadata: {}, items } };
  }

  #send(verb: string | undefined, body: unknown): Promise<unknown> {
    const { httpTimeout } = this.#config;
    const timeout = httpTimeout ? parseDuration(httpTimeout) : 0;
    return this.#post(`${this.name.replace(/\/+$/, "")}/${verb ?? ""}`, body, timeout || DEFAULT_TIMEOUT);
  }
}
