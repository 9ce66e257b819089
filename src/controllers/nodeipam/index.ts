import { type corev1, resources } from "../../api/index.ts";
import { CodedError, type Component } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import type { ControllerContext, ControllerDefinition } from "../common/context.ts";
import { type Cidr, formatCidr, parseCidr } from "../common/ip.ts";
import { Loop } from "../common/loop.ts";
import { CidrSet } from "./cidr-set.ts";

type Node = corev1.Node;

const WORKERS = 30;

/** Gives every node a pod network of its own out of the cluster's, one in each address family. */
class NodeIpam {
  readonly #context: ControllerContext;
  readonly #sets: readonly CidrSet[];
  /** What each node holds, so that it is given back once. */
  readonly #held = new Map<string, readonly Cidr[]>();
  readonly loop: Loop;

  constructor(context: ControllerContext, sets: readonly CidrSet[]) {
    const nodes = context.caches.informer(resources.nodes);
    this.#context = context;
    this.#sets = sets;
    this.loop = new Loop({
      context,
      workers: WORKERS,
      informers: [nodes],
      reconcile: (name, signal) => this.#allocate(nodes.lister.get(name), signal),
    });
    const seen = (node: Node): void => {
      // Networks in use are marked before any is given away: the loop starts when all nodes are known.
      if ((node.spec.podCIDRs ?? []).length > 0) this.#hold(node);
      else this.loop.add(node.metadata.name);
    };
    nodes.handle({ added: seen, updated: seen, deleted: (node) => this.#giveBack(node.metadata.name) });
  }

  #hold(node: Node): void {
    const { name } = node.metadata;
    if (this.#held.has(name)) return;
    const cidrs = (node.spec.podCIDRs ?? []).flatMap((text) => parseCidr(text) ?? []);
    this.#held.set(name, cidrs);
    for (const [i, cidr] of cidrs.entries()) {
      const set = this.#sets[i];
      if (set?.holds(cidr) === true) set.occupy(cidr);
      else
        this.#context.env.log.warn("Node has a network outside of the cluster's", {
          node: name,
          cidr: formatCidr(cidr),
        });
    }
  }

  #giveBack(name: string): void {
    for (const [i, cidr] of (this.#held.get(name) ?? []).entries()) {
      const set = this.#sets[i];
      if (set?.holds(cidr) === true) set.release(cidr);
    }
    this.#held.delete(name);
  }

  async #allocate(node: Node | undefined, signal: AbortSignal): Promise<void> {
    if (node === undefined || (node.spec.podCIDRs ?? []).length > 0) return;
    const { name } = node.metadata;
    const cidrs = this.#held.get(name) ?? this.#take(node);
    const podCIDRs = cidrs.map(formatCidr);
    const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } };
    try {
      await this.#context.client.resource(resources.nodes).patch({ name }, { type: "merge", body }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#giveBack(name);
    }
  }

  /** Takes a network of each family, or none. Kept for the node even if writing it down fails at first. */
  #take(node: Node): readonly Cidr[] {
    const taken: Cidr[] = [];
    for (const set of this.#sets) {
      const cidr = set.allocate();
      if (cidr === undefined) {
        for (const [i, other] of taken.entries()) this.#sets[i]?.release(other);
        const message = `Node ${node.metadata.name} status is now: CIDRNotAvailable`;
        this.#context.events.normal(resources.nodes, node, "CIDRNotAvailable", message);
        throw new Error(`no network is left for node ${node.metadata.name} in ${formatCidr(set.cluster)}`);
      }
      taken.push(cidr);
    }
    this.#held.set(node.metadata.name, taken);
    return taken;
  }
}

function networksOf(texts: readonly string[], what: string): Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined)
      throw new CodedError("CidrInvalid", `${what} ${JSON.stringify(text)} is no network: expected a CIDR`);
    return cidr;
  });
}

/** Gives nodes their pod networks. Throws `CidrInvalid` for a configuration that cannot be read. */
export const nodeIpamController: ControllerDefinition = {
  name: "node-ipam-controller",
  account: "node-controller",
  eventSource: "cidrAllocator",
  create: (context): Component | undefined => {
    const { config } = context;
    if (config.clusterCidr.length === 0) return undefined;
    const services = networksOf(config.serviceCidr, "service CIDR");
    const sets = networksOf(config.clusterCidr, "cluster CIDR").map((cluster) => {
      const prefix = cluster.family === "IPv4" ? config.nodeCidrMaskSizeIpv4 : config.nodeCidrMaskSizeIpv6;
      const set = new CidrSet(cluster, prefix);
      for (const service of services) if (service.family === cluster.family) set.occupy(service);
      return set;
    });
    return new NodeIpam(context, sets).loop;
  },
};
