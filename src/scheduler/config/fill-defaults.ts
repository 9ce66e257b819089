import { configDefaults, featureGate } from "../../api/index.ts";

type Json = Record<string, unknown>;

interface Rule {
  readonly value: unknown;
  readonly gate?: string;
  readonly if?: Readonly<Json>;
}

const TYPES = "kube-scheduler.config.v1.";

/** A copy of a configuration object with upstream's defaults in place of what is unset. `type`: `KubeSchedulerConfiguration`, ... */
export function fillDefaults<T extends object>(type: string, given: T | undefined): T {
  const filled = structuredClone(given ?? {}) as Json;
  const rules = configDefaults()[TYPES + type] ?? {};
  for (const [path, fact] of Object.entries(rules)) {
    const rule = ruleOf(fact);
    if (rule.gate !== undefined && !rule.gate.split("+").every(gateIsOn)) continue;
    if (rule.if && !Object.entries(rule.if).every(([key, value]) => filled[key] === value)) continue;
    setUnset(filled, path.split("."), rule.value);
  }
  return filled as T;
}

/** The plugins of a profile that configures none: name and, for those that score, weight. */
export function defaultPlugins(): { readonly name: string; readonly weight?: number }[] {
  const rows = configDefaults()["kube-scheduler.defaultPlugins(multiPoint)"] as unknown as readonly (readonly (
    | string
    | number
  )[])[];
  return rows.flatMap(([name, ...more]) => {
    const gate = more.find((part): part is string => typeof part === "string" && part.startsWith("gate:"));
    if (gate && !gateIsOn(gate.slice("gate:".length))) return [];
    const weight = more.find((part): part is number => typeof part === "number");
    return [{ name: String(name), ...(weight !== undefined && { weight }) }];
  });
}

function gateIsOn(name: string): boolean {
  return featureGate(name)?.default === true;
}

function ruleOf(fact: unknown): Rule {
  const isRule = typeof fact === "object" && fact !== null && !Array.isArray(fact) && "value" in fact;
  return isRule ? (fact as unknown as Rule) : { value: fact };
}

/** `a.b`, `a[0].b` (made if need be) and `a[].b` (every element). */
function setUnset(target: Json, path: readonly string[], value: unknown): void {
  const [head = "", ...rest] = path;
  const at = head.indexOf("[");
  if (at < 0) {
    if (rest.length === 0) target[head] ??= structuredClone(value);
    else setUnset((target[head] ??= {}) as Json, rest, value);
    return;
  }
  const name = head.slice(0, at);
  const index = head.slice(at + 1, -1);
  if (index !== "" && !Array.isArray(target[name])) target[name] = [{}];
  const elements = (target[name] ?? []) as Json[];
  for (const element of index === "" ? elements : elements.slice(Number(index), Number(index) + 1)) {
    setUnset(element, rest, value);
  }
}
