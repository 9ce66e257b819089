import type { GroupVersionKind, metav1 } from "../../api/index.ts";
import { formatApiVersion } from "./gvk.ts";

/** The part of an object that ownership looks at. */
export interface Owned {
  readonly metadata?: { readonly ownerReferences?: readonly metav1.OwnerReference[] };
}

/** The part of an owner that a reference repeats. */
export interface Owner {
  readonly metadata: { readonly name: string; readonly uid: string };
}

/** The reference that has `controller: true`; there is at most one. */
export function getControllerOf(object: Owned): metav1.OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((ref) => ref.controller === true);
}

/** Whether `owner` is the controller of `object`, by UID. */
export function isControlledBy(object: Owned, owner: Owner): boolean {
  return getControllerOf(object)?.uid === owner.metadata.uid;
}

/** A reference that makes `owner` the controller and blocks its foreground deletion. */
export function newControllerRef(owner: Owner, [group, version, kind]: GroupVersionKind): metav1.OwnerReference {
  return { ...newOwnerRef(owner, [group, version, kind]), controller: true, blockOwnerDeletion: true };
}

/** A plain reference: garbage collection only. */
export function newOwnerRef(owner: Owner, [group, version, kind]: GroupVersionKind): metav1.OwnerReference {
  return { apiVersion: formatApiVersion(group, version), kind, name: owner.metadata.name, uid: owner.metadata.uid };
}
