import { readFileSync, readdirSync, statfsSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";

/** What a machine is and has. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Size of the file system that the kubelet's root is on. */
  readonly storageBytes: number;
  /** Page size (`2Mi`) → bytes set aside. */
  readonly hugepages: Readonly<Record<string, number>>;
  readonly machineID: string;
  readonly systemUUID: string;
  readonly bootID: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Go names it: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** Looks at this machine. What cannot be read is left empty or zero. */
export function machineFacts(rootDir: string): MachineFacts {
  const meminfo = read("/proc/meminfo");
  return {
    cpus: Math.max(1, cpus().length),
    memoryBytes: kilobytes(meminfo, "MemTotal") || totalmem(),
    swapBytes: kilobytes(meminfo, "SwapTotal"),
    storageBytes: storage(rootDir),
    hugepages: hugepages(),
    machineID: read("/etc/machine-id").trim(),
    systemUUID: read("/sys/class/dmi/id/product_uuid").trim() || read("/etc/machine-id").trim(),
    bootID: read("/proc/sys/kernel/random/boot_id").trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(read("/etc/os-release"))?.[1] ?? "Linux",
    architecture: arch() === "x64" ? "amd64" : arch(),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kilobytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
}

function storage(path: string): number {
  try {
    const fs = statfsSync(path);
    return fs.blocks * fs.bsize;
  } catch {
    return 0;
  }
}

function hugepages(): Record<string, number> {
  const out: Record<string, number> = {};
  try {
    const root = "/sys/kernel/mm/hugepages";
    for (const name of readdirSync(root)) {
      const kb = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
      if (kb === 0) continue;
      const size = kb >= 1_048_576 ? `${kb / 1_048_576}Gi` : `${kb / 1024}Mi`;
      out[size] = Number(read(`${root}/${name}/nr_hugepages`)) * kb * 1024;
    }
  } catch {
    // No huge pages.
  }
  return out;
}
