import { type resourcev1, resources } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import type { PluginHandle } from "../../framework/plugin.ts";

type Claim = resourcev1.ResourceClaim;

/** A device in all the cluster, as one text. */
export function deviceKey(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}

/**
 * Claims as the server has them, or as it will once it has shown what was written here; and how many claims hold each device, allocations on
 * their way included.
 */
export class ClaimTracker {
  readonly #lister: Lister<Claim>;
  /** By key; newer than what the watch has shown. */
  readonly #assumed = new Map<string, Claim>();
  /** By UID; decided, but not yet written. */
  readonly #pending = new Map<string, readonly string[]>();
  /** By key: the devices counted for a claim. */
  readonly #counted = new Map<string, readonly string[]>();
  readonly #uses = new Map<string, number>();

  constructor(handle: Pick<PluginHandle, "informer">) {
    const informer = handle.informer(resources.resourceclaims);
    this.#lister = informer.lister;
    informer.handle({
      added: (claim) => this.#seen(claim),
      updated: (claim) => this.#seen(claim),
      deleted: (claim) => {
        const key = keyOf(claim);
        this.#assumed.delete(key);
        this.#recount(key, undefined);
      },
    });
  }

  get(key: string): Claim | undefined {
    return this.#assumed.get(key) ?? this.#lister.get(key);
  }

  /** Whether some claim has the device for itself, or will have. */
  isInUse(device: string): boolean {
    return this.#uses.has(device);
  }

  /** Whether somebody is about to write an allocation for the claim. */
  isPending(uid: string): boolean {
    return this.#pending.has(uid);
  }

  /** An allocation was decided: its devices are taken until {@link settle}. */
  setPending(uid: string, allocation: resourcev1.AllocationResult): void {
    const devices = devicesOf(allocation);
    this.#count(devices, 1);
    this.#pending.set(uid, devices);
  }

  /** The decision was written, or is taken back. False when there was none. */
  settle(uid: string): boolean {
    const devices = this.#pending.get(uid);
    if (!devices) return false;
    this.#pending.delete(uid);
    this.#count(devices, -1);
    return true;
  }

  /** The server answered with this state of a claim: it counts until the watch has shown it. */
  assume(claim: Claim): void {
    const key = keyOf(claim);
    const seen = this.#lister.get(key);
    if (!seen || !isNewer(claim, seen)) return;
    this.#assumed.set(key, claim);
    this.#recount(key, claim);
  }

  /** Back to what the watch has shown. */
  restore(key: string): void {
    if (this.#assumed.delete(key)) this.#recount(key, this.#lister.get(key));
  }

  #seen(claim: Claim): void {
    const key = keyOf(claim);
    const assumed = this.#assumed.get(key);
    if (assumed?.metadata.uid === claim.metadata.uid && isNewer(assumed, claim)) return;
    this.#assumed.delete(key);
    this.#recount(key, claim);
  }

  #recount(key: string, claim: Claim | undefined): void {
    const before = this.#counted.get(key);
    const allocation = claim?.status?.allocation;
    const after = allocation ? devicesOf(allocation) : undefined;
    if (after) this.#counted.set(key, after);
    else this.#counted.delete(key);
    this.#count(after ?? [], 1);
    this.#count(before ?? [], -1);
  }

  #count(devices: readonly string[], by: number): void {
    for (const device of devices) {
      const uses = (this.#uses.get(device) ?? 0) + by;
      if (uses > 0) this.#uses.set(device, uses);
      else this.#uses.delete(device);
    }
  }
}

/** The devices that an allocation has for itself: those for administration it shares. */
function devicesOf({ devices }: resourcev1.AllocationResult): string[] {
  return (devices.results ?? []).flatMap(({ driver, pool, device, adminAccess }) =>
    adminAccess ? [] : [deviceKey(driver, pool, device)],
  );
}

export function keyOf({ metadata }: Claim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function isNewer(a: Claim, b: Claim): boolean {
  return BigInt(a.metadata.resourceVersion) > BigInt(b.metadata.resourceVersion);
}
