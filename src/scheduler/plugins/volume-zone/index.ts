import { type corev1, resources, type storagev1 } from "../../../api/index.ts";
import type { Lister } from "../../../client/index.ts";
import { deepEqual } from "../../../machinery/index.ts";
import type { NodeView } from "../../cache/node-view.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PluginHandle, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, type Status, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { classOf, waitsForConsumer } from "../volumes/claims.ts";

const STATE = "PreFilterVolumeZone";
const REFUSAL = unresolvable("node(s) had no available volume zone");
/** Old and new names of the same. */
const KEYS: readonly (readonly [key: string, current: string])[] = [
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["topology.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["topology.kubernetes.io/region", "topology.kubernetes.io/region"],
];
const DELIMITER = "__";

interface Demand {
  readonly key: string;
  readonly current: string;
  readonly values: ReadonlySet<string>;
}

/** Volumes labelled with zones want nodes in them. */
export class VolumeZone implements SchedulerPlugin {
  readonly name = Names.VolumeZone;
  readonly #claims: Lister<corev1.PersistentVolumeClaim>;
  readonly #volumes: Lister<corev1.PersistentVolume>;
  readonly #classes: Lister<storagev1.StorageClass>;

  constructor(handle: Pick<PluginHandle, "informer">) {
    this.#claims = handle.informer(resources.persistentvolumeclaims).lister;
    this.#volumes = handle.informer(resources.persistentvolumes).lister;
    this.#classes = handle.informer(resources.storageclasses).lister;
  }

  events(): readonly EventInterest[] {
    return [
      {
        event: { resource: "StorageClass", action: Action.Add },
        hint: (_, __, after) => (waitsForConsumer(after as storagev1.StorageClass) ? "Queue" : "QueueSkip"),
      },
      { event: { resource: "Node", action: Action.Add | Action.UpdateNodeLabel } },
      { event: { resource: "PersistentVolumeClaim", action: Action.Add | Action.Update }, hint: afterClaim },
      { event: { resource: "PersistentVolume", action: Action.Add | Action.Update }, hint: afterVolume },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    const demands: Demand[] = [];
    for (const name of claimNames(cycle.pod)) {
      const found = this.#demandsOf(cycle.pod.metadata.namespace, name);
      if (typeof found === "string") return { status: unresolvable(found) };
      demands.push(...found);
    }
    if (demands.length === 0) return { status: SKIP };
    cycle.write(STATE, demands);
    return undefined;
  }

  filter(cycle: SchedulingCycle, { labels }: NodeView): Status | undefined {
    // A node without any such label is taken to be in a cluster without zones.
    if (!KEYS.some(([key]) => labels[key] !== undefined)) return undefined;
    for (const { key, current, values } of cycle.read<Demand[]>(STATE) ?? []) {
      const value = labels[key] ?? labels[current];
      if (value === undefined || !values.has(value)) return REFUSAL;
    }
    return undefined;
  }

  /** What the volume behind a claim asks of nodes; or why that cannot be told. */
  #demandsOf(namespace: string, name: string): readonly Demand[] | string {
    if (name === "") return "PersistentVolumeClaim had no name";
    const claim = this.#claims.get(`${namespace}/${name}`);
    if (!claim) return `persistentvolumeclaim ${JSON.stringify(name)} not found`;
    const { volumeName } = claim.spec;
    if (!volumeName) return this.#whyUnbound(claim) ?? [];
    const volume = this.#volumes.get(volumeName);
    return volume ? topologiesOf(volume) : `persistentvolume ${JSON.stringify(volumeName)} not found`;
  }

  #whyUnbound(claim: corev1.PersistentVolumeClaim): string | undefined {
    const className = classOf(claim);
    if (className === "") return "PersistentVolumeClaim had no pv name and storageClass name";
    const storageClass = this.#classes.get(className);
    if (!storageClass) return `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`;
    if (storageClass.volumeBindingMode === undefined) {
      return `VolumeBindingMode not set for StorageClass ${JSON.stringify(className)}`;
    }
    return waitsForConsumer(storageClass) ? undefined : "PersistentVolume had no name";
  }
}

function claimNames({ spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) => (claim ? [claim.claimName] : []));
}

function topologiesOf({ metadata }: corev1.PersistentVolume): Demand[] {
  return KEYS.flatMap(([key, current]) => {
    const value = metadata.labels?.[key];
    const values = value?.split(DELIMITER).map((zone) => zone.trim());
    return values && !values.includes("") ? [{ key, current, values: new Set(values) }] : [];
  });
}

function afterClaim(pod: corev1.Pod, _: unknown, after: unknown): QueueingHint {
  const { namespace, name } = (after as corev1.PersistentVolumeClaim).metadata;
  return namespace === pod.metadata.namespace && claimNames(pod).includes(name) ? "Queue" : "QueueSkip";
}

function afterVolume(_: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  const labels = (volume: unknown): unknown =>
    topologiesOf(volume as corev1.PersistentVolume).map(({ key, values }) => [key, [...values]]);
  return before === undefined || !deepEqual(labels(before), labels(after)) ? "Queue" : "QueueSkip";
}
