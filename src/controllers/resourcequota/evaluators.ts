import type { corev1, resourcev1 } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import { type Amounts, count } from "./amounts.ts";
import { hasDeadline, isBestEffort, limitsPods, looksElsewhere, podFreed, podUsage } from "./pods.ts";

type Scope = corev1.ScopedResourceSelectorRequirement;

/** How the objects of a resource count for quotas. */
export interface Evaluator {
  /** Whether a quota of that name is about these objects. */
  limits(name: string): boolean;
  usage(object: unknown, now: number): Amounts;
  /** Whether an object is in a scope; absent: none of them is in any. */
  inScope?(scope: Scope, object: unknown): boolean;
  /** Whether an update may change the usage; absent: none does. */
  changed?(object: unknown, before: unknown, now: number): boolean;
}

const pods: Evaluator = {
  limits: limitsPods,
  usage: (object, now) => podUsage(object as corev1.Pod, now),
  inScope: (scope, object) => podInScope(scope, object as corev1.Pod),
  changed: (object, before, now) => podFreed(object as corev1.Pod, before as corev1.Pod, now),
};

function podInScope(scope: Scope, pod: corev1.Pod): boolean {
  switch (scope.scopeName) {
    case "Terminating":
      return hasDeadline(pod);
    case "NotTerminating":
      return !hasDeadline(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass":
      return meets(scope, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : []);
    case "CrossNamespacePodAffinity":
      return looksElsewhere(pod);
    default:
      return false;
  }
}

/** Whether the names an object bears are among those a scope asks for. */
function meets({ operator, values = [] }: Scope, names: readonly string[]): boolean {
  if (operator === "Exists") return names.length > 0;
  if (operator === "DoesNotExist") return names.length === 0;
  if (operator === "In") return names.some((name) => values.includes(name));
  return names.length === 0 || names.some((name) => !values.includes(name));
}

const SERVICE_NAMES = new Set(["count/services", "services", "services.nodeports", "services.loadbalancers"]);

const services: Evaluator = {
  limits: (name) => SERVICE_NAMES.has(name),
  usage: (object) => {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as corev1.Service).spec;
    const balanced = type === "LoadBalancer";
    const chosen = ports.filter(({ nodePort }) => nodePort).length;
    const all = type === "NodePort" || (balanced && allocateLoadBalancerNodePorts !== false);
    return new Map([
      ["count/services", count(1)],
      ["services", count(1)],
      ["services.nodeports", count(all ? ports.length : balanced ? chosen : 0)],
      ["services.loadbalancers", count(balanced ? 1 : 0)],
    ]);
  },
  changed: (object, before) => {
    const [now, then] = [(object as corev1.Service).spec, (before as corev1.Service).spec];
    return now.type !== then.type || now.ports?.length !== then.ports?.length;
  },
};

const CLAIM_NAMES = ["persistentvolumeclaims", "requests.storage"];
const OF_CLASS = ".storageclass.storage.k8s.io/";
const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";

const claims: Evaluator = {
  limits: (name) =>
    name === "count/persistentvolumeclaims" || CLAIM_NAMES.some((own) => name === own || name.endsWith(OF_CLASS + own)),
  usage: (object) => {
    const claim = object as corev1.PersistentVolumeClaim;
    const usage = new Map([
      ["count/persistentvolumeclaims", count(1)],
      ["persistentvolumeclaims", count(1)],
    ]);
    const size = claimSize(claim);
    const storageClass = claim.metadata.annotations?.[BETA_CLASS] ?? claim.spec.storageClassName ?? "";
    if (size !== undefined) usage.set("requests.storage", size);
    if (storageClass !== "") {
      usage.set(`${storageClass}${OF_CLASS}persistentvolumeclaims`, count(1));
      if (size !== undefined) usage.set(`${storageClass}${OF_CLASS}requests.storage`, size);
    }
    return usage;
  },
  inScope: (scope, object) =>
    scope.scopeName === "VolumeAttributesClass" &&
    meets(scope, attributesClasses(object as corev1.PersistentVolumeClaim)),
  changed: (object, before) => {
    const [now, then] = [object as corev1.PersistentVolumeClaim, before as corev1.PersistentVolumeClaim];
    const same = (a: Quantity | undefined, b: Quantity | undefined): boolean =>
      a === undefined || b === undefined ? a === b : a.equals(b);
    return !same(claimSize(now), claimSize(then)) || attributesClasses(now).join() !== attributesClasses(then).join();
  },
};

