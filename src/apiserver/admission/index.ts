import type { Admission } from "../seams/index.ts";
import { type AdmissionParts, PLUGINS } from "./plugins.ts";

export type { AdmissionParts } from "./plugins.ts";
export type { HookAddress, HookAnswer, HookCaller, Versions } from "./webhooks/index.ts";
export type { PodSecurityOptions } from "./pod-security/index.ts";

/** Which plugins run beside, or instead of, those that are on by default (`--enable-admission-plugins` and its opposite). */
export interface AdmissionChoice {
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
}

/** The built-in plugins in upstream's order. Throws for names that are no plugin's. */
export function builtinAdmission(
  parts: AdmissionParts,
  { enable = [], disable = [] }: AdmissionChoice = {},
): Admission[] {
  const known = new Set(PLUGINS.map(([name]) => name));
  const unknown = [...enable, ...disable].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const list = unknown.map((name) => JSON.stringify(name)).join(", ");
    throw new Error(`Unknown admission plugin ${list}: expected one of ${[...known].join(", ")}`);
  }
  const made: Admission[] = [];
  for (const [name, on, create] of PLUGINS) {
    if (!(on || enable.includes(name)) || disable.includes(name)) continue;
    const before = made.length;
    const plugin = create(parts, () => made.slice(0, before));
    if (plugin) made.push(plugin);
  }
  return made;
}

/** What a cluster has that kubeadm set up: upstream's default plugins, and the one that keeps kubelets to their node. */
export function defaultAdmission(parts: AdmissionParts): Admission[] {
  return builtinAdmission(parts, { enable: ["NodeRestriction"] });
}
