import { type corev1, resources } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import type { NodeView } from "../../cache/node-view.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PluginHandle, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, type Status, unresolvable, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";

const STATE = "PreFilterVolumeRestrictions";
const DISK = unschedulable("node(s) had no available disk");
const IN_USE = unschedulable(
  "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
);

/** Disks that only one pod of a node may have, and claims that only one pod at all may use. */
export class VolumeRestrictions implements SchedulerPlugin {
  readonly name = Names.VolumeRestrictions;
  readonly #claims: Lister<corev1.PersistentVolumeClaim>;

  constructor(handle: Pick<PluginHandle, "informer">) {
    this.#claims = handle.informer(resources.persistentvolumeclaims).lister;
  }

  events(): readonly EventInterest[] {
    return [
      { event: { resource: "Pod", action: Action.Delete }, hint: afterPodDeleted },
      { event: { resource: "Node", action: Action.Add } },
      { event: { resource: "PersistentVolumeClaim", action: Action.Add }, hint: afterClaimAdded },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    const { namespace } = cycle.pod.metadata;
    const exclusive: string[] = [];
    for (const name of claimNames(cycle.pod)) {
      const claim = this.#claims.get(`${namespace}/${name}`);
      if (!claim) return { status: unresolvable(`persistentvolumeclaim ${JSON.stringify(name)} not found`) };
      if (claim.spec.accessModes?.includes("ReadWriteOncePod")) exclusive.push(`${namespace}/${name}`);
    }
    cycle.write(STATE, exclusive);
    const inUse = exclusive.some((key) => cycle.cache.counters.claimUses.has(key));
    return inUse || cycle.pod.spec.volumes?.some(isDisk) ? undefined : { status: SKIP };
  }

  filter(cycle: SchedulingCycle, { pods }: NodeView): Status | undefined {
    if (pods.some(({ pod }) => disksConflict(cycle.pod, pod))) return DISK;
    const { claimUses } = cycle.cache.counters;
    return cycle.read<string[]>(STATE)?.some((key) => claimUses.has(key)) ? IN_USE : undefined;
  }
}

function claimNames({ spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) => (claim ? [claim.claimName] : []));
}

function isDisk(volume: corev1.Volume): boolean {
  return Boolean(volume.gcePersistentDisk ?? volume.awsElasticBlockStore ?? volume.rbd ?? volume.iscsi);
}

function disksConflict(a: corev1.Pod, b: corev1.Pod): boolean {
  const others = b.spec.volumes?.filter(isDisk) ?? [];
  if (others.length === 0) return false;
  return a.spec.volumes?.some((volume) => others.some((other) => conflict(volume, other))) === true;
}

function conflict(a: corev1.Volume, b: corev1.Volume): boolean {
  const writes = (x: { readonly readOnly?: boolean }, y: { readonly readOnly?: boolean }): boolean =>
    !(x.readOnly && y.readOnly);
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    return (
      a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && writes(a.gcePersistentDisk, b.gcePersistentDisk)
    );
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) {
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  }
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && writes(a.iscsi, b.iscsi);
  if (!a.rbd || !b.rbd) return false;
  const { monitors, pool, image } = b.rbd;
  const same = (a.rbd.pool ?? "rbd") === (pool ?? "rbd") && a.rbd.image === image;
  return same && a.rbd.monitors.some((monitor) => monitors.includes(monitor)) && writes(a.rbd, b.rbd);
}

function afterPodDeleted(pod: corev1.Pod, before: unknown): QueueingHint {
  const gone = before as corev1.Pod;
  if (gone.metadata.namespace !== pod.metadata.namespace) return "QueueSkip";
  const claims = new Set(claimNames(pod));
  return disksConflict(pod, gone) || claimNames(gone).some((name) => claims.has(name)) ? "Queue" : "QueueSkip";
}

function afterClaimAdded(pod: corev1.Pod, _: unknown, after: unknown): QueueingHint {
  const { namespace, name } = (after as corev1.PersistentVolumeClaim).metadata;
  return namespace === pod.metadata.namespace && claimNames(pod).includes(name) ? "Queue" : "QueueSkip";
}
