import {
  type appsv1,
  type corev1,
  type Draft,
  type GroupVersionKind,
  type metav1,
  resources,
} from "../../api/index.ts";
import type { Informer, ResourceClient } from "../../client/index.ts";
import { deepEqual, isAlreadyExists, isNotFound, newControllerRef, type Selector } from "../../machinery/index.ts";
import { claim, keyOf, type MetaObject } from "./claims.ts";
import type { ControllerContext } from "./context.ts";
import { BY_CONTROLLER, ORPHANS } from "./indexes.ts";
import { WriteLedger } from "./ledger.ts";

type Revision = appsv1.ControllerRevision;

/** Whoever keeps the history of its pod template. */
interface TemplateOwner extends MetaObject {
  readonly metadata: metav1.ObjectMeta & { namespace: string };
}

/** A patch that brings the template back: what a revision keeps of its owner. */
export function templatePatch(template: corev1.PodTemplateSpec): unknown {
  return { spec: { template: { ...template, $patch: "replace" } } };
}

/** The template that a revision keeps. */
export function templateOf(revision: Revision): corev1.PodTemplateSpec | undefined {
  const { $patch: _, ...template } =
    (revision.data as { spec?: { template?: Record<string, unknown> } } | undefined)?.spec?.template ?? {};
  return "spec" in template ? (template as unknown as corev1.PodTemplateSpec) : undefined;
}

/** Whether two revisions keep the same. */
export function sameRevision(a: Pick<Revision, "data">, b: Pick<Revision, "data">): boolean {
  return deepEqual(a.data, b.data);
}

/** Older revisions first; then by age and name. */
export function byRevisionNumber(a: Revision, b: Revision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** A revision to be, owned by `owner`. */
export function newRevision(
  owner: TemplateOwner,
  ownerKind: GroupVersionKind,
  parts: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly data: unknown;
    readonly revision: number;
  },
): Draft<Revision> & Pick<Revision, "data"> {
  const { annotations } = owner.metadata;
  return {
    metadata: {
      name: parts.name,
      namespace: owner.metadata.namespace,
      labels: parts.labels,
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [newControllerRef(owner, ownerKind)],
    },
    data: parts.data,
    revision: parts.revision,
  };
}

/** The ControllerRevisions of one kind of owner, with our own writes in view. */
export class Revisions {
  readonly informer: Informer<Revision>;
  readonly #client: ResourceClient<Revision>;
  readonly #kind: GroupVersionKind;
  readonly #ledger: WriteLedger<Revision>;

  constructor(context: ControllerContext, kind: GroupVersionKind, wake: (revision: Revision) => void) {
    this.informer = context.caches.owned(resources.controllerrevisions);
    this.#client = context.client.resource(resources.controllerrevisions);
    this.#kind = kind;
    this.#ledger = new WriteLedger(this.informer, this.#client, context.env, wake);
  }

  close(): void {
    this.#ledger.close();
  }

  /** The owner's revisions, oldest first, after adopting and releasing by the selector. */
  async of(
    owner: TemplateOwner,
    selector: Selector,
    liveOwner: () => Promise<MetaObject>,
    signal: AbortSignal,
  ): Promise<Revision[]> {
    const { uid, namespace } = owner.metadata;
    const { lister } = this.informer;
    const found = new Map<string, Revision>();
    const own = this.#ledger.view(lister.byIndex(BY_CONTROLLER, uid), uid);
    const orphans = [...lister.byIndex(ORPHANS, namespace)].map((revision) => this.#ledger.current(revision));
    for (const revision of [...own, ...orphans]) found.set(revision.metadata.uid, revision);
    const alive = [...found.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const claimed = await claim(alive, {
      owner,
      ownerKind: this.#kind,
      selector,
      client: this.#client,
      liveOwner,
      onWrite: (revision) => this.#ledger.wrote(revision),
      signal,
    });
    return claimed.toSorted(byRevisionNumber);
  }

  /**
   * Creates the revision. When its name is taken by one that keeps the same, that one is the answer; `undefined` when it is
   * taken by another: the hash collided.
   */
  async create(draft: Draft<Revision> & Pick<Revision, "data">, signal: AbortSignal): Promise<Revision | undefined> {
    try {
      const created = await this.#client.create(draft, { signal });
      this.#ledger.created(created);
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const { name = "", namespace = "" } = draft.metadata ?? {};
      const existing = await this.#client.get({ name, namespace }, { signal });
      if (!sameRevision(existing, draft)) return undefined;
      this.#ledger.created(existing);
      return existing;
    }
  }

  async update(revision: Revision, signal: AbortSignal): Promise<Revision> {
    const updated = await this.#client.update(revision, { signal });
    this.#ledger.wrote(updated);
    return updated;
  }

  async delete(revision: Revision, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.delete(keyOf(revision), { preconditions: { uid: revision.metadata.uid }, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#ledger.deleting(revision);
  }
}
