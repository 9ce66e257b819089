import { type corev1, type metav1, type networkingv1, resources } from "../../api/index.ts";
import type { Admission, Lookup } from "../seams/index.ts";
import { handlesOnly } from "./common.ts";

const DEFAULT_STORAGE = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];
const DEFAULT_INGRESS = ["ingressclass.kubernetes.io/is-default-class"];
const OLD_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class";
const OLD_INGRESS_CLASS = "kubernetes.io/ingress.class";

/** Claims that name no storage class get the default one. */
export function defaultStorageClass(lookup: Lookup): Admission {
  return {
    name: "DefaultStorageClass",
    handles: handlesOnly("persistentvolumeclaims", "", "CREATE"),
    async admit({ object }) {
      const claim = object as unknown as corev1.PersistentVolumeClaim;
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[OLD_STORAGE_CLASS] !== undefined) {
        return;
      }
      const name = defaultOf(await lookup.list(resources.storageclasses), DEFAULT_STORAGE);
      if (name !== undefined) claim.spec.storageClassName = name;
    },
  };
}

/** Ingresses that name no class get the default one. */
export function defaultIngressClass(lookup: Lookup): Admission {
  return {
    name: "DefaultIngressClass",
    handles: handlesOnly("ingresses", "networking.k8s.io", "CREATE"),
    async admit({ object }) {
      const ingress = object as unknown as networkingv1.Ingress;
      if (
        ingress.spec.ingressClassName !== undefined ||
        ingress.metadata.annotations?.[OLD_INGRESS_CLASS] !== undefined
      ) {
        return;
      }
      const name = defaultOf(await lookup.list(resources.ingressclasses), DEFAULT_INGRESS);
      if (name !== undefined) ingress.spec.ingressClassName = name;
    },
  };
}

/** The newest of the classes that are marked as default. */
function defaultOf(
  classes: readonly { readonly metadata: metav1.ObjectMeta }[],
  annotations: readonly string[],
): string | undefined {
  const marked = classes
    .map(({ metadata }) => metadata)
    .filter((metadata) => annotations.some((annotation) => metadata.annotations?.[annotation] === "true"));
  const age = (metadata: metav1.ObjectMeta): string => metadata.creationTimestamp;
  const [newest] = marked.toSorted((a, b) =>
    age(a) === age(b) ? (a.name < b.name ? -1 : 1) : age(a) > age(b) ? -1 : 1,
  );
  return newest?.name;
}
