import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "../../kit/index.ts";

/** What a group of processes may use. */
export interface CgroupLimits {
  /** Weight against others of the same level (cgroup v1's measure: 1024 is one cpu). */
  readonly cpuShares?: number;
  /** Microseconds of cpu in each period; 0: unlimited. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** Bytes; 0: unlimited. */
  readonly memoryLimit?: number;
  /** Processes; 0: unlimited. */
  readonly pidsLimit?: number;
}

/** What a group of processes used. Absent: this machine does not count it. */
export interface CgroupUsage {
  /** Nanoseconds of cpu since the group was made. */
  readonly cpuNanoseconds?: number;
  readonly memoryBytes?: number;
  /** Memory that cannot be reclaimed at once: usage without the inactive page cache. */
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  readonly processes?: number;
}

/** Control groups by path from the hierarchy's root (`/kubepods/burstable/podUID`). */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Makes the group, and those above it, and sets its limits; may be repeated. Throws `CgroupFailed`. */
  apply(path: string, limits: CgroupLimits): void;
  /** Removes the group and all below it. One that still has processes is left, and false returned. */
  remove(path: string): boolean;
  /** The names directly below. */
  children(path: string): string[];
  usage(path: string): CgroupUsage;
  /** Process ids in the group and below. */
  pids(path: string): number[];
}

/** The control groups of this machine; undefined when they are not mounted or may not be written. */
export function systemCgroups(root = "/sys/fs/cgroup"): Cgroups | undefined {
  if (existsSync(join(root, "cgroup.controllers"))) return writable(root) ? new CgroupsV2(root) : undefined;
  const controllers = [
    "cpu",
    "cpuacct",
    "memory",
    "pids",
    "cpuset",
    "blkio",
    "devices",
    "freezer",
    "hugetlb",
    "net_cls",
    "perf_event",
    "systemd",
    "unified",
  ];
  const mounted = controllers.filter((name) => isDirectory(join(root, name)));
  return mounted.includes("memory") && writable(join(root, "memory")) ? new CgroupsV1(root, mounted) : undefined;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function writable(path: string): boolean {
  try {
    return (
      process.getuid?.() === 0 &&
      isDirectory(path) &&
      !readFileSync("/proc/self/mountinfo", "utf8").includes(` ${path} ro,`)
    );
  } catch {
    return false;
  }
}

abstract class BaseCgroups {
  protected readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  protected make(dir: string): void {
    try {
      mkdirSync(dir, { recursive: true });
    } catch (cause) {
      throw new CodedError("CgroupFailed", `cannot make the control group "${dir}"`, { cause });
    }
  }

  protected write(dir: string, file: string, value: string | number): void {
    try {
      writeFileSync(join(dir, file), String(value));
    } catch (cause) {
      throw new CodedError("CgroupFailed", `cannot write "${value}" to "${join(dir, file)}"`, { cause });
    }
  }

  protected read(dir: string, file: string): string {
    try {
      return readFileSync(join(dir, file), "utf8");
    } catch {
      return "";
    }
  }

  protected number(dir: string, file: string): number | undefined {
    const text = this.read(dir, file).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  }

  /** A `key value` table. */
  protected table(dir: string, file: string): ReadonlyMap<string, number> {
    const lines = this.read(dir, file).trim().split("\n");
    return new Map(lines.map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]));
  }

  protected subdirectories(dir: string): string[] {
    try {
      return readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
    } catch {
      return [];
    }
  }

  protected removeTree(dir: string): boolean {
    if (!isDirectory(dir)) return true;
    let all = true;
    for (const name of this.subdirectories(dir)) all = this.removeTree(join(dir, name)) && all;
    try {
      rmdirSync(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return false;
    }
    return all;
  }

  protected processes(dir: string): number[] {
    const own = this.read(dir, "cgroup.procs")
      .split("\n")
      .filter((l) => l !== "")
      .map(Number);
    return [...own, ...this.subdirectories(dir).flatMap((name) => this.processes(join(dir, name)))];
  }
}

const UNLIMITED = -1;

class CgroupsV1 extends BaseCgroups implements Cgroups {
  readonly version = 1;
  readonly #controllers: readonly string[];

  constructor(root: string, controllers: readonly string[]) {
    super(root);
    this.#controllers = controllers;
  }

  apply(path: string, limits: CgroupLimits): void {
    const [cpu, memory, pids] = ["cpu", "memory", "pids"].map((c) => join(this.root, c, path)) as [
      string,
      string,
      string,
    ];
    for (const dir of [cpu, memory]) this.make(dir);
    if (limits.cpuShares !== undefined) this.write(cpu, "cpu.shares", limits.cpuShares);
    if (limits.cpuQuota !== undefined && existsSync(join(cpu, "cpu.cfs_quota_us"))) {
      if (limits.cpuPeriod !== undefined) this.write(cpu, "cpu.cfs_period_us", limits.cpuPeriod);
      this.write(cpu, "cpu.cfs_quota_us", limits.cpuQuota || UNLIMITED);
    }
    if (limits.memoryLimit !== undefined) this.write(memory, "memory.limit_in_bytes", limits.memoryLimit || UNLIMITED);
    if (limits.pidsLimit !== undefined && this.#controllers.includes("pids")) {
      this.make(pids);
      this.write(pids, "pids.max", limits.pidsLimit || "max");
    }
  }

