import type {
  corev1,
  eventsv1,
  metav1,
  nodev1,
  schedulingv1,
  apiregistrationv1,
  apiserverinternalv1alpha1,
} from "../../../api/index.ts";
import { age, type Cells, orNone, since, withMore } from "./words.ts";

/** `nodes`. */
export const nodeCells: Cells<corev1.Node> = (node, now) => {
  const { status, spec, metadata } = node;
  const ready = status.conditions?.findLast((c) => c.type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (spec.unschedulable) words.push("SchedulingDisabled");
  const info = status.nodeInfo as corev1.NodeSystemInfo | undefined;
  const address = (type: string): string => status.addresses?.find((a) => a.type === type)?.address ?? "<none>";
  return [
    metadata.name,
    words.join(","),
    roles(metadata.labels ?? {}).join(",") || "<none>",
    age(node, now),
    info?.kubeletVersion ?? "",
    address("InternalIP"),
    address("ExternalIP"),
    info?.osImage || "<unknown>",
    info?.kernelVersion || "<unknown>",
    info?.containerRuntimeVersion || "<unknown>",
  ];
};

const ROLE_PREFIX = "node-role.kubernetes.io/";

function roles(labels: Readonly<Record<string, string>>): string[] {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(ROLE_PREFIX)) found.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role") found.add(value);
  }
  found.delete("");
  return [...found].toSorted();
}

/** `namespaces`. */
export const namespaceCells: Cells<corev1.Namespace> = (ns, now) => [
  ns.metadata.name,
  ns.status.phase ?? "",
  age(ns, now),
];

/** `events`, and `events.events.k8s.io`, which is stored in the same form. */
export const eventCells: Cells<corev1.Event> = (event, now) => {
  const first = since(event.firstTimestamp ?? event.eventTime, now);
  const last = event.lastTimestamp ? since(event.lastTimestamp, now) : first;
  const { kind = "", name = "", fieldPath = "" } = event.involvedObject;
  const component = event.source?.component || event.reportingComponent || "";
  const host = event.source?.host || event.reportingInstance || "";
  return [
    event.series ? since(event.series.lastObservedTime, now) : last,
    event.type ?? "",
    event.reason ?? "",
    name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`,
    fieldPath,
    host === "" ? component : `${component}, ${host}`,
    (event.message ?? "").trim(),
    first,
    event.series?.count ?? (event.count || 1),
    event.metadata.name,
  ];
};

/** {@link eventCells} for the newer names of the same fields. */
export const newEventCells: Cells<eventsv1.Event> = (event, now) =>
  eventCells(
    {
      ...event,
      involvedObject: event.regarding ?? {},
      message: event.note,
      source: event.deprecatedSource,
      firstTimestamp: event.deprecatedFirstTimestamp,
      lastTimestamp: event.deprecatedLastTimestamp,
      count: event.deprecatedCount,
      reportingComponent: event.reportingController ?? "",
      reportingInstance: event.reportingInstance ?? "",
    } as unknown as corev1.Event,
    now,
  );

/** `resourcequotas`. */
export const resourceQuotaCells: Cells<corev1.ResourceQuota> = (quota, now) => {
  const hard = Object.entries(quota.status.hard ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = (limits: boolean): string =>
    hard
      .filter(([name]) => name.startsWith("limits.") === limits)
      .map(([name, value]) => `${name}: ${quota.status.used?.[name] ?? "0"}/${value}`)
      .join(", ");
  return [quota.metadata.name, text(false), text(true), age(quota, now)];
};

/** `secrets`. */
export const secretCells: Cells<corev1.Secret> = (secret, now) => [
  secret.metadata.name,
  secret.type ?? "",
  Object.keys(secret.data ?? {}).length,
  age(secret, now),
];

/** `configmaps`. */
export const configMapCells: Cells<corev1.ConfigMap> = (map, now) => [
  map.metadata.name,
  Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length,
  age(map, now),
];

/** `componentstatuses`. */
export const componentStatusCells: Cells<corev1.ComponentStatus> = ({ metadata, conditions }) => {
  const healthy = conditions?.find((c) => c.type === "Healthy");
  const status = healthy === undefined ? "Unknown" : healthy.status === "True" ? "Healthy" : "Unhealthy";
  return [metadata.name, status, healthy?.message ?? "", healthy?.error ?? ""];
};

/** `priorityclasses.scheduling.k8s.io`. */
export const priorityClassCells: Cells<schedulingv1.PriorityClass> = (pc, now) => [
  pc.metadata.name,
  pc.value,
  pc.globalDefault ?? false,
  age(pc, now),
  pc.preemptionPolicy ?? "",
];

/** `runtimeclasses.node.k8s.io`. */
export const runtimeClassCells: Cells<nodev1.RuntimeClass> = (rc, now) => [rc.metadata.name, rc.handler, age(rc, now)];

/** `apiservices.apiregistration.k8s.io`. */
export const apiServiceCells: Cells<apiregistrationv1.APIService> = ({ metadata, spec, status }, now) => {
  const { service } = spec;
  const available = status.conditions?.find((c) => c.type === "Available");
  const why = available?.status !== "True" && available?.reason ? ` (${available.reason})` : "";
  return [
    metadata.name,
    service ? `${service.namespace ?? ""}/${service.name ?? ""}` : "Local",
    `${available?.status ?? "Unknown"}${why}`,
    age({ metadata }, now),
  ];
};

/** `storageversions.internal.apiserver.k8s.io`. */
export const storageVersionCells: Cells<apiserverinternalv1alpha1.StorageVersion> = ({ metadata, status }, now) => [
  metadata.name,
  status.commonEncodingVersion ?? "<unset>",
  withMore(
    (status.storageVersions ?? []).map((v) => `${v.apiServerID}=${v.encodingVersion}`),
    3,
    "<unset>",
  ),
  age({ metadata }, now),
];

/** A Status object. */
export const statusCells: Cells<metav1.Status> = ({ status, reason, message }) => [
  status ?? "",
  reason ?? "",
  message ?? "",
];

/** For kinds whose only column beside the name is the age. */
export const ageCells: Cells<{ metadata: metav1.ObjectMeta }> = (object, now) => [
  object.metadata.name,
  age(object, now),
];

/** For kinds without columns of their own: name and creation time. */
export const defaultCells: Cells<{ metadata: metav1.ObjectMeta }> = ({ metadata }) => [
  metadata.name,
  orNone(metadata.creationTimestamp),
];
