import { type corev1, resources } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import { type Amounts, amountsOf, type AmountTexts, sumOfContainers } from "../resources/common/pod-resources.ts";
import type { Admission, AdmissionRequest, Lookup } from "../seams/index.ts";
import { isResource, joinMessages, podOf, refusal } from "./common.ts";

const ANNOTATION = "kubernetes.io/limit-ranger";

/** Fills in what containers do not say of their resources, and keeps pods and claims within their namespace's limits. */
export function limitRanger(lookup: Lookup): Admission {
  const limitsFor = async (request: AdmissionRequest): Promise<readonly corev1.LimitRange[]> =>
    request.oldObject?.metadata["deletionTimestamp"] === undefined
      ? lookup.list(resources.limitranges, request.namespace)
      : [];
  return {
    name: "LimitRanger",
    handles: (operation, resource, subresource) => {
      if (isResource(resource, "pods")) {
        return subresource === "" ? operation === "CREATE" : subresource === "resize" && operation === "UPDATE";
      }
      const writes = operation === "CREATE" || operation === "UPDATE";
      return writes && subresource === "" && isResource(resource, "persistentvolumeclaims");
    },
    async admit(request) {
      if (!isResource(request.resource, "pods")) return;
      for (const range of await limitsFor(request)) setDefaults(podOf(request), range);
    },
    async validate(request) {
      for (const range of await limitsFor(request)) {
        const { limits } = range.spec;
        const complaints = isResource(request.resource, "pods")
          ? podComplaints(podOf(request), limits)
          : claimComplaints(request.object as unknown as corev1.PersistentVolumeClaim, limits);
        if (complaints.length > 0) throw refusal(request, joinMessages(complaints));
      }
    },
  };
}

function setDefaults(pod: corev1.Pod, { spec }: corev1.LimitRange): void {
  const forContainers = spec.limits.filter((limit) => limit.type === "Container");
  const requests = Object.assign({}, ...forContainers.map((limit) => limit.defaultRequest)) as Record<string, string>;
  const limits = Object.assign({}, ...forContainers.map((limit) => limit.default)) as Record<string, string>;
  const told: string[] = [];
  for (const [label, containers] of [
    ["container", pod.spec.containers],
    ["init container", pod.spec.initContainers ?? []],
  ] as const) {
    for (const container of containers) {
      const added = [
        ["limit", fillIn(container, "limits", limits)],
        ["request", fillIn(container, "requests", requests)],
      ] as const;
      for (const [what, names] of added.toReversed()) {
        if (names.length > 0) told.push(`${names.toSorted().join(", ")} ${what} for ${label} ${container.name}`);
      }
    }
  }
  if (told.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${told.join("; ")}`,
  };
}

/** The names of what was missing. */
function fillIn(
  container: corev1.Container,
  kind: "requests" | "limits",
  defaults: Readonly<Record<string, string>>,
): string[] {
  const own = container.resources[kind] ?? {};
  const missing = Object.keys(defaults).filter((name) => own[name] === undefined);
  if (missing.length === 0) return [];
  const added = Object.fromEntries(missing.map((name) => [name, defaults[name] ?? ""]));
  container.resources[kind] = { ...own, ...added };
  return missing;
}

/** What is asked for and what is the most. */
interface Needs {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function podComplaints(pod: corev1.Pod, limits: readonly corev1.LimitRangeItem[]): string[] {
  return limits.flatMap((limit) => {
    if (limit.type === "Pod") return complaints(limit, podNeeds(pod.spec));
    if (limit.type !== "Container") return [];
    return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((container) =>
      complaints(limit, {
        requests: amountsOf(container.resources.requests),
        limits: amountsOf(container.resources.limits),
      }),
    );
  });
}

function podNeeds(spec: corev1.PodSpec): Needs {
  const sum = (kind: "requests" | "limits"): Amounts => {
    const total = sumOfContainers(spec, kind);
    const whole = amountsOf(spec.resources?.[kind]);
    for (const name of ["cpu", "memory"]) {
      const amount = whole.get(name);
      if (amount) total.set(name, amount);
    }
    return total;
  };
  return { requests: sum("requests"), limits: sum("limits") };
}

function claimComplaints({ spec }: corev1.PersistentVolumeClaim, limits: readonly corev1.LimitRangeItem[]): string[] {
  const requests = amountsOf(spec.resources.requests);
  return limits
    .filter((limit) => limit.type === "PersistentVolumeClaim")
    .flatMap(({ type, min, max }) => [
      ...each(min, (name, bound) => tooLittle(type, name, bound, { requests, limits: new Map() })),
      ...each(max, (name, bound) => requestTooMuch(type, name, bound, requests)),
    ]);
}

function complaints(limit: corev1.LimitRangeItem, needs: Needs): string[] {
  const { type, min, max, maxLimitRequestRatio: ratio } = limit;
  return [
    ...each(min, (name, bound) => tooLittle(type, name, bound, needs)),
    ...each(max, (name, bound) => tooMuch(type, name, bound, needs)),
    ...each(ratio, (name, bound) => tooLoose(type, name, bound, needs)),
  ];
}

function each(bounds: AmountTexts, check: (name: string, bound: Quantity) => string | undefined): string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, text]) => check(name, Quantity.parse(text)) ?? []);
}

function tooLittle(type: string, name: string, bound: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const rule = `minimum ${name} usage per ${type} is ${bound.toString()}`;
  if (!request) return `${rule}.  No request is specified`;
  if (request.cmp(bound) < 0) return `${rule}, but request is ${request.toString()}`;
  return limit && limit.cmp(bound) < 0 ? `${rule}, but limit is ${limit.toString()}` : undefined;
}

function requestTooMuch(type: string, name: string, bound: Quantity, requests: Amounts): string | undefined {
  const request = requests.get(name);
  const rule = `maximum ${name} usage per ${type} is ${bound.toString()}`;
  if (!request) return `${rule}.  No request is specified`;
  return request.cmp(bound) > 0 ? `${rule}, but request is ${request.toString()}` : undefined;
}

function tooMuch(type: string, name: string, bound: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const rule = `maximum ${name} usage per ${type} is ${bound.toString()}`;
  if (!limit) return `${rule}.  No limit is specified`;
  if (limit.cmp(bound) > 0) return `${rule}, but limit is ${limit.toString()}`;
  return request && request.cmp(bound) > 0 ? `${rule}, but request is ${request.toString()}` : undefined;
}

function tooLoose(type: string, name: string, bound: Quantity, { requests, limits }: Needs): string | undefined {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const rule = `${name} max limit to request ratio per ${type} is ${bound.toString()}`;
  if (!request || request.isZero()) return `${rule}, but no request is specified or request is 0`;
  if (!limit || limit.isZero()) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = limit.milliValue() / request.milliValue();
  return ratio * 1000 > bound.milliValue() ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}
