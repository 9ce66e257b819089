import { CodedError } from "../../kit/index.ts";
import { Quantity } from "../../machinery/index.ts";
import type { corev1 } from "../../api/index.ts";
import { type Pod, findSpecContainer } from "./containers.ts";

/** What the node adds to what the pod says of itself. */
export interface DownwardContext {
  readonly nodeName: string;
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
  /** Stands in for limits that a container does not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

const SUBSCRIPT = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/;

/** The value of a `fieldRef`. Throws `UnsupportedField`. */
export function fieldValue(path: string, pod: Pod, context: DownwardContext): string {
  const subscript = SUBSCRIPT.exec(path);
  if (subscript) {
    const map = subscript[1] === "metadata.labels" ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2] ?? ""] ?? "";
  }
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
      return mapText(pod.metadata.labels);
    case "metadata.annotations":
      return mapText(pod.metadata.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName ?? context.nodeName;
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "status.hostIP":
      return context.hostIPs[0] ?? "";
    case "status.hostIPs":
      return context.hostIPs.join(",");
    case "status.podIP":
      return context.podIPs[0] ?? "";
    case "status.podIPs":
      return context.podIPs.join(",");
    default:
      throw new CodedError("UnsupportedField", `unsupported fieldPath: ${path}`);
  }
}

/** One `key="value"` a line, sorted. */
function mapText(map: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(map ?? {}).toSorted();
  return keys.map((key) => `${key}=${JSON.stringify(map?.[key] ?? "")}`).join("\n");
}

/** The value of a `resourceFieldRef`, in units of its divisor and rounded up. Throws `UnsupportedField`. */
export function resourceValue(
  selector: corev1.ResourceFieldSelector,
  pod: Pod,
  containerName: string,
  context: DownwardContext,
): string {
  const name = selector.containerName || containerName;
  const container = findSpecContainer(pod, name)?.container;
  if (!container) throw new CodedError("UnsupportedField", `container "${name}" not found`);
  const dot = selector.resource.indexOf(".");
  const [kind, resource] = [selector.resource.slice(0, dot), selector.resource.slice(dot + 1)];
  if (kind !== "limits" && kind !== "requests") {
    throw new CodedError("UnsupportedField", `unsupported container resource : ${selector.resource}`);
  }
  const { limits, requests } = container.resources ?? {};
  const own = kind === "limits" ? (limits?.[resource] ?? context.allocatable[resource]) : requests?.[resource];
  const divisor = selector.divisor && selector.divisor !== "0" ? selector.divisor : "1";
  return divide(Quantity.parse(own ?? "0"), Quantity.parse(divisor), resource === "cpu");
}

function divide(value: Quantity, divisor: Quantity, milli: boolean): string {
  const [a, b] = milli ? [value.milliValue(), divisor.milliValue()] : [value.value(), divisor.value()];
  return String(b === 0 ? a : Math.ceil(a / b));
}
