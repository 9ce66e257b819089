import type { metav1 } from "../../api/index.ts";
import {
  badRequest,
  deepClone,
  type FieldError,
  invalid,
  invalidValue,
  NOT_NEGATIVE,
  normalize,
  selectorFrom,
  selectorFromMap,
  validateStructure,
} from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import type { ScalePaths } from "../catalog/kind.ts";
import type { ApiObject } from "../seams/index.ts";
import type { EndpointCall } from "./call.ts";
import { trackOwners } from "./field-tracking.ts";
import type { ObjectView } from "./object-view.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Built-in workloads: spec.replicas, status.replicas, spec.selector. */
export const WORKLOAD_SCALE: ScalePaths = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  selector(object) {
    const selector = (object["spec"] as { selector?: Fields } | undefined)?.selector;
    if (object.kind === "ReplicationController") return selectorFromMap(selector as Record<string, string>).toString();
    return selectorFrom(selector as metav1.LabelSelector | undefined).toString();
  },
};

const KIND = { kind: "Scale", apiVersion: "autoscaling/v1" } as const;

/** An object seen as a Scale. */
export function scaleView(call: EndpointCall, paths: ScalePaths): ObjectView {
  const show = (object: StoredObject): StoredObject => scaleOf(object, paths);
  return {
    kind: KIND,
    type: ["autoscaling", "v1", "Scale"],
    show,
    check(object) {
      for (const text of validateStructure(object)) call.context.warn(text);
      return normalize(object);
    },
    settle: (scale) => scale,
    apply(sent, old, options) {
      if (!old) throw badRequest("a Scale can't create an object");
      checkScale(sent);
      const object = deepClone(old) as unknown as ApiObject;
      setAt(object, paths.specReplicas, replicasOf(sent));
      object.metadata["resourceVersion"] = sent.metadata["resourceVersion"] ?? "";
      const uid = sent.metadata["uid"];
      if (typeof uid === "string" && uid !== "") object.metadata["uid"] = uid;
      return trackOwners(call, old, object, options);
    },
    admitted: (object) => show(object as unknown as StoredObject) as unknown as ApiObject,
    whole: false,
  };
}

function scaleOf(object: StoredObject, paths: ScalePaths): StoredObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector(object);
  const scale = {
    ...KIND,
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, paths.specReplicas) },
    status: { replicas: numberAt(object, paths.statusReplicas), ...(selector && { selector }) },
  };
  return normalize(scale) as unknown as StoredObject;
}

function replicasOf(scale: ApiObject): number {
  return (scale["spec"] as { replicas?: number } | undefined)?.replicas ?? 0;
}

function checkScale(scale: ApiObject): void {
  const replicas = replicasOf(scale);
  const errors: FieldError[] = replicas < 0 ? [invalidValue("spec.replicas", replicas, NOT_NEGATIVE)] : [];
  if (errors.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, scale.metadata.name ?? "", errors);
}

function numberAt(object: Fields, path: readonly string[]): number {
  let value: unknown = object;
  for (const name of path) value = (value as Fields | undefined)?.[name];
  return typeof value === "number" ? value : 0;
}

function setAt(object: ApiObject, path: readonly string[], value: number): void {
  let target: Record<string, unknown> = object;
  for (const name of path.slice(0, -1)) {
    target[name] ??= {};
    target = target[name] as Record<string, unknown>;
  }
  target[path[path.length - 1] ?? ""] = value;
}
