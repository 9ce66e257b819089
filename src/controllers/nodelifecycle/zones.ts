/** How a zone is: all is well, many of its nodes are lost, or all. */
export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

/** When a zone counts as disturbed, and how fast nodes are evicted then. */
export interface ZoneRules {
  readonly unhealthyZoneThreshold: number;
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  readonly largeClusterSizeThreshold: number;
}

interface Zone {
  readonly members: Map<string, boolean>;
  notReady: number;
}

/** What a change of a node's health means for all. */
export interface Transition {
  /** All zones have lost all their nodes: the control plane is probably the one that is cut off. */
  readonly enteredFull: boolean;
  readonly leftFull: boolean;
  /** Zones whose eviction rate changed, with the new one in nodes per second. */
  readonly rates: ReadonlyMap<string, number>;
}

/** The state of a zone with so many nodes. */
export function zoneState(ready: number, notReady: number, threshold: number): ZoneState {
  if (ready === 0 && notReady > 0) return "FullDisruption";
  if (notReady > 2 && notReady / (notReady + ready) >= threshold) return "PartialDisruption";
  return "Normal";
}

/** Counts ready and lost nodes by zone, and says when that changes how fast pods may be evicted. */
export class Zones {
  readonly #rules: ZoneRules;
  readonly #zones = new Map<string, Zone>();
  readonly #zoneOf = new Map<string, string>();
  readonly #states = new Map<string, ZoneState>();
  readonly #rates = new Map<string, number>();
  #full = false;

  constructor(rules: ZoneRules) {
    this.#rules = rules;
  }

  /** Whether all zones are fully disrupted, so that nobody is evicted. */
  get allLost(): boolean {
    return this.#full;
  }

  /** The rate of a zone, in nodes per second. */
  rate(zone: string): number {
    return this.#rates.get(zone) ?? this.#rules.nodeEvictionRate;
  }

  set(node: string, zone: string, ready: boolean): void {
    const before = this.#zoneOf.get(node);
    if (before !== undefined && before !== zone) this.delete(node);
    const entry = this.#zones.get(zone) ?? { members: new Map<string, boolean>(), notReady: 0 };
    this.#zones.set(zone, entry);
    if (entry.members.get(node) === false) entry.notReady--;
    if (!ready) entry.notReady++;
    entry.members.set(node, ready);
    this.#zoneOf.set(node, zone);
  }

  delete(node: string): void {
    const name = this.#zoneOf.get(node);
    const zone = name === undefined ? undefined : this.#zones.get(name);
    if (name === undefined || zone === undefined) return;
    this.#zoneOf.delete(node);
    if (zone.members.get(node) === false) zone.notReady--;
    zone.members.delete(node);
    if (zone.members.size > 0) return;
    this.#zones.delete(name);
    this.#states.delete(name);
    this.#rates.delete(name);
  }

  /** Brings states and rates up to date with the counts. To be called when nodes have been set. */
  update(): Transition {
    let all = this.#zones.size > 0;
    const rates = new Map<string, number>();
    for (const [name, { members, notReady }] of this.#zones) {
      const state = zoneState(members.size - notReady, notReady, this.#rules.unhealthyZoneThreshold);
      if (state !== "FullDisruption") all = false;
      this.#states.set(name, state);
    }
    const was = this.#full;
    this.#full = all;
    for (const [name, { members }] of this.#zones) {
      const rate = all ? 0 : this.#rateFor(this.#states.get(name) ?? "Normal", members.size);
      if (rate !== this.rate(name)) rates.set(name, rate);
      this.#rates.set(name, rate);
    }
    return { enteredFull: all && !was, leftFull: was && !all, rates };
  }

  #rateFor(state: ZoneState, size: number): number {
    if (state !== "PartialDisruption") return this.#rules.nodeEvictionRate;
    return size > this.#rules.largeClusterSizeThreshold ? this.#rules.secondaryNodeEvictionRate : 0;
  }
}
