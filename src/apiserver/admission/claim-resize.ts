import { type corev1, resources } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import type { Admission, Lookup } from "../seams/index.ts";
import { handlesOnly, refusal } from "./common.ts";

const OLD_CLASS = "volume.beta.kubernetes.io/storage-class";

/** Only bound claims of a class that allows it grow. */
export function persistentVolumeClaimResize(lookup: Lookup): Admission {
  return {
    name: "PersistentVolumeClaimResize",
    handles: handlesOnly("persistentvolumeclaims", "", "UPDATE"),
    async validate(request) {
      const claim = request.object as unknown as corev1.PersistentVolumeClaim;
      const old = request.oldObject as unknown as corev1.PersistentVolumeClaim;
      if (sizeOf(claim).cmp(sizeOf(old)) <= 0) return;
      if (old.status.phase !== "Bound") {
        throw refusal(request, "Only bound persistent volume claims can be expanded");
      }
      const [name, before] = [classOf(claim), classOf(old)];
      const found = name !== "" && name === before ? await lookup.get(resources.storageclasses, name) : undefined;
      if (found?.allowVolumeExpansion) return;
      const words =
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
      throw refusal(request, words);
    },
  };
}

function sizeOf({ spec }: corev1.PersistentVolumeClaim): Quantity {
  return Quantity.parse(spec.resources.requests?.["storage"] ?? "0");
}

function classOf({ metadata, spec }: corev1.PersistentVolumeClaim): string {
  return metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? "";
}
