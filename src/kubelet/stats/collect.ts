import { readFileSync, statfsSync } from "node:fs";
import { formatTime } from "../../machinery/index.ts";
import type { ContainerStats, CpuUsage, MemoryUsage, NetworkUsage, PodSandboxStats } from "../../host/cri/index.ts";
import { latest } from "../observe/model.ts";
import { LABEL } from "../pod/labels.ts";
import { podCgroup } from "../worker/pod-cgroup.ts";
import type { PodWorker } from "../worker/pod-worker.ts";
import type { ServerSource } from "../server/source.ts";

/** Cpu time used, and how fast just now. Times are ms since the epoch. */
export interface CpuSample {
  readonly at: number;
  readonly nanoseconds: number;
  readonly nanoCores?: number;
}

export interface MemorySample {
  readonly at: number;
  readonly workingSet: number;
  readonly usage?: number;
  readonly rss?: number;
  readonly available?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
}

export interface NetworkSample {
  readonly at: number;
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

export interface FsSample {
  readonly at: number;
  readonly used: number;
  readonly inodesUsed?: number;
}

export interface ContainerSample {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly startedAt: number;
  readonly cpu: CpuSample | undefined;
  readonly memory: MemorySample | undefined;
  readonly writable: FsSample | undefined;
}

export interface PodSample {
  readonly worker: PodWorker;
  readonly cgroup: string;
  readonly startedAt: string;
  readonly cpu: CpuSample | undefined;
  readonly memory: MemorySample | undefined;
  readonly network: NetworkSample | undefined;
  readonly processes: number | undefined;
  readonly containers: readonly ContainerSample[];
}

export interface DiskSample {
  readonly at: number;
  readonly capacity: number;
  readonly available: number;
  readonly used: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export interface NodeSample {
  readonly cpu: CpuSample;
  readonly memory: MemorySample;
  readonly network: NetworkSample | undefined;
  readonly disk: DiskSample | undefined;
  readonly images: FsSample | undefined;
  readonly startedAt: string;
}

const NS = 1e6;

/** Measures the node and its pods. Remembers the last measurement of the node, to tell how fast cpu is used. */
export class StatsCollector {
  readonly #source: ServerSource;
  #last: CpuSample | undefined;

  constructor(source: ServerSource) {
    this.#source = source;
  }

  async node(): Promise<NodeSample> {
    const { env, runtime, services } = this.#source;
    const at = env.clock.now();
    const nanoseconds = cpuNanoseconds(read("/proc/stat"));
    const last = this.#last;
    const nanoCores = last && at > last.at ? ((nanoseconds - last.nanoseconds) * 1000) / (at - last.at) : undefined;
    const cpu = { at, nanoseconds, ...(nanoCores !== undefined && { nanoCores: Math.max(0, Math.round(nanoCores)) }) };
    if (!last || at - last.at > 1000) this.#last = cpu;
    const images = await runtime.imageFsInfo({}).catch(() => undefined);
    const [fs] = images?.imageFilesystems ?? [];
    return {
      cpu,
      memory: nodeMemory(read("/proc/meminfo"), at),
      network: nodeNetwork(read("/proc/net/dev"), read("/proc/net/route"), at),
      disk: disk(services.paths.root, at),
      images: fs && { at, used: fs.usedBytes?.value ?? 0, inodesUsed: fs.inodesUsed?.value ?? 0 },
      startedAt: formatTime(at - uptimeMs(read("/proc/uptime"))),
    };
  }

