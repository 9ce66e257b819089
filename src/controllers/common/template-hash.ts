import type { corev1 } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";

/** The label by which a Deployment tells its ReplicaSets and their pods apart. */
export const POD_TEMPLATE_HASH = "pod-template-hash";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SAFE = "bcdfghjklmnpqrstvwxz2456789";
const encoder = new TextEncoder();

/** 32-bit FNV-1a of the bytes, going on from `seed`. */
export function fnv32a(bytes: Uint8Array, seed: number = FNV_OFFSET): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  return hash;
}

/** Maps every character onto the alphabet of generated names, so that no hash spells a word. */
export function safeEncode(text: string): string {
  return Array.from(encoder.encode(text), (byte) => SAFE[byte % SAFE.length]).join("");
}

/**
 * The hash of any plain value, equal for equal values whatever the order of their keys; `collisionCount` picks another
 * one after a collision. Safe in names and label values.
 */
export function stableHash(value: unknown, collisionCount?: number): string {
  let hash = fnv32a(encoder.encode(canonical(value)));
  if (collisionCount !== undefined) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, collisionCount, true);
    hash = fnv32a(bytes, hash);
  }
  return safeEncode(String(hash));
}

/** JSON with sorted keys, absent and undefined alike. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value as Record<string, unknown>)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`;
}

/** Whether two templates ask for the same pods, whatever their pod-template-hash labels. */
export function sameTemplate(a: corev1.PodTemplateSpec, b: corev1.PodTemplateSpec): boolean {
  return deepEqual(withoutHash(a), withoutHash(b));
}

/** The template as a Deployment would write it: without hash label and without what says nothing. */
function withoutHash(template: corev1.PodTemplateSpec): unknown {
  const { [POD_TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  const metadata: Record<string, unknown> = { ...template.metadata, labels };
  for (const [key, value] of Object.entries(metadata)) {
    if (value === undefined || value === null || isHollow(value)) delete metadata[key];
  }
  return { metadata, spec: template.spec };
}

function isHollow(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
