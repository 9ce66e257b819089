import { type corev1, resources, type storagev1 } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { deepEqual, isNotFound } from "../../machinery/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { ensureExists } from "../common/ensure.ts";
import { BY_CLAIM, BY_NODE } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import { claimKeyOf, isClaimFor } from "../common/volumes.ts";
import { type AttachableVolume, attachmentName, type AttachPlan, needsVolumes, planNode, type Wanted } from "./plan.ts";

type Attachment = storagev1.VolumeAttachment;
type Claim = corev1.PersistentVolumeClaim;
type Pod = corev1.Pod;
type Volume = corev1.PersistentVolume;

/** Attachments by the volume that they attach. */
const BY_VOLUME = "volume";
const MANAGED = "volumes.kubernetes.io/controller-managed-attach-detach";

/**
 * Asks drivers to attach the volumes of scheduled pods to their nodes, and to detach what no pod there needs any more, once the node says that it
 * does not use it. Decides for one node at a time.
 */
export class AttachDetachController {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<corev1.Node>;
  readonly #claims: Informer<Claim>;
  readonly #volumes: Informer<Volume>;
  readonly #drivers: Informer<storagev1.CSIDriver>;
  readonly #attachments: Informer<Attachment>;
  readonly #client: ResourceClient<Attachment>;
  readonly #loop: Loop;
  /** Since when volumes (`node/volume`) are attached and not wanted. */
  readonly #unwanted = new Map<string, number>();
  /** Volumes (`node/volume`) of which it was told that another node has them. */
  readonly #told = new Set<string>();

