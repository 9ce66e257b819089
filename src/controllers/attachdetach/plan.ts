import { createHash } from "node:crypto";
import type { corev1, storagev1 } from "../../api/index.ts";
import { isPodTerminal } from "../common/pods.ts";

type Pod = corev1.Pod;
type Attachment = storagev1.VolumeAttachment;

/** How long a volume may stay in use on a node that is lost before it is taken away. */
export const FORCE_DETACH_MS = 360_000;

/** A volume that a driver attaches to nodes. */
export interface AttachableVolume {
  /** Of the PersistentVolume. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  /** Whether several nodes may have it at the same time. */
  readonly shareable: boolean;
}

/** A volume and the pods of one node that want it. */
export interface Wanted {
  readonly volume: AttachableVolume;
  readonly pods: readonly Pod[];
}

/** One node as far as its volumes are concerned. */
export interface NodeVolumes {
  readonly nodeName: string;
  /** Absent: the node is gone. */
  readonly node: corev1.Node | undefined;
  readonly wanted: ReadonlyMap<string, Wanted>;
  /** The attachments of the node's volumes, by volume name. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** The volume of an attachment; `undefined` when it is gone. */
  volume(name: string): AttachableVolume | undefined;
  /** Names of other nodes that have the volume or are about to get or lose it. */
  elsewhere(volume: string): readonly string[];
  /** Since when nobody has wanted the volume here, in milliseconds. */
  unwantedSince(volume: string): number;
  readonly now: number;
}

/** What is to be done for one node. */
export interface AttachPlan {
  readonly attach: readonly AttachableVolume[];
  /** Volumes that another node has. */
  readonly blocked: readonly Wanted[];
  /** What the node shall be told that it has; what is to be detached is no longer among it. */
  readonly report: readonly corev1.AttachedVolume[];
  readonly detach: readonly Attachment[];
  /** Milliseconds until a volume may be taken from the node by force. */
  readonly recheck?: number;
}

/** The name by which nodes know a volume. */
export function uniqueName({ driver, handle }: AttachableVolume): string {
  return `kubernetes.io/csi/${driver}^${handle}`;
}

/** The same name for the same volume and node always, so that nothing is attached twice. */
export function attachmentName({ driver, handle }: AttachableVolume, node: string): string {
  return `csi-${createHash("sha256").update(`${handle}${driver}${node}`).digest("hex")}`;
}

/** Whether a pod needs its volumes: until its containers have stopped for good. */
export function needsVolumes(pod: Pod): boolean {
  if (isPodTerminal(pod)) return false;
  if (pod.metadata.deletionTimestamp === undefined) return true;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const all = [...containerStatuses, ...initContainerStatuses];
  return all.length === 0 || all.some(({ state }) => state?.running !== undefined);
}

export function planNode(world: NodeVolumes): AttachPlan {
  const { wanted, attachments } = world;
  const missing = [...wanted.values()].filter(({ volume }) => !attachments.has(volume.name));
  const isFree = ({ volume }: Wanted): boolean => volume.shareable || world.elsewhere(volume.name).length === 0;
  const unwanted = [...attachments].filter(([name]) => !wanted.has(name));
  const waits = unwanted.map(([name, attachment]) => ({ attachment, name, wait: detachWait(world, name) }));
  const held = waits.filter(({ wait }) => wait > 0);
  const kept = [...wanted.keys(), ...held.map(({ name }) => name)];
  const recheck = Math.min(...held.map(({ wait }) => wait));
  return {
    attach: missing.filter(isFree).map(({ volume }) => volume),
    blocked: missing.filter((each) => !isFree(each)),
    report: kept.flatMap((name) => reported(world, name)),
    detach: waits.filter(({ wait }) => wait <= 0).map(({ attachment }) => attachment),
    ...(Number.isFinite(recheck) ? { recheck } : {}),
  };
}

function reported({ attachments, wanted, volume }: NodeVolumes, name: string): corev1.AttachedVolume[] {
  const attachment = attachments.get(name);
  const found = wanted.get(name)?.volume ?? volume(name);
  if (found === undefined || !attachment?.status.attached || attachment.metadata.deletionTimestamp !== undefined) {
    return [];
  }
  return [{ name: uniqueName(found), devicePath: "" }];
}

/** Milliseconds until the volume may be detached; Infinity as long as the node is well and has it mounted. */
function detachWait(world: NodeVolumes, name: string): number {
  const { node, now } = world;
  const volume = world.volume(name);
  if (node === undefined || volume === undefined) return 0;
  if (!node.status.volumesInUse?.includes(uniqueName(volume))) return 0;
  if (node.spec.taints?.some(({ key, effect }) => key === OUT_OF_SERVICE && effect === "NoExecute") === true) return 0;
  const ready = node.status.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  return ready ? Infinity : world.unwantedSince(name) + FORCE_DETACH_MS - now;
}

const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";
