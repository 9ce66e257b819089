import type { Resource } from "../../../api/index.ts";
import type { Clock } from "../../../kit/index.ts";
import { applyDefaults, normalize, typeTableOfKind, validateStructure } from "../../../machinery/index.ts";
import type { ApiObject } from "../../seams/index.ts";

/**
 * How objects get into the version that a webhook was registered for, and back. Admission sees objects in the form in
 * which they are stored.
 */
export interface Versions {
  /** The resource in its other versions, the given one aside; most preferred first. */
  equivalents(resource: Resource, subresource: string): readonly Resource[];
  /** An object as `resource` shows it. Both are shared: neither is changed. */
  show(object: ApiObject, resource: Resource, subresource: string): ApiObject;
  /** What came back, checked, defaulted and as admission sees it. It is the callee's to change. Throws when it is malformed. */
  take(object: ApiObject, resource: Resource, subresource: string): ApiObject;
}

/** Versions of a server that has one of each resource: objects are shown as they are. */
export function ownVersions(clock: Clock): Versions {
  return {
    equivalents: () => [],
    show: (object) => object,
    take(object) {
      const [group = "", version = ""] = object.apiVersion.includes("/")
        ? object.apiVersion.split("/")
        : ["", object.apiVersion];
      if (!typeTableOfKind(group, version, object.kind)) return object;
      validateStructure(object);
      return applyDefaults(normalize(object), { now: clock.now() });
    },
  };
}