  remove(path: string): boolean {
    return this.#controllers.map((c) => this.removeTree(join(this.root, c, path))).every(Boolean);
  }

  children(path: string): string[] {
    return [...new Set(this.#controllers.flatMap((c) => this.subdirectories(join(this.root, c, path))))];
  }

  usage(path: string): CgroupUsage {
    const memory = join(this.root, "memory", path);
    const stat = this.table(memory, "memory.stat");
    const memoryBytes = this.number(memory, "memory.usage_in_bytes");
    const cpu = this.number(join(this.root, "cpuacct", path), "cpuacct.usage");
    return usageOf(cpu, memoryBytes, {
      inactiveFile: stat.get("total_inactive_file"),
      rss: stat.get("total_rss"),
      faults: stat.get("total_pgfault"),
      majorFaults: stat.get("total_pgmajfault"),
      processes: this.number(join(this.root, "pids", path), "pids.current"),
    });
  }

  pids(path: string): number[] {
    const counted = ["pids", "memory", "cpu"].find((c) => this.#controllers.includes(c)) ?? "memory";
    return this.processes(join(this.root, counted, path));
  }
}

class CgroupsV2 extends BaseCgroups implements Cgroups {
  readonly version = 2;

  apply(path: string, limits: CgroupLimits): void {
    const parts = path.split("/").filter((p) => p !== "");
    let dir = this.root;
    for (const part of parts) {
      this.#delegate(dir);
      dir = join(dir, part);
      this.make(dir);
    }
    if (limits.cpuShares !== undefined) this.write(dir, "cpu.weight", cpuWeight(limits.cpuShares));
    if (limits.cpuQuota !== undefined) {
      this.write(dir, "cpu.max", `${limits.cpuQuota || "max"} ${limits.cpuPeriod ?? 100_000}`);
    }
    if (limits.memoryLimit !== undefined) this.write(dir, "memory.max", limits.memoryLimit || "max");
    if (limits.pidsLimit !== undefined) this.write(dir, "pids.max", limits.pidsLimit || "max");
  }

  /** Lets the groups below `dir` use the controllers that it has itself. */
  #delegate(dir: string): void {
    const have = new Set(this.read(dir, "cgroup.controllers").trim().split(" "));
    const given = new Set(this.read(dir, "cgroup.subtree_control").trim().split(" "));
    const missing = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"].filter((c) => have.has(c) && !given.has(c));
    if (missing.length > 0) this.write(dir, "cgroup.subtree_control", missing.map((c) => `+${c}`).join(" "));
  }

  remove(path: string): boolean {
    return this.removeTree(join(this.root, path));
  }

  children(path: string): string[] {
    return this.subdirectories(join(this.root, path));
  }

  usage(path: string): CgroupUsage {
    const dir = join(this.root, path);
    const stat = this.table(dir, "memory.stat");
    const micros = this.table(dir, "cpu.stat").get("usage_usec");
    return usageOf(micros === undefined ? undefined : micros * 1000, this.number(dir, "memory.current"), {
      inactiveFile: stat.get("inactive_file"),
      rss: stat.get("anon"),
      faults: stat.get("pgfault"),
      majorFaults: stat.get("pgmajfault"),
      processes: this.number(dir, "pids.current"),
    });
  }

  pids(path: string): number[] {
    return this.processes(join(this.root, path));
  }
}

/** cgroup v2's weight (1 to 10000) for v1's shares (2 to 262144), by the formula that all of Kubernetes uses. */
export function cpuWeight(shares: number): number {
  return shares === 0 ? 0 : Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

interface Details {
  readonly inactiveFile: number | undefined;
  readonly rss: number | undefined;
  readonly faults: number | undefined;
  readonly majorFaults: number | undefined;
  readonly processes: number | undefined;
}

function usageOf(cpu: number | undefined, memory: number | undefined, d: Details): CgroupUsage {
  return {
    ...(cpu !== undefined && { cpuNanoseconds: cpu }),
    ...(memory !== undefined && {
      memoryBytes: memory,
      workingSetBytes: Math.max(0, memory - (d.inactiveFile ?? 0)),
    }),
    ...(d.rss !== undefined && { rssBytes: d.rss }),
    ...(d.faults !== undefined && { pageFaults: d.faults }),
    ...(d.majorFaults !== undefined && { majorPageFaults: d.majorFaults }),
    ...(d.processes !== undefined && { processes: d.processes }),
  };
}
