import { type corev1, resources, type storagev1 } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import type { NodeView } from "../../cache/node-view.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PluginHandle, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { failed, SKIP, type Status, unresolvable, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { afterClaim } from "../volume-binding/hints.ts";
import { claimsOf, classOf, notOwned } from "../volumes/claims.ts";

const STATE = "PreFilterNodeVolumeLimits";
const REFUSAL = unschedulable("node(s) exceed max volume count");
const BY_NODE = "scheduler/node";

/** Volume → driver. */
type Volumes = ReadonlyMap<string, string>;

function byNode({ spec }: storagev1.VolumeAttachment): readonly string[] {
  return [spec.nodeName];
}

/** Drivers that can attach only so many volumes to a node. */
export class NodeVolumeLimits implements SchedulerPlugin {
  readonly name = Names.NodeVolumeLimits;
  readonly #claims: Lister<corev1.PersistentVolumeClaim>;
  readonly #volumes: Lister<corev1.PersistentVolume>;
  readonly #classes: Lister<storagev1.StorageClass>;
  readonly #csiNodes: Lister<storagev1.CSINode>;
  readonly #attachments: Lister<storagev1.VolumeAttachment>;

  constructor(handle: Pick<PluginHandle, "informer">) {
    this.#claims = handle.informer(resources.persistentvolumeclaims).lister;
    this.#volumes = handle.informer(resources.persistentvolumes).lister;
    this.#classes = handle.informer(resources.storageclasses).lister;
    this.#csiNodes = handle.informer(resources.csinodes).lister;
    const attachments = handle.informer(resources.volumeattachments);
    attachments.addIndex(BY_NODE, byNode);
    this.#attachments = attachments.lister;
  }

  events(): readonly EventInterest[] {
    return [
      { event: { resource: "CSINode", action: Action.Add } },
      { event: { resource: "CSINode", action: Action.Update }, hint: afterCsiNode },
      { event: { resource: "Pod", action: Action.Delete }, hint: afterPodDeleted },
      { event: { resource: "PersistentVolumeClaim", action: Action.Add }, hint: afterClaim },
      {
        event: { resource: "VolumeAttachment", action: Action.Delete },
        hint: ({ spec }) => (spec.volumes?.some((v) => v.persistentVolumeClaim) ? "Queue" : "QueueSkip"),
      },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    if (claimsOf(cycle.pod).length === 0) return { status: SKIP };
    cycle.write(STATE, this.#volumesOf(cycle.pod, true));
    return undefined;
  }

  filter(cycle: SchedulingCycle, { name, pods }: NodeView): Status | undefined {
    const wanted = cycle.read<Volumes | Status>(STATE);
    if (!wanted) return undefined;
    if ("code" in wanted) return wanted;
    const limits = this.#limitsOf(name);
    if (wanted.size === 0 || limits.size === 0) return undefined;
    const attached = new Map<string, string>();
    for (const { pod } of pods) {
      const used = this.#volumesOf(pod, false);
      if ("code" in used) return used;
      for (const [volume, driver] of used) attached.set(volume, driver);
    }
    const counts = new Map<string, number>();
    const count = (driver: string): unknown => counts.set(driver, (counts.get(driver) ?? 0) + 1);
    for (const driver of attached.values()) count(driver);
    for (const [volume, driver] of this.#attachedTo(name)) if (!attached.has(volume)) count(driver);
    const fresh = new Set<string>();
    for (const [volume, driver] of wanted) {
      if (attached.has(volume)) continue;
      count(driver);
      fresh.add(driver);
    }
    const over = [...fresh].some((driver) => (counts.get(driver) ?? 0) > (limits.get(driver) ?? Infinity));
    return over ? REFUSAL : undefined;
  }

  #limitsOf(node: string): ReadonlyMap<string, number> {
    const limits = new Map<string, number>();
    for (const { name, allocatable } of this.#csiNodes.get(node)?.spec.drivers ?? []) {
      if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
    }
    return limits;
  }

  /** The CSI volumes of a pod. Of a pod that is there already, claims that cannot be found do not count. */
  #volumesOf(pod: corev1.Pod, coming: boolean): Volumes | Status {
    const volumes = new Map<string, string>();
    const { namespace } = pod.metadata;
    for (const { name, ephemeral } of claimsOf(pod)) {
      const claim = this.#claims.get(`${namespace}/${name}`);
      if (!claim && !coming) continue;
      if (!claim) {
        return unresolvable(
          `looking up PVC ${namespace}/${name}: persistentvolumeclaim ${JSON.stringify(name)} not found`,
        );
      }
      const wrong = ephemeral ? notOwned(pod, claim) : undefined;
      if (wrong !== undefined) return failed(new Error(wrong));
      const [driver, volume] = this.#driverOf(claim);
      if (driver && volume) volumes.set(`${driver}/${volume}`, driver);
    }
    return volumes;
  }

  #driverOf(claim: corev1.PersistentVolumeClaim): readonly [driver: string | undefined, volume: string | undefined] {
    const volume = claim.spec.volumeName ? this.#volumes.get(claim.spec.volumeName) : undefined;
    if (volume) return [volume.spec.csi?.driver, volume.spec.csi?.volumeHandle];
    const storageClass = this.#classes.get(classOf(claim));
    // Not there yet: whatever it will be, it is one volume.
    const { namespace, name } = claim.metadata;
    return storageClass ? [storageClass.provisioner, `unbound:${namespace}/${name}`] : [undefined, undefined];
  }

  #attachedTo(node: string): Volumes {
    const volumes = new Map<string, string>();
    for (const { spec } of this.#attachments.byIndex(BY_NODE, node)) {
      const name = spec.source.persistentVolumeName;
      const handle = name === undefined ? undefined : this.#volumes.get(name)?.spec.csi?.volumeHandle;
      if (spec.attacher && handle) volumes.set(`${spec.attacher}/${handle}`, spec.attacher);
    }
    return volumes;
  }
}

function afterPodDeleted(_: corev1.Pod, before: unknown): QueueingHint {
  const gone = before as corev1.Pod;
  const there = Boolean(gone.spec.nodeName) || Boolean(gone.status?.nominatedNodeName);
  return there && claimsOf(gone).length > 0 ? "Queue" : "QueueSkip";
}

function afterCsiNode(_: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  const limits = (node: unknown): Map<string, number> =>
    new Map((node as storagev1.CSINode).spec.drivers.map((d) => [d.name, d.allocatable?.count ?? 0]));
  const old = limits(before);
  return [...limits(after)].some(([name, count]) => count > (old.get(name) ?? 0)) ? "Queue" : "QueueSkip";
}
