import { type corev1, type resourcev1, resources } from "../../../api/index.ts";
import { nodeSelector } from "../../cache/node-selector.ts";
import type { PluginHandle } from "../../framework/plugin.ts";
import { deviceKey } from "./claim-tracker.ts";

type Slice = resourcev1.ResourceSlice;

/** A device that may be allocated. */
export interface Candidate {
  readonly key: string;
  readonly pool: Pool;
  readonly slice: Slice;
  readonly device: resourcev1.Device;
}

/** The devices of a pool that a node can reach. */
export interface Pool {
  /** `driver/pool`. */
  readonly id: string;
  readonly driver: string;
  readonly name: string;
  /** Its driver has not published all of it yet. */
  readonly isIncomplete: boolean;
  /** It has two devices of one name. */
  readonly isInvalid: boolean;
  /** Without those that have conditions of binding: they are an alpha feature, which is off. */
  readonly candidates: readonly Candidate[];
}

interface Remembered {
  readonly version: number;
  readonly node: corev1.Node;
  readonly pools: readonly Pool[];
}

const byName = (a: Slice, b: Slice): number => (a.metadata.name < b.metadata.name ? -1 : 1);
const byId = (a: Pool, b: Pool): number => (a.id < b.id ? -1 : 1);

/** All slices of devices, found by the nodes that they are for. */
export class SliceIndex {
  readonly #byNode = new Map<string, Set<Slice>>();
  readonly #shared = new Set<Slice>();
  readonly #byPool = new Map<string, Set<Slice>>();
  readonly #pools = new Map<string, Remembered>();
  /** Goes up with every change. */
  #version = 0;

  constructor(handle: Pick<PluginHandle, "informer">) {
    handle.informer(resources.resourceslices).handle({
      added: (slice) => this.#add(slice),
      updated: (slice, before) => {
        this.#remove(before);
        this.#add(slice);
      },
      deleted: (slice) => this.#remove(slice),
    });
  }

  /** The pools that a node can reach, in the order of their names. Out-dated slices are left out. */
  poolsFor(node: corev1.Node): readonly Pool[] {
    const { name } = node.metadata;
    const known = this.#pools.get(name);
    if (known?.version === this.#version && known.node === node) return known.pools;
    if (known && known.version !== this.#version) this.#pools.clear();
    const pools = this.#gather(node);
    this.#pools.set(name, { version: this.#version, node, pools });
    return pools;
  }

  #gather(node: corev1.Node): Pool[] {
    const shared = [...this.#shared].filter(({ spec }) => reaches(spec, node));
    const current = new Map<string, Slice[]>();
    for (const slice of [...(this.#byNode.get(node.metadata.name) ?? []), ...shared]) {
      const id = poolId(slice);
      const list = current.get(id) ?? [];
      const generation = list[0]?.spec.pool.generation ?? slice.spec.pool.generation;
      if (slice.spec.pool.generation < generation) continue;
      if (slice.spec.pool.generation > generation) list.length = 0;
      list.push(slice);
      current.set(id, list);
    }
    return [...current].flatMap(([id, slices]) => this.#poolOf(id, slices) ?? []).toSorted(byId);
  }

  /** Undefined when the pool is about to be replaced by a newer one that has nothing for the node. */
  #poolOf(id: string, slices: Slice[]): Pool | undefined {
    const [{ spec }] = slices as [Slice];
    const { name, generation, resourceSliceCount } = spec.pool;
    let count = slices.length;
    if (count !== resourceSliceCount) {
      const all = [...(this.#byPool.get(id) ?? [])].map((slice) => slice.spec.pool.generation);
      if (all.some((other) => other > generation)) return undefined;
      count = all.filter((other) => other === generation).length;
    }
    const isIncomplete = count !== resourceSliceCount;
    const candidates: Candidate[] = [];
    const pool = { id, driver: spec.driver, name, isIncomplete, isInvalid: hasTwins(slices), candidates };
    for (const slice of slices.toSorted(byName)) {
      for (const device of slice.spec.devices ?? []) {
        if (device.bindingConditions?.length) continue;
        candidates.push({ key: deviceKey(pool.driver, name, device.name), pool, slice, device });
      }
    }
    return pool;
  }

  #add(slice: Slice): void {
    this.#version++;
    setOf(this.#byPool, poolId(slice)).add(slice);
    // Selecting nodes device by device is an alpha feature, which is off.
    if (slice.spec.perDeviceNodeSelection !== undefined) return;
    if (slice.spec.nodeName) setOf(this.#byNode, slice.spec.nodeName).add(slice);
    else this.#shared.add(slice);
  }

  #remove(slice: Slice): void {
    this.#version++;
    drop(this.#byPool, poolId(slice), slice);
    if (slice.spec.nodeName) drop(this.#byNode, slice.spec.nodeName, slice);
    this.#shared.delete(slice);
  }
}

function poolId({ spec }: Slice): string {
  return `${spec.driver}/${spec.pool.name}`;
}

function reaches(spec: resourcev1.ResourceSliceSpec, node: corev1.Node): boolean {
  if (spec.allNodes) return true;
  return spec.nodeSelector !== undefined && nodeSelector(spec.nodeSelector).matches(node);
}

function hasTwins(slices: readonly Slice[]): boolean {
  const names = slices.flatMap(({ spec }) => (spec.devices ?? []).map(({ name }) => name));
  return new Set(names).size < names.length;
}

function setOf(map: Map<string, Set<Slice>>, key: string): Set<Slice> {
  let set = map.get(key);
  if (!set) map.set(key, (set = new Set<Slice>()));
  return set;
}

function drop(map: Map<string, Set<Slice>>, key: string, slice: Slice): void {
  const set = map.get(key);
  set?.delete(slice);
  if (set?.size === 0) map.delete(key);
}
