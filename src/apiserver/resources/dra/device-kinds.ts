import type { resourcev1 as v1, resourcev1alpha3 as v1alpha3 } from "../../../api/index.ts";
import { validateImmutable } from "../../../machinery/index.ts";
import type { Kind } from "../kind.ts";

/** Classes of devices. */
export function deviceClasses(): Kind<v1.DeviceClass> {
  return { generation: ["spec"] };
}

/** Devices that a driver offers on a node. */
export function resourceSlices(): Kind<v1.ResourceSlice> {
  return { generation: ["spec"] };
}

/** Taints on devices, as objects. */
export function deviceTaintRules(): Kind<v1alpha3.DeviceTaintRule> {
  return { generation: ["spec"], subresources: { status: { keepMetadata: true } } };
}

/** Devices that somebody asks for: what is asked may not change. */
export function resourceClaims(): Kind<v1.ResourceClaim> {
  return {
    validateChange: ({ spec }, old) => validateImmutable(spec, old.spec, "spec"),
    subresources: { status: { keepMetadata: true } },
  };
}

/** Claims to make for each pod. */
export function resourceClaimTemplates(): Kind<v1.ResourceClaimTemplate> {
  return { validateChange: ({ spec }, old) => validateImmutable(spec, old.spec, "spec") };
}
