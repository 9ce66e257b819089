import {
  BOOL,
  CelError,
  fn,
  type Functions,
  functionsOf,
  INT,
  KUBERNETES,
  method,
  Opaque,
  opaqueType,
  STRING,
} from "../../../machinery/cel/index.ts";

const STRICT =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

/** A version as semver 2.0.0 defines it. */
export class Semver extends Opaque {
  readonly typeName = "kubernetes.Semver";
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];

  private constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }

  /** Throws a `CelError`. */
  static parse(text: string): Semver {
    const [, major, minor, patch, prerelease] = STRICT.exec(text) ?? [];
    if (major === undefined || minor === undefined || patch === undefined) {
      throw new CelError(`parse semantic version: invalid version ${JSON.stringify(text)}`);
    }
    return new Semver([BigInt(major), BigInt(minor), BigInt(patch)], prerelease?.split(".") ?? []);
  }

  /** What people write: `v1.2`, `01.2.3`. */
  static parseTolerant(text: string): Semver {
    const [, core = "", rest = ""] = /^([^-+]*)(.*)$/s.exec(text.trim().replace(/^v/, "")) ?? [];
    const parts = core.split(".").map((part) => part.replace(/^0+(?=\d)/, ""));
    while (parts.length < 3) parts.push("0");
    return Semver.parse(parts.join(".") + rest);
  }

  equals(other: Opaque): boolean {
    return other instanceof Semver && this.compare(other) === 0;
  }

  /** -1, 0 or 1. */
  compare(other: Semver): number {
    for (const [i, number] of this.numbers.entries()) {
      const theirs = other.numbers[i] as bigint;
      if (number !== theirs) return number < theirs ? -1 : 1;
    }
    const [ours, others] = [this.prerelease, other.prerelease];
    if (ours.length === 0 || others.length === 0) return Math.sign(others.length - ours.length);
    for (const [i, id] of ours.entries()) {
      const order = compareIds(id, others[i]);
      if (order !== 0) return order;
    }
    return Math.sign(ours.length - others.length);
  }
}

function compareIds(a: string, b: string | undefined): number {
  if (b === undefined) return 1;
  if (a === b) return 0;
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (x !== y) return x ? -1 : 1;
  const less = x ? BigInt(a) < BigInt(b) : a < b;
  return less ? -1 : 1;
}

const SEMVER = opaqueType("kubernetes.Semver");
const of = (value: unknown): Semver => value as Semver;
const read = (text: unknown, tolerant: unknown): Semver =>
  tolerant === true ? Semver.parseTolerant(text as string) : Semver.parse(text as string);
const isSemver = (text: unknown, tolerant: unknown): boolean => {
  try {
    read(text, tolerant);
    return true;
  } catch {
    return false;
  }
};
const compare = (name: string, holds: (order: number) => boolean): ReturnType<typeof method> =>
  method(name, [SEMVER, SEMVER], BOOL, (a, b) => holds(of(a).compare(of(b))));

const own = functionsOf([
  fn("semver", [STRING], SEMVER, read),
  fn("semver", [STRING, BOOL], SEMVER, read),
  fn("isSemver", [STRING], BOOL, isSemver),
  fn("isSemver", [STRING, BOOL], BOOL, isSemver),
  compare("isGreaterThan", (order) => order > 0),
  compare("isLessThan", (order) => order < 0),
  method("compareTo", [SEMVER, SEMVER], INT, (a, b) => BigInt(of(a).compare(of(b)))),
  ...["major", "minor", "patch"].map((name, i) => method(name, [SEMVER], INT, (a) => of(a).numbers[i])),
]);

function joined<T>(
  a: ReadonlyMap<string, readonly T[]>,
  b: ReadonlyMap<string, readonly T[]>,
): Map<string, readonly T[]> {
  const all = new Map(a);
  for (const [name, more] of b) all.set(name, [...(a.get(name) ?? []), ...more]);
  return all;
}

/** Kubernetes' functions and those of versions. */
export const WITH_SEMVER: Functions = {
  members: joined(KUBERNETES.members, own.members),
  globals: joined(KUBERNETES.globals, own.globals),
};