/** What was asked for, or what has been set aside while a volume grows, whichever is more. */
function claimSize({ spec, status }: corev1.PersistentVolumeClaim): Quantity | undefined {
  const request = spec.resources?.requests?.["storage"];
  if (request === undefined) return undefined;
  const asked = Quantity.parse(request);
  const allocated = Quantity.parse(status.allocatedResources?.["storage"] ?? "0");
  return allocated.cmp(asked) > 0 ? allocated : asked;
}

function attributesClasses({ spec, status }: corev1.PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
}

const DEVICE_CLAIMS = "count/resourceclaims.resource.k8s.io";
const DEVICES = ".deviceclass.resource.k8s.io/devices";
/** A claim cannot get more devices than this, whatever it asks for. */
const MOST_DEVICES = 32;

const deviceClaims: Evaluator = {
  limits: (name) => name === DEVICE_CLAIMS || name.endsWith(DEVICES),
  usage: (object) => {
    const usage = new Map([[DEVICE_CLAIMS, count(1)]]);
    for (const request of (object as resourcev1.ResourceClaim).spec.devices?.requests ?? []) {
      const most = new Map<string, number>();
      const options = request.firstAvailable?.length
        ? request.firstAvailable
        : request.exactly
          ? [request.exactly]
          : [];
      for (const option of options) {
        const name = `${option.deviceClassName}${DEVICES}`;
        const wanted = option.allocationMode === "All" ? MOST_DEVICES : (option.count ?? 0);
        most.set(name, Math.max(most.get(name) ?? 0, wanted));
      }
      for (const [name, wanted] of most) usage.set(name, usage.get(name)?.add(count(wanted)) ?? count(wanted));
    }
    return usage;
  },
};

/** Built-in resources that are counted in a way of their own, by `resource.group`. */
const SPECIAL: Readonly<Record<string, Evaluator>> = {
  pods,
  services,
  persistentvolumeclaims: claims,
  "resourceclaims.resource.k8s.io": deviceClaims,
};

/** Resources that are also counted under their bare names. */
const BARE = new Set(["configmaps", "resourcequotas", "replicationcontrollers", "secrets"]);
const UNCOUNTED = new Set(["bindings", "componentstatuses", "events", "events.events.k8s.io"]);

/** How the objects of `resource.group` (`resource` for the core group) count; `undefined` when nobody counts them. */
export function evaluatorOf(name: string): Evaluator | undefined {
  if (UNCOUNTED.has(name)) return undefined;
  const special = SPECIAL[name];
  if (special !== undefined) return special;
  const names = BARE.has(name) ? [`count/${name}`, name] : [`count/${name}`];
  const usage: Amounts = new Map(names.map((each) => [each, count(1)]));
  return { limits: (limited) => names.includes(limited), usage: () => usage };
}

/** The resources (`resource.group`) that a quota with these names counts. */
export function countedResources(names: readonly string[]): string[] {
  const found = new Set<string>();
  for (const name of names) {
    for (const [resource, evaluator] of Object.entries(SPECIAL)) if (evaluator.limits(name)) found.add(resource);
    if (BARE.has(name)) found.add(name);
    if (name.startsWith("count/")) found.add(name.slice("count/".length));
  }
  return [...found].filter((resource) => !UNCOUNTED.has(resource));
}
