import { deepClone } from "../../objects/clone.ts";
import { isJsonObject, type JsonObject } from "../../objects/fields.ts";
import { parseImageName } from "../../values/image.ts";
import { formatTime } from "../../values/time.ts";
import type { DefaultsOptions, Rule } from "./context.ts";
import { eachItem, readPath, splitPath, writePath } from "./paths.ts";
import { defaultHugePageLimits, defaultPodRequests } from "./pod-level.ts";

/** Computes the value of an unset field; undefined leaves it unset. */
export type Value = (owner: JsonObject, options: DefaultsOptions, item: JsonObject) => unknown;

/** The value rules that are no plain copy, by their text in the facts. */
const VALUES: Readonly<Record<string, Value>> = {
  "lower(spec.names.kind)": (o) => textAt(o, "spec.names.kind")?.toLowerCase(),
  "spec.names.kind+'List'": (o) => {
    const kind = textAt(o, "spec.names.kind");
    return kind === undefined ? undefined : `${kind}List`;
  },
  "[name of first spec.versions with storage=true]": (o) => {
    const versions = readPath(o, ["spec", "versions"]);
    const stored: unknown = Array.isArray(versions)
      ? versions.find((v) => isJsonObject(v) && v["storage"] === true)
      : undefined;
    return isJsonObject(stored) && typeof stored["name"] === "string" ? [stored["name"]] : undefined;
  },
  "tagOf(image)==latest ? Always : IfNotPresent": (o) => pullPolicy(o["image"]),
  "tagOf(image.reference)==latest ? Always : IfNotPresent": (o) => pullPolicy(readPath(o, ["image", "reference"])),
  "now truncated to seconds": (_, options) => (options.now === undefined ? undefined : formatTime(options.now)),
};

function textAt(object: JsonObject, path: string): string | undefined {
  const value = readPath(object, path.split("."));
  return typeof value === "string" ? value : undefined;
}

function pullPolicy(image: unknown): string {
  return parseImageName(typeof image === "string" ? image : "")?.tag === "latest" ? "Always" : "IfNotPresent";
}

/** Finds what computes a value; `prefix` is the list whose items the rule is for, as `spec.ports[].`. */
export function valueRule(text: string, prefix: string): Value | undefined {
  const known = VALUES[text];
  if (known) return known;
  const from = /^copy\(([^()]*)\)$/.exec(text)?.[1];
  if (from === undefined) return undefined;
  const ofItem = prefix !== "" && (from.startsWith(prefix) || !from.includes("."));
  const path = splitPath(ofItem && from.startsWith(prefix) ? from.slice(prefix.length) : from);
  return (owner, _, item) => deepClone(readPath(ofItem ? item : owner, path));
}

/** Rules that fill maps or more than one field, by path and text. */
export function wholeRule(path: string, text: string): Rule | undefined {
  if (text === "function:defaultHugePagePodLimits") return defaultHugePageLimits;
  if (text === "function:defaultPodRequests") return defaultPodRequests;
  if (text.startsWith("decodeOnly:")) return () => undefined;
  const target = /^(?:(.*)\[\]\.)?([^[\]]*)\[\*\]$/.exec(path);
  const sources = [...text.matchAll(/copyMissing\(([^()]*)\)/g)].map((m) => m[1] ?? "");
  if (!target || sources.length === 0) return undefined;
  const [, lists, to = ""] = target;
  const prefix = lists === undefined ? "" : `${lists}[].`;
  const from = sources.map((s) => splitPath(s.startsWith(prefix) ? s.slice(prefix.length) : s));
  const fill = (item: JsonObject): void =>
    from.forEach((source) => copyMissing(item, splitPath(to), readPath(item, source)));
  return lists === undefined ? fill : (object) => eachItem(object, [lists.split(".")], fill);
}

function copyMissing(item: JsonObject, to: readonly string[], source: unknown): void {
  if (!isJsonObject(source)) return;
  const missing = Object.keys(source);
  const have = readPath(item, to);
  const merged: JsonObject = isJsonObject(have) ? have : {};
  for (const key of missing) if (!Object.hasOwn(merged, key)) merged[key] = source[key];
  if (missing.length > 0 && merged !== have) writePath(item, to, merged);
}
