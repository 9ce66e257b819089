import type { coordinationv1, corev1 } from "../../api/index.ts";
import { tryParseTime } from "../../machinery/index.ts";
import { nodeCondition } from "../common/nodes.ts";

interface Heartbeat {
  /** When it was last seen to live, by our own clock: those of nodes may differ. */
  seen: number;
  heartbeat: string | undefined;
  renewed: number | undefined;
}

/** When each node was last heard of: by its status or by its lease. */
export class Heartbeats {
  readonly #beats = new Map<string, Heartbeat>();
  readonly #leases = new Map<string, number>();

  /** Notes a node's status at the moment `now`. A node that never reported counts from its creation. */
  status(node: corev1.Node, now: number): void {
    const { name } = node.metadata;
    const ready = nodeCondition(node, "Ready");
    const heartbeat = ready?.lastHeartbeatTime;
    const known = this.#beats.get(name);
    if (known === undefined) {
      const seen = ready === undefined ? (tryParseTime(node.metadata.creationTimestamp) ?? now) : now;
      this.#beats.set(name, { seen, heartbeat, renewed: this.#leases.get(name) });
      return;
    }
    if (ready === undefined || known.heartbeat === heartbeat) return;
    known.heartbeat = heartbeat;
    known.seen = now;
  }

  /** Notes a lease; its renewal counts as a sign of life. */
  lease(lease: coordinationv1.Lease, now: number): void {
    const renewed = tryParseTime(lease.spec?.renewTime);
    if (renewed === undefined) return;
    const { name } = lease.metadata;
    this.#leases.set(name, renewed);
    const known = this.#beats.get(name);
    if (known === undefined || (known.renewed !== undefined && known.renewed >= renewed)) return;
    known.renewed = renewed;
    known.seen = now;
  }

  /** Since when nothing was heard of the node. */
  lastSeen(name: string): number | undefined {
    return this.#beats.get(name)?.seen;
  }

  forget(name: string): void {
    this.#beats.delete(name);
  }

  forgetLease(name: string): void {
    this.#leases.delete(name);
  }

  /** Gives every node its full grace again: nothing could be heard of any, so silence said nothing. */
  reset(now: number): void {
    for (const beat of this.#beats.values()) beat.seen = now;
  }
}
