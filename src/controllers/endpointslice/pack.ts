import type { discoveryv1 } from "../../api/index.ts";
import { endpointKey, sameEndpoint } from "./endpoint.ts";

type Slice = discoveryv1.EndpointSlice;
type Endpoint = discoveryv1.Endpoint;

/** What becomes of the slices of one set of ports. */
export interface Packing {
  /** Endpoints of slices to create. */
  readonly create: readonly (readonly Endpoint[])[];
  /** Slices with new endpoints. */
  readonly update: readonly { readonly slice: Slice; readonly endpoints: readonly Endpoint[] }[];
  readonly remove: readonly Slice[];
}

/**
 * Puts the wanted endpoints into slices of at most `max`, changing as few slices as can be: endpoints stay where they are;
 * new ones go into slices that change anyway, fullest first, then into the one slice they fill best, then into new slices.
 * `touched` says which slices must be written whatever their endpoints (their labels changed).
 */
export function packEndpoints(
  existing: readonly Slice[],
  wanted: readonly Endpoint[],
  max: number,
  touched: (slice: Slice) => boolean = () => false,
): Packing {
  const left = new Map(wanted.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const updates = new Map<Slice, Endpoint[]>();
  const untouched: Slice[] = [];
  const remove: Slice[] = [];
  for (const slice of existing) {
    const { kept, changed } = keepWanted(slice, left);
    if (!changed && !touched(slice)) untouched.push(slice);
    else if (changed && kept.length === 0) remove.push(slice);
    else updates.set(slice, kept);
  }
  const fullest = [...updates.values()].toSorted((a, b) => b.length - a.length);
  for (const endpoints of fullest) fill(endpoints, left, max);
  const create: Endpoint[][] = [];
  while (left.size > 0) {
    const best = left.size < max ? bestFit(untouched, left.size, max) : undefined;
    const endpoints = [...(best?.endpoints ?? [])];
    fill(endpoints, left, max);
    if (best === undefined) create.push(endpoints);
    else {
      updates.set(best, endpoints);
      untouched.splice(untouched.indexOf(best), 1);
    }
  }
  return { create, update: [...updates].map(([slice, endpoints]) => ({ slice, endpoints })), remove };
}

/** The endpoints of a slice that are still wanted, as they are wanted; takes them out of `left`. */
function keepWanted(slice: Slice, left: Map<string, Endpoint>): { kept: Endpoint[]; changed: boolean } {
  const before = slice.endpoints ?? [];
  const kept: Endpoint[] = [];
  let changed = false;
  for (const endpoint of before) {
    const key = endpointKey(endpoint);
    const want = left.get(key);
    if (want === undefined) continue;
    left.delete(key);
    const same = sameEndpoint(want, endpoint);
    kept.push(same ? endpoint : want);
    if (!same) changed = true;
  }
  return { kept, changed: changed || kept.length !== before.length };
}

function fill(endpoints: Endpoint[], left: Map<string, Endpoint>, max: number): void {
  for (const [key, endpoint] of left) {
    if (endpoints.length >= max) return;
    endpoints.push(endpoint);
    left.delete(key);
  }
}

/** The slice that `count` more endpoints fill best without overflowing. */
function bestFit(slices: readonly Slice[], count: number, max: number): Slice | undefined {
  let best: Slice | undefined;
  let least = max;
  for (const slice of slices) {
    const room = max - count - (slice.endpoints ?? []).length;
    if (room < 0 || room >= least) continue;
    least = room;
    best = slice;
  }
  return best;
}