  async pods(): Promise<PodSample[]> {
    const { runtime, manager } = this.#source;
    const [{ stats }, sandboxes] = await Promise.all([
      runtime.listContainerStats({}),
      runtime.listPodSandboxStats({}).catch(() => ({ stats: [] as readonly PodSandboxStats[] })),
    ]);
    const byContainer = new Map(stats.map((s) => [s.attributes?.id ?? "", s]));
    const bySandbox = new Map(sandboxes.stats.map((s) => [s.attributes?.labels[LABEL.podUid] ?? "", s]));
    return [...manager.workers()]
      .filter((w) => w.life !== "finished" && w.life !== "gone")
      .map((worker) => this.#pod(worker, byContainer, bySandbox.get(worker.uid)));
  }

  #pod(
    worker: PodWorker,
    byContainer: ReadonlyMap<string, ContainerStats>,
    sandbox: PodSandboxStats | undefined,
  ): PodSample {
    const { services, env } = this.#source;
    const { pod, observation } = worker;
    const cgroup = podCgroup(pod, services);
    const usage = services.cgroups?.usage(cgroup) ?? {};
    const at = env.clock.now();
    const names = [...new Set(observation.containers.map((c) => c.name))];
    const containers = names.flatMap((name) => {
      const seen = latest(observation, name);
      const stats = seen?.state === "running" ? byContainer.get(seen.id) : undefined;
      return seen && stats ? [containerSample(seen.id, name, seen.image, seen.startedAt, stats)] : [];
    });
    const cpu = usage.cpuNanoseconds;
    return {
      worker,
      cgroup,
      startedAt: services.statuses.get(worker.uid)?.startTime ?? pod.status.startTime ?? formatTime(at),
      // The pod's own group is exact; what the runtime says of the sandbox may be some seconds old.
      cpu: cpu === undefined ? cpuSample(sandbox?.linux?.cpu) : { at, nanoseconds: cpu, ...rate(containers) },
      memory:
        usage.workingSetBytes === undefined
          ? memorySample(sandbox?.linux?.memory)
          : {
              at,
              workingSet: usage.workingSetBytes,
              ...(usage.memoryBytes !== undefined && { usage: usage.memoryBytes }),
              ...(usage.rssBytes !== undefined && { rss: usage.rssBytes }),
              ...(usage.pageFaults !== undefined && { pageFaults: usage.pageFaults }),
              ...(usage.majorPageFaults !== undefined && { majorPageFaults: usage.majorPageFaults }),
            },
      network: networkSample(sandbox?.linux?.network),
      processes: usage.processes ?? sandbox?.linux?.process?.processCount?.value,
      containers,
    };
  }
}

function rate(containers: readonly ContainerSample[]): { nanoCores?: number } {
  const known = containers.flatMap((c) => c.cpu?.nanoCores ?? []);
  return known.length === 0 ? {} : { nanoCores: known.reduce((sum, n) => sum + n, 0) };
}

function containerSample(
  id: string,
  name: string,
  image: string,
  startedAt: number,
  stats: ContainerStats,
): ContainerSample {
  const layer = stats.writableLayer;
  return {
    id,
    name,
    image,
    startedAt,
    cpu: cpuSample(stats.cpu),
    memory: memorySample(stats.memory),
    writable: layer && {
      at: layer.timestamp / NS,
      used: layer.usedBytes?.value ?? 0,
      inodesUsed: layer.inodesUsed?.value ?? 0,
    },
  };
}

function cpuSample(cpu: CpuUsage | undefined): CpuSample | undefined {
  if (!cpu?.usageCoreNanoSeconds) return undefined;
  const nanoCores = cpu.usageNanoCores?.value;
  return {
    at: cpu.timestamp / NS,
    nanoseconds: cpu.usageCoreNanoSeconds.value,
    ...(nanoCores !== undefined && { nanoCores }),
  };
}

function memorySample(memory: MemoryUsage | undefined): MemorySample | undefined {
  if (!memory?.workingSetBytes) return undefined;
  const { usageBytes, rssBytes, availableBytes, pageFaults, majorPageFaults } = memory;
  return {
    at: memory.timestamp / NS,
    workingSet: memory.workingSetBytes.value,
    ...(usageBytes && { usage: usageBytes.value }),
    ...(rssBytes && { rss: rssBytes.value }),
    ...(availableBytes && availableBytes.value > 0 && { available: availableBytes.value }),
    ...(pageFaults && { pageFaults: pageFaults.value }),
    ...(majorPageFaults && { majorPageFaults: majorPageFaults.value }),
  };
}

function networkSample(network: NetworkUsage | undefined): NetworkSample | undefined {
  const face = network?.defaultInterface;
  if (!network || !face) return undefined;
  return {
    at: network.timestamp / NS,
    name: face.name,
    rxBytes: face.rxBytes?.value ?? 0,
    rxErrors: face.rxErrors?.value ?? 0,
    txBytes: face.txBytes?.value ?? 0,
    txErrors: face.txErrors?.value ?? 0,
  };
}

/** Nanoseconds that all cpus were busy, from `/proc/stat` in hundredths of a second. */
export function cpuNanoseconds(stat: string): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (stat.split("\n")[0] ?? "")
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * 1e7;
}

export function nodeMemory(meminfo: string, at: number): MemorySample {
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
  const usage = kb("MemTotal") - kb("MemFree");
  const workingSet = Math.max(0, usage - kb("Inactive\\(file\\)"));
  return { at, usage, workingSet, available: kb("MemTotal") - workingSet, rss: kb("AnonPages") };
}

/** The interface of the default route. */
export function nodeNetwork(dev: string, route: string, at: number): NetworkSample | undefined {
  const name = route
    .split("\n")
    .map((l) => l.split(/\s+/))
    .find((f) => f[1] === "00000000")?.[0];
  const line = dev.split("\n").find((l) => l.trim().startsWith(`${name ?? "eth0"}:`));
  if (!name || !line) return undefined;
  const fields = line
    .slice(line.indexOf(":") + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  return {
    at,
    name,
    rxBytes: fields[0] ?? 0,
    rxErrors: fields[2] ?? 0,
    txBytes: fields[8] ?? 0,
    txErrors: fields[10] ?? 0,
  };
}

function disk(path: string, at: number): DiskSample | undefined {
  try {
    const fs = statfsSync(path);
    const capacity = fs.blocks * fs.bsize;
    const available = fs.bavail * fs.bsize;
    return { at, capacity, available, used: (fs.blocks - fs.bfree) * fs.bsize, inodes: fs.files, inodesFree: fs.ffree };
  } catch {
    return undefined;
  }
}

function uptimeMs(text: string): number {
  return Number(text.split(" ")[0] ?? 0) * 1000;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
