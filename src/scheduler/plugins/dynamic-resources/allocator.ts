import type { corev1, resourcev1 } from "../../../api/index.ts";
import { resultOf } from "./allocation-result.ts";
import type { Choice } from "./choice.ts";
import { MatchAttribute } from "./constraint.ts";
import { type Alternatives, ClaimError, type Request, type RequestSources, requestsOf, shown } from "./requests.ts";
import type { Candidate, SliceIndex } from "./slice-index.ts";

type Claim = resourcev1.ResourceClaim;

/** So many devices a claim can have (`AllocationResultsMaxSize`). */
export const MAX_RESULTS = 32;

/** There is no way on this node, though there may be on others. */
export class NoAllocation extends Error {}

export interface AllocatorOptions extends Omit<RequestSources, "pools" | "candidates"> {
  readonly slices: SliceIndex;
  isInUse(device: string): boolean;
  /** Throws when it has taken too long. */
  checkTime(): void;
}

/**
 * Finds devices for all `claims` on a node: the first way there is, trying alternatives, pools and devices in order. Undefined: there is none.
 * Throws {@link NoAllocation}, {@link ClaimError}.
 */
export function allocate(
  node: corev1.Node,
  claims: readonly Claim[],
  options: AllocatorOptions,
): resourcev1.AllocationResult[] | undefined {
  const pools = options.slices.poolsFor(node);
  const candidates = pools.flatMap((pool) => (pool.isIncomplete || pool.isInvalid ? [] : pool.candidates));
  const sources = { ...options, pools, candidates };
  const wanted = claims.map((claim) => requestsOf(claim, sources));
  for (const [i, requests] of wanted.entries()) checkSize(claims[i] as Claim, requests);
  const search = new Search(claims, wanted, options);
  if (!search.run(0, 0)) {
    if (pools.some((pool) => pool.isInvalid)) throw new NoAllocation("invalid resource pools were encountered");
    return undefined;
  }
  return claims.map((claim, i) => resultOf(claim, search.choices[i] as Choice));
}

function checkSize(claim: Claim, requests: readonly Alternatives[]): void {
  const least = requests.reduce((sum, alternatives) => sum + Math.min(...alternatives.map((one) => one.count)), 0);
  if (least <= MAX_RESULTS) return;
  const text = `number of requested devices ${least} exceeds the claim limit of ${MAX_RESULTS}`;
  throw new ClaimError(`claim ${shown(claim)}: ${text}`);
}

class Search {
  readonly choices: readonly Choice[];
  readonly #claims: readonly Claim[];
  readonly #wanted: readonly (readonly Alternatives[])[];
  readonly #constraints: readonly (readonly MatchAttribute[])[];
  readonly #options: AllocatorOptions;
  /** The claims, by index, that are about to get a device. */
  readonly #taken = new Map<string, Set<number>>();

  constructor(claims: readonly Claim[], wanted: readonly (readonly Alternatives[])[], options: AllocatorOptions) {
    this.#claims = claims;
    this.#wanted = wanted;
    this.#options = options;
    this.#constraints = claims.map(constraintsOf);
    this.choices = claims.map(() => ({ grants: [], taken: [] }));
  }

  /** Everything from request `at` of claim `index` on. What is found stays in {@link choices}; what fails leaves nothing behind. */
  run(index: number, at: number): boolean {
    const requests = this.#wanted[index];
    if (!requests) return true;
    const alternatives = requests[at];
    if (!alternatives) return this.run(index + 1, 0);
    const { taken } = this.choices[index] as Choice;
    for (const request of alternatives) {
      taken.push(request);
      if (this.#one(index, at, request, 0, 0)) return true;
      taken.pop();
    }
    return false;
  }

  /**
   * The device number `nth` of a request, and all that follows. Devices of one request can change places, so later ones are looked for from `from`
   * on only.
   */
  #one(index: number, at: number, request: Request, nth: number, from: number): boolean {
    this.#options.checkTime();
    if (request.wantsAll && request.count === 0) return false;
    if (nth >= request.count) return this.run(index, at + 1);
    const { grants } = this.choices[index] as Choice;
    if (grants.length + request.count - nth > MAX_RESULTS) return false;
    const { candidates } = request;
    const last = request.wantsAll ? from : candidates.length - (request.count - nth);
    for (let i = from; i <= last; i++) {
      const candidate = candidates[i] as Candidate;
      if (!this.#take(index, request, candidate)) continue;
      if (this.#one(index, at, request, nth + 1, i + 1)) return true;
      this.#giveBack(index, request, candidate);
    }
    return false;
  }

  #take(index: number, request: Request, candidate: Candidate): boolean {
    const { key, device, pool } = candidate;
    const takers = this.#taken.get(key);
    const isFree = request.adminAccess ? takers?.has(index) !== true : !takers?.size && !this.#options.isInUse(key);
    // Devices that share counters are an alpha feature, which is off.
    if (!isFree || device.consumesCounters?.length) return false;
    if (!request.wantsAll && !request.selects(candidate)) return false;
    const constraints = this.#constraints[index] as readonly MatchAttribute[];
    const { base, sub } = request;
    const refusing = constraints.findIndex((constraint) => !constraint.add(base, sub, pool.driver, device));
    if (refusing >= 0) {
      for (const constraint of constraints.slice(0, refusing)) constraint.remove(base, sub);
      if (!request.wantsAll) return false;
      const text = `cannot add device ${key} because a claim constraint would not be satisfied`;
      throw new ClaimError(`claim ${shown(this.#claims[index] as Claim)}, request ${sub ?? base}: ${text}`);
    }
    if (takers) takers.add(index);
    else this.#taken.set(key, new Set([index]));
    (this.choices[index] as Choice).grants.push({ request, candidate });
    return true;
  }

  #giveBack(index: number, { base, sub }: Request, { key }: Candidate): void {
    for (const constraint of this.#constraints[index] as readonly MatchAttribute[]) constraint.remove(base, sub);
    this.#taken.get(key)?.delete(index);
    (this.choices[index] as Choice).grants.pop();
  }
}

function constraintsOf(claim: Claim): MatchAttribute[] {
  return (claim.spec.devices.constraints ?? []).map(({ matchAttribute, requests }, i) => {
    if (matchAttribute !== undefined) return new MatchAttribute(matchAttribute, requests);
    throw new ClaimError(`claim ${shown(claim)}, constraint #${i}: empty constraint (unsupported constraint type?)`);
  });
}