  constructor(context: ControllerContext) {
    const { caches, client } = context;
    this.#context = context;
    this.#pods = caches.podsByClaim();
    this.#nodes = caches.informer(resources.nodes);
    this.#claims = caches.informer(resources.persistentvolumeclaims);
    this.#volumes = caches.informer(resources.persistentvolumes);
    this.#drivers = caches.informer(resources.csidrivers);
    this.#attachments = caches.informer(resources.volumeattachments);
    caches.index(this.#attachments, BY_NODE, ({ spec }) => [spec.nodeName]);
    caches.index(this.#attachments, BY_VOLUME, ({ spec }) => {
      const name = spec.source.persistentVolumeName;
      return name === undefined ? [] : [name];
    });
    this.#client = client.resource(resources.volumeattachments);
    this.#loop = new Loop({
      context,
      informers: [this.#pods, this.#nodes, this.#claims, this.#volumes, this.#drivers, this.#attachments],
      reconcile: (node, signal) => this.#reconcile(node, signal),
    });
    this.#follow();
  }

  get component(): Component {
    return this.#loop;
  }

  #follow(): void {
    const podChanged = ({ spec }: Pod): void => {
      if (spec.nodeName && spec.volumes?.some(isClaimed) === true) this.#loop.add(spec.nodeName);
    };
    this.#pods.handle({ added: podChanged, updated: podChanged, deleted: podChanged });
    const nodeChanged = ({ metadata }: corev1.Node): void => this.#loop.add(metadata.name);
    this.#nodes.handle({
      added: nodeChanged,
      updated: (node, before) => {
        if (!sameForVolumes(node, before)) nodeChanged(node);
      },
      deleted: nodeChanged,
    });
    const claimChanged = (claim: Claim): void => this.#wakeUsers(cacheKey(claim));
    this.#claims.handle({ added: claimChanged, updated: claimChanged });
    const volumeChanged = (volume: Volume): void => {
      const key = claimKeyOf(volume);
      if (key !== undefined) this.#wakeUsers(key);
    };
    this.#volumes.handle({ added: volumeChanged, updated: volumeChanged });
    const attachmentChanged = (attachment: Attachment): void => this.#attachmentChanged(attachment);
    this.#attachments.handle({
      added: attachmentChanged,
      updated: (attachment, before) => {
        this.#tellOutcome(attachment, before);
        attachmentChanged(attachment);
      },
      deleted: attachmentChanged,
    });
  }

  #wakeUsers(claimKey: string): void {
    for (const { spec } of this.#pods.lister.byIndex(BY_CLAIM, claimKey)) {
      if (spec.nodeName) this.#loop.add(spec.nodeName);
    }
  }

  /** Wakes the node, and others that wait for the volume. */
  #attachmentChanged({ spec }: Attachment): void {
    this.#loop.add(spec.nodeName);
    const volume = this.#volumes.lister.get(spec.source.persistentVolumeName ?? "");
    const key = volume === undefined ? undefined : claimKeyOf(volume);
    if (key !== undefined) this.#wakeUsers(key);
  }

  #tellOutcome({ spec, status }: Attachment, before: Attachment): void {
    const name = spec.source.persistentVolumeName ?? "";
    const { events } = this.#context;
    const users = (): readonly Pod[] => this.#wanted(spec.nodeName).get(name)?.pods ?? [];
    if (status.attached && !before.status.attached) {
      const message = `AttachVolume.Attach succeeded for volume "${name}" `;
      for (const pod of users()) events.normal(resources.pods, pod, "SuccessfulAttachVolume", message);
    } else if (status.attachError !== undefined && !deepEqual(status.attachError, before.status.attachError)) {
      const message = `AttachVolume.Attach failed for volume "${name}" : ${status.attachError.message ?? ""}`;
      for (const pod of users()) events.warning(resources.pods, pod, "FailedAttachVolume", message);
    }
  }

  async #reconcile(nodeName: string, signal: AbortSignal): Promise<number | undefined> {
    const node = this.#nodes.lister.get(nodeName);
    // Nodes of old attach their volumes themselves.
    if (node !== undefined && node.metadata.annotations?.[MANAGED] !== "true") return undefined;
    const attachments = new Map<string, Attachment>();
    for (const attachment of this.#attachments.lister.byIndex(BY_NODE, nodeName)) {
      const { persistentVolumeName } = attachment.spec.source;
      if (persistentVolumeName !== undefined) attachments.set(persistentVolumeName, attachment);
    }
    const now = this.#context.env.clock.now();
    const plan = planNode({
      nodeName,
      node,
      wanted: this.#wanted(nodeName),
      attachments,
      volume: (name) => this.#attachable(this.#volumes.lister.get(name)),
      elsewhere: (volume) => this.#elsewhere(nodeName, volume),
      unwantedSince: (volume) => this.#unwantedSince(`${nodeName}/${volume}`, now),
      now,
    });
    this.#tellBlocked(nodeName, plan);
    for (const volume of plan.attach) await this.#attach(volume, nodeName, signal);
    // The node must not use what is about to go: it is told first.
    if (node !== undefined) await this.#report(node, plan.report, signal);
    for (const attachment of plan.detach) await this.#detach(attachment, signal);
    return plan.recheck;
  }

  #wanted(nodeName: string): Map<string, Wanted> {
    const wanted = new Map<string, { volume: AttachableVolume; pods: Pod[] }>();
    for (const pod of this.#pods.lister.byIndex(BY_NODE, nodeName)) {
      if (!needsVolumes(pod)) continue;
      for (const source of pod.spec.volumes ?? []) {
        const volume = this.#attachable(this.#volumeOf(pod, source));
        if (volume === undefined) continue;
        this.#unwanted.delete(`${nodeName}/${volume.name}`);
        const known = wanted.get(volume.name);
        if (known === undefined) wanted.set(volume.name, { volume, pods: [pod] });
        else known.pods.push(pod);
      }
    }
    return wanted;
  }

  /** The volume behind a pod's volume, when there is one and both know each other. */
  #volumeOf(pod: Pod, { name, persistentVolumeClaim, ephemeral }: corev1.Volume): Volume | undefined {
    if (persistentVolumeClaim === undefined && ephemeral === undefined) return undefined;
    const claimName = persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${name}`;
    const claim = this.#claims.lister.get(`${pod.metadata.namespace}/${claimName}`);
    if (claim === undefined || (ephemeral !== undefined && !isClaimFor(claim, pod))) return undefined;
    if (claim.status.phase !== "Bound") return undefined;
    const volume = this.#volumes.lister.get(claim.spec.volumeName ?? "");
    return volume?.spec.claimRef?.uid === claim.metadata.uid ? volume : undefined;
  }

  #attachable(volume: Volume | undefined): AttachableVolume | undefined {
    const csi = volume?.spec.csi;
    if (volume === undefined || csi === undefined) return undefined;
    if (this.#drivers.lister.get(csi.driver)?.spec.attachRequired === false) return undefined;
    const modes = volume.spec.accessModes ?? [];
    const shareable = modes.length === 0 || modes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
    return { name: volume.metadata.name, driver: csi.driver, handle: csi.volumeHandle, shareable };
  }

  #elsewhere(nodeName: string, volume: string): string[] {
    const all = [...this.#attachments.lister.byIndex(BY_VOLUME, volume)];
    return all.map(({ spec }) => spec.nodeName).filter((name) => name !== nodeName);
  }

  #unwantedSince(key: string, now: number): number {
    const since = this.#unwanted.get(key) ?? now;
    this.#unwanted.set(key, since);
    return since;
  }

  #tellBlocked(nodeName: string, { blocked }: AttachPlan): void {
    const { events } = this.#context;
    const keys = new Set(blocked.map(({ volume }) => `${nodeName}/${volume.name}`));
    for (const key of this.#told) if (key.startsWith(`${nodeName}/`) && !keys.has(key)) this.#told.delete(key);
    for (const { volume, pods } of blocked) {
      const key = `${nodeName}/${volume.name}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      const others = this.#elsewhere(nodeName, volume.name);
      const users = others.flatMap((other) => this.#wanted(other).get(volume.name)?.pods ?? []);
      for (const pod of pods) {
        const message = `Multi-Attach error for volume "${volume.name}" ${whoHas(users, pod)}`;
        events.warning(resources.pods, pod, "FailedAttachVolume", message);
      }
    }
  }

  async #attach(volume: AttachableVolume, nodeName: string, signal: AbortSignal): Promise<void> {
    const metadata = { name: attachmentName(volume, nodeName) };
    const spec = { attacher: volume.driver, nodeName, source: { persistentVolumeName: volume.name } };
    await ensureExists(this.#client, { metadata, spec }, signal);
  }

  async #report(
    node: corev1.Node,
    volumesAttached: readonly corev1.AttachedVolume[],
    signal: AbortSignal,
  ): Promise<void> {
    if (deepEqual(node.status.volumesAttached ?? [], volumesAttached)) return;
    const body = { status: { volumesAttached } };
    const key = { name: node.metadata.name };
    try {
      const nodes = this.#context.client.resource(resources.nodes);
      await nodes.patch(key, { type: "merge", body }, { subresource: "status", signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #detach({ metadata, spec }: Attachment, signal: AbortSignal): Promise<void> {
    this.#unwanted.delete(`${spec.nodeName}/${spec.source.persistentVolumeName}`);
    if (metadata.deletionTimestamp !== undefined) return;
    try {
      await this.#client.delete({ name: metadata.name }, { preconditions: { uid: metadata.uid }, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function isClaimed({ persistentVolumeClaim, ephemeral }: corev1.Volume): boolean {
  return persistentVolumeClaim !== undefined || ephemeral !== undefined;
}

function sameForVolumes(a: corev1.Node, b: corev1.Node): boolean {
  return (
    deepEqual(a.status.volumesInUse, b.status.volumesInUse) &&
    deepEqual(a.status.volumesAttached, b.status.volumesAttached) &&
    deepEqual(a.spec.taints, b.spec.taints) &&
    a.metadata.annotations?.[MANAGED] === b.metadata.annotations?.[MANAGED] &&
    readiness(a) === readiness(b)
  );
}

function readiness({ status }: corev1.Node): string | undefined {
  return status.conditions?.find(({ type }) => type === "Ready")?.status;
}

/** Names pods of the reader's own namespace only. */
function whoHas(users: readonly Pod[], reader: Pod): string {
  if (users.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another";
  const local = users.filter(({ metadata }) => metadata.namespace === reader.metadata.namespace);
  const others = users.length - local.length;
  const names = local.map(({ metadata }) => metadata.name).join(", ");
  if (local.length === 0) return `Volume is already used by ${others} pod(s) in different namespaces`;
  const more = others === 0 ? "" : ` and ${others} pod(s) in different namespaces`;
  return `Volume is already used by pod(s) ${names}${more}`;
}
