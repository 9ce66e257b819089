import type { StoredObject } from "../cache/index.ts";

/** Reads a selectable field as text: the empty string when it is unset, `true`/`false` for booleans, digits for numbers. */
export function readField(object: StoredObject, path: string): string {
  const special = SPECIAL[path];
  if (special) return special(object);
  let value: unknown = object;
  let start = 0;
  while (start <= path.length) {
    if (typeof value !== "object" || value === null) return "";
    const dot = path.indexOf(".", start);
    const end = dot < 0 ? path.length : dot;
    value = (value as Record<string, unknown>)[path.slice(start, end)];
    start = end + 1;
  }
  return textOf(value, path);
}

/** Booleans and counts whose zero value Go prints although the field is unset. */
const ZERO: Readonly<Record<string, string>> = {
  "spec.hostNetwork": "false",
  "spec.unschedulable": "false",
  "status.replicas": "0",
  "status.successful": "0",
};

function textOf(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return ZERO[path] ?? "";
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that are not simply where their name says. */
const SPECIAL: Readonly<Record<string, (object: StoredObject) => string>> = {
  "metadata.name": (object) => object.metadata.name,
  "metadata.namespace": (object) => object.metadata.namespace ?? "",
  "status.successful": (object) => textOf((object["status"] as Fields | undefined)?.["succeeded"], "status.successful"),
  source: (object) => {
    const source = object["source"] as Fields | undefined;
    return textOf(source?.["component"] ?? object["reportingComponent"], "source");
  },
  "status.podIP": (object) => {
    const ips = (object["status"] as { podIPs?: { ip?: string }[] } | undefined)?.podIPs;
    return ips?.[0]?.ip ?? "";
  },
  // Selectable by name, but no Pod has a value for it upstream either.
  "status.podIPs": () => "",
};
