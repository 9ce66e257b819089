import type { corev1, resourcev1 } from "../../../api/index.ts";
import { Quantity } from "../../../machinery/index.ts";
import type { Amounts } from "../../resources/common/pod-resources.ts";
import { count } from "./amounts.ts";
import { type Evaluator, objectCountName, selectorMeets } from "./evaluator.ts";
import { podEvaluator } from "./pods.ts";

const SERVICES = ["count/services", "services", "services.nodeports", "services.loadbalancers"];

const serviceEvaluator: Evaluator = {
  handles: ({ operation, subresource }) => subresource === "" && (operation === "CREATE" || operation === "UPDATE"),
  limits: (name) => SERVICES.includes(name),
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts: allocates } = (object as corev1.Service).spec;
    const isBalanced = type === "LoadBalancer";
    const own = ports.filter((port) => port.nodePort).length;
    const nodePorts = type === "NodePort" || (isBalanced && allocates !== false) ? ports.length : isBalanced ? own : 0;
    return new Map([
      ["count/services", count(1)],
      ["services", count(1)],
      ["services.nodeports", count(nodePorts)],
      ["services.loadbalancers", count(isBalanced ? 1 : 0)],
    ]);
  },
};

const CLAIMS = ["persistentvolumeclaims", "requests.storage"];
const BY_CLASS = ".storageclass.storage.k8s.io/";
const OLD_CLASS = "volume.beta.kubernetes.io/storage-class";

const claimEvaluator: Evaluator = {
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === "") return operation === "CREATE" || operation === "UPDATE";
    // Also how much a volume was given counts, and by which attributes it is limited.
    return subresource === "status" && operation === "UPDATE" && object !== undefined && oldObject !== undefined;
  },
  limits: (name) =>
    name === "count/persistentvolumeclaims" ||
    CLAIMS.includes(name) ||
    CLAIMS.some((claim) => name.endsWith(BY_CLASS + claim)),
  inScope: (selector, object) =>
    selector.scopeName === "VolumeAttributesClass" &&
    selectorMeets(selector, attributeClassesOf(object as corev1.PersistentVolumeClaim)),
  usage(object) {
    const claim = object as corev1.PersistentVolumeClaim;
    const usage: Amounts = new Map([
      ["persistentvolumeclaims", count(1)],
      ["count/persistentvolumeclaims", count(1)],
    ]);
    const name = claim.metadata.annotations?.[OLD_CLASS] ?? claim.spec.storageClassName ?? "";
    if (name !== "") usage.set(`${name}${BY_CLASS}persistentvolumeclaims`, count(1));
    const size = sizeOf(claim);
    if (size) usage.set("requests.storage", size);
    if (size && name !== "") usage.set(`${name}${BY_CLASS}requests.storage`, size);
    return usage;
  },
};

function sizeOf({ spec, status }: corev1.PersistentVolumeClaim): Quantity | undefined {
  const asked = spec.resources.requests?.["storage"];
  if (asked === undefined) return undefined;
  const given = Quantity.parse(status.allocatedResources?.["storage"] ?? "0");
  const size = Quantity.parse(asked);
  return given.cmp(size) > 0 ? given : size;
}

function attributeClassesOf({ spec, status }: corev1.PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
}

const DEVICES = ".deviceclass.resource.k8s.io/devices";
const DEVICE_CLAIMS = "count/resourceclaims.resource.k8s.io";
/** As many devices as a claim can get. */
const MOST_DEVICES = 32;

const deviceClaimEvaluator: Evaluator = {
  handles: ({ operation, subresource }) => subresource === "" && (operation === "CREATE" || operation === "UPDATE"),
  limits: (name) => name === DEVICE_CLAIMS || name.endsWith(DEVICES),
  usage(object) {
    const usage: Amounts = new Map([[DEVICE_CLAIMS, count(1)]]);
    const { requests = [] } = (object as resourcev1.ResourceClaim).spec.devices ?? {};
    for (const { exactly, firstAvailable = [] } of requests) {
      const most = new Map<string, number>();
      for (const wanted of firstAvailable.length > 0 ? firstAvailable : exactly ? [exactly] : []) {
        const name = wanted.deviceClassName + DEVICES;
        const number = wanted.allocationMode === "All" ? MOST_DEVICES : (wanted.count ?? 0);
        most.set(name, Math.max(most.get(name) ?? 0, number));
      }
      for (const [name, number] of most) usage.set(name, usage.get(name)?.add(count(number)) ?? count(number));
    }
    return usage;
  },
};

/** Resources that count under a second, older name. */
const ALIASES: Readonly<Record<string, string>> = {
  configmaps: "configmaps",
  resourcequotas: "resourcequotas",
  replicationcontrollers: "replicationcontrollers",
  secrets: "secrets",
};
const EVALUATORS: Readonly<Record<string, Evaluator>> = {
  pods: podEvaluator,
  services: serviceEvaluator,
  persistentvolumeclaims: claimEvaluator,
  "resourceclaims.resource.k8s.io": deviceClaimEvaluator,
};
/** What nobody counts: it is not stored, or comes and goes by itself. */
const IGNORED = new Set([
  "bindings",
  "componentstatuses",
  "events",
  "events.events.k8s.io",
  "tokenreviews.authentication.k8s.io",
  "selfsubjectreviews.authentication.k8s.io",
  "subjectaccessreviews.authorization.k8s.io",
  "selfsubjectaccessreviews.authorization.k8s.io",
  "localsubjectaccessreviews.authorization.k8s.io",
  "selfsubjectrulesreviews.authorization.k8s.io",
]);

/** How objects of a resource are counted: all but a few at least by number. */
export function evaluatorFor(resource: { readonly group: string; readonly resource: string }): Evaluator | undefined {
  const key = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
  if (IGNORED.has(key)) return undefined;
  return EVALUATORS[key] ?? counting([objectCountName(resource), ...(ALIASES[key] ? [ALIASES[key]] : [])]);
}

function counting(names: readonly string[]): Evaluator {
  return {
    handles: ({ operation, subresource }) => subresource === "" && operation === "CREATE",
    limits: (name) => names.includes(name),
    usage: () => new Map(names.map((name) => [name, count(1)])),
  };
}
