import type { Admission } from "../seams/index.ts";

/** Resource → the finalizer that keeps an object as long as somebody uses it. */
const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumes: "kubernetes.io/pv-protection",
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
};

/** Storage objects are created with a finalizer, so that their deletion waits for their users. */
export function storageObjectInUseProtection(): Admission {
  const finalizerOf = (resource: { readonly group: string; readonly resource: string }): string | undefined =>
    FINALIZERS[resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`];
  return {
    name: "StorageObjectInUseProtection",
    handles: (operation, resource, subresource) =>
      operation === "CREATE" && subresource === "" && finalizerOf(resource) !== undefined,
    admit({ object, resource }) {
      const finalizer = finalizerOf(resource);
      if (!object || finalizer === undefined) return;
      const own = (object.metadata["finalizers"] ?? []) as readonly string[];
      if (!own.includes(finalizer)) object.metadata["finalizers"] = [...own, finalizer];
    },
  };
}
