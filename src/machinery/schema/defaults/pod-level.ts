import { isJsonObject, type JsonObject } from "../../objects/fields.ts";
import { Quantity } from "../../values/quantity.ts";
import { readPath } from "./paths.ts";

type Amounts = Map<string, Quantity>;

/**
 * What all containers of a pod ask for together: the containers that run side by side are summed, and it is never less than what
 * an init container needs along with the sidecars started before it.
 */
export function aggregateResources(spec: JsonObject, kind: "requests" | "limits"): Amounts {
  const total: Amounts = new Map();
  for (const container of objectsIn(spec["containers"])) add(total, amountsOf(container, kind));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of objectsIn(spec["initContainers"])) {
    const own = amountsOf(container, kind);
    if (container["restartPolicy"] === "Always") {
      add(total, own);
      add(sidecars, own);
      raise(peak, sidecars);
    } else {
      const together: Amounts = new Map(own);
      add(together, sidecars);
      raise(peak, together);
    }
  }
  raise(total, peak);
  return total;
}

function objectsIn(list: unknown): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function amountsOf(container: JsonObject, kind: string): Amounts {
  const found: Amounts = new Map();
  const amounts = readPath(container, ["resources", kind]);
  if (!isJsonObject(amounts)) return found;
  for (const [name, amount] of Object.entries(amounts)) {
    const quantity = Quantity.tryParse(amount as string);
    if (quantity) found.set(name, quantity);
  }
  return found;
}

function add(total: Amounts, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, total.get(name)?.add(amount) ?? amount);
}

function raise(total: Amounts, floor: Amounts): void {
  for (const [name, amount] of floor) {
    const have = total.get(name);
    if (!have || amount.cmp(have) > 0) total.set(name, amount);
  }
}

function isSupported(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** Pod-level limits of huge pages default to the sum of the containers' limits. */
export function defaultHugePageLimits(pod: JsonObject): void {
  const resources = readPath(pod, ["spec", "resources"]);
  const spec = pod["spec"];
  if (!isJsonObject(resources) || !isJsonObject(spec)) return;
  if (countOf(resources["limits"]) + countOf(resources["requests"]) === 0) return;
  const limits: JsonObject = { ...(resources["limits"] as JsonObject | undefined) };
  const requests = (resources["requests"] ?? {}) as JsonObject;
  for (const [name, amount] of aggregateResources(spec, "limits")) {
    if (name.startsWith("hugepages-") && !(name in requests) && !(name in limits)) limits[name] = amount.toString();
  }
  if (countOf(limits) > 0) resources["limits"] = limits;
}

/** Pod-level requests default to what the containers request together, else to the pod's limits. */
export function defaultPodRequests(pod: JsonObject): void {
  const resources = readPath(pod, ["spec", "resources"]);
  const spec = pod["spec"];
  if (!isJsonObject(resources) || !isJsonObject(spec) || countOf(resources["limits"]) === 0) return;
  const requests: JsonObject = { ...(resources["requests"] as JsonObject | undefined) };
  for (const [name, amount] of aggregateResources(spec, "requests")) {
    if (!(name in requests) && (name === "cpu" || name === "memory")) requests[name] = amount.toString();
  }
  for (const [name, amount] of Object.entries(resources["limits"] as JsonObject)) {
    if (!(name in requests) && isSupported(name)) requests[name] = amount;
  }
  if (countOf(requests) > 0) resources["requests"] = requests;
}

function countOf(value: unknown): number {
  return isJsonObject(value) ? Object.keys(value).length : 0;
}
