import type { resourcev1 } from "../../../api/index.ts";
import type { DeviceSelectors } from "./device-cel.ts";
import type { Candidate, Pool } from "./slice-index.ts";

type Claim = resourcev1.ResourceClaim;

/** A request, or one of the alternatives of a request, on one node. */
export interface Request {
  /** The name of the whole request. */
  readonly base: string;
  /** The name of the alternative. */
  readonly sub: string | undefined;
  readonly deviceClass: resourcev1.DeviceClass;
  readonly adminAccess: boolean;
  readonly wantsAll: boolean;
  readonly count: number;
  /** In the order they are tried. Of a request that wants all: just those; of others, whatever there is. */
  readonly candidates: readonly Candidate[];
  /** Whether a candidate is what is asked for. Throws {@link ClaimError}. */
  selects(candidate: Candidate): boolean;
}

/** The alternatives for one request, best first; mostly one. */
export type Alternatives = readonly Request[];

/** A claim is in a state that no node can help; not a fault of any node. */
export class ClaimError extends Error {}

export interface RequestSources {
  readonly pools: readonly Pool[];
  /** The devices of all pools that are complete and valid. */
  readonly candidates: readonly Candidate[];
  readonly selectors: DeviceSelectors;
  deviceClass(name: string): resourcev1.DeviceClass | undefined;
}

/** A name as errors show it: `namespace/name`. */
export function shown({ metadata }: Claim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Reads the requests of a claim. Throws {@link ClaimError}. */
export function requestsOf(claim: Claim, sources: RequestSources): Alternatives[] {
  return (claim.spec.devices.requests ?? []).map((request) => {
    const { name, exactly, firstAvailable } = request;
    if (exactly) return [read(claim, name, undefined, exactly, sources)];
    return (firstAvailable ?? []).map((sub) => read(claim, name, sub.name, sub, sources));
  });
}

function read(
  claim: Claim,
  base: string,
  sub: string | undefined,
  request: resourcev1.ExactDeviceRequest,
  sources: RequestSources,
): Request {
  const where = `claim ${shown(claim)}, request ${sub ?? base}`;
  const { deviceClassName, adminAccess = false, allocationMode = "ExactCount" } = request;
  if (!deviceClassName) throw new ClaimError(`${where}: missing device class name (unsupported request type?)`);
  const deviceClass = sources.deviceClass(deviceClassName);
  if (!deviceClass) {
    const why = `deviceclass.resource.k8s.io "${deviceClassName}" not found`;
    throw new ClaimError(`${where}: could not retrieve device class ${deviceClassName}: ${why}`);
  }
  const wantsAll = allocationMode === "All";
  if (!wantsAll && allocationMode !== "ExactCount") {
    throw new ClaimError(`${where}: unsupported count mode ${String(allocationMode)}`);
  }
  const ofClass = deviceClass.spec.selectors ?? [];
  const own = request.selectors ?? [];
  const selects = (candidate: Candidate): boolean =>
    all(ofClass, candidate, sources.selectors, `class ${deviceClass.metadata.name}`) &&
    all(own, candidate, sources.selectors, `claim ${shown(claim)}`);
  const common = { base, sub, deviceClass, adminAccess, wantsAll, selects };
  if (!wantsAll) return { ...common, count: request.count ?? 1, candidates: sources.candidates };
  const unusable = sources.pools.find((pool) => pool.isIncomplete || pool.isInvalid);
  if (unusable) {
    const state = unusable.isIncomplete ? "being updated" : "invalid";
    throw new ClaimError(`${where}: asks for all devices, but resource pool ${unusable.id} is currently ${state}`);
  }
  const candidates = sources.candidates.filter(selects);
  return { ...common, count: candidates.length, candidates };
}

function all(
  list: readonly resourcev1.DeviceSelector[],
  { pool, device }: Candidate,
  selectors: DeviceSelectors,
  whose: string,
): boolean {
  return list.every(({ cel }, i) => holds(cel?.expression, pool.driver, device, selectors, `${whose}: selector #${i}`));
}

function holds(
  expression: string | undefined,
  driver: string,
  device: resourcev1.Device,
  answers: DeviceSelectors,
  where: string,
): boolean {
  if (expression === undefined) throw new ClaimError(`${where}: CEL expression empty (unsupported selector type?)`);
  try {
    return answers.matches(expression, driver, device);
  } catch (error) {
    throw new ClaimError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
