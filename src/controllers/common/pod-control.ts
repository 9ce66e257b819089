import type { corev1, Draft, GroupVersionKind, metav1, Resource } from "../../api/index.ts";
import { resources } from "../../api/index.ts";
import { errorText } from "../../kit/index.ts";
import { hasCause, isConflict, isDns1123Subdomain, isNotFound, newControllerRef } from "../../machinery/index.ts";
import { keyOf } from "./claims.ts";
import type { ControllerContext } from "./context.ts";
import type { WriteLedger } from "./ledger.ts";

/** Whoever has pods made from a template. */
export interface PodOwner {
  readonly metadata: metav1.ObjectMeta & { namespace: string };
}

/** A pod as an owner's template asks for, with a reference to the owner and a name that starts with the owner's. */
export function podFromTemplate(
  template: corev1.PodTemplateSpec,
  owner: PodOwner,
  ownerKind: GroupVersionKind,
): Draft<corev1.Pod> & { metadata: Draft<metav1.ObjectMeta>; spec: Draft<corev1.PodSpec> } {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      namespace: owner.metadata.namespace,
      generateName: namePrefix(owner.metadata.name),
      ownerReferences: [newControllerRef(owner, ownerKind)],
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
    },
    spec: template.spec,
  };
}

/** The owner's name and a dash, which is left out where it would make the name of a pod invalid. */
function namePrefix(owner: string): string {
  const prefix = `${owner}-`;
  return isDns1123Subdomain(`${owner}x`).length === 0 ? prefix : owner;
}

/** Creates and deletes pods for an owner, with the events that `kubectl describe` of the owner shows. */
export class PodControl {
  readonly #context: ControllerContext;
  readonly #owner: Resource;
  readonly #ledger: WriteLedger<corev1.Pod>;

  /** `owner`: the resource of the owners, for the events. What is written is noted in `ledger`. */
  constructor(context: ControllerContext, owner: Resource, ledger: WriteLedger<corev1.Pod>) {
    this.#context = context;
    this.#owner = owner;
    this.#ledger = ledger;
  }

  /** Creates `pod`. Throws what the server says; says nothing of a namespace that is ending. */
  async create(pod: Draft<corev1.Pod>, owner: PodOwner, signal?: AbortSignal): Promise<corev1.Pod> {
    const { client, events } = this.#context;
    try {
      const created = await client.resource(resources.pods).create(pod, signal === undefined ? {} : { signal });
      this.#ledger.created(created);
      events.normal(this.#owner, owner, "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (!hasCause(error, "NamespaceTerminating") && signal?.aborted !== true) {
        events.warning(this.#owner, owner, "FailedCreate", `Error creating: ${errorText(error)}`);
      }
      throw error;
    }
  }

  /** Deletes that very pod, never another of its name. One that is gone already counts as deleted. */
  async delete(pod: corev1.Pod, owner: PodOwner, signal?: AbortSignal): Promise<void> {
    const { client, events } = this.#context;
    const { name, uid } = pod.metadata;
    try {
      const options = { preconditions: { uid }, ...(signal === undefined ? {} : { signal }) };
      await client.resource(resources.pods).delete(keyOf(pod), options);
      this.#ledger.deleting(pod);
      events.normal(this.#owner, owner, "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      // A conflict means that another pod of this name is there by now: ours is gone as well.
      if (isNotFound(error) || isConflict(error)) {
        this.#ledger.deleting(pod);
        return;
      }
      if (signal?.aborted !== true) {
        events.warning(this.#owner, owner, "FailedDelete", `Error deleting: ${errorText(error)}`);
      }
      throw error;
    }
  }
}
