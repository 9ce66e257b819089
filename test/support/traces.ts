import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** What a cluster is known by on a machine. */
export interface Marks {
  readonly cluster: string;
  /** Its `K8TS_HOME`. */
  readonly home: string;
}

/** What belongs to no cluster by name, and is compared with what was there before. */
export interface Baseline {
  readonly interfaces: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
}

/** Folders in which k8ts, containerd or CNI might leave something at the top level. */
const WATCHED = [
  "/run",
  "/run/k8ts",
  "/tmp",
  "/var/lib",
  "/var/log",
  "/var/log/pods",
  "/var/log/containers",
  "/etc",
  "/etc/cni/net.d",
  "/opt",
];

/** Notes what there is before a cluster is made. */
export function baseline(): Baseline {
  return { interfaces: new Set(interfaces()), namespaces: new Set(namespaces()), folders: new Set(folders()) };
}

/**
 * Everything that a cluster has on this machine, one line each: processes, network namespaces, interfaces, nftables tables,
 * mounts, control groups, files. Others may use the machine meanwhile: what can be seen to be theirs is left out.
 */
export function tracesOf(marks: Marks, before: Baseline): string[] {
  const { cluster, home } = marks;
  const fresh = (all: readonly string[], known: ReadonlySet<string>): string[] => all.filter((one) => !known.has(one));
  return [
    ...processes(marks).map((p) => `process ${p}`),
    ...fresh(interfaces(cluster), before.interfaces).map((i) => `interface ${i}`),
    ...fresh(namespaces(), before.namespaces).map((n) => `network namespace ${n}`),
    ...tables(cluster).map((t) => `nftables ${t}`),
    ...mounts(marks).map((m) => `mount ${m}`),
    ...controlGroups(cluster).map((c) => `control group ${c}`),
    ...[home, join("/run/k8ts", cluster)].filter((path) => existsSync(path)).map((path) => `file ${path}`),
    ...fresh(folders(), before.folders)
      .filter((f) => f.includes(cluster))
      .map((f) => `file ${f}`),
  ];
}

/** Processes that have the cluster's home in their environment, arguments, folder or open files, or are in its control group. */
function processes({ cluster, home }: Marks): string[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  return pids.flatMap((pid) => {
    const environment = read(`/proc/${pid}/environ`).split("\0");
    const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    const ours =
      environment.includes(`K8TS_HOME=${home}`) ||
      command.includes(home) ||
      link(`/proc/${pid}/cwd`).startsWith(home) ||
      new RegExp(`/k8ts-${cluster}(/|$)`, "m").test(read(`/proc/${pid}/cgroup`));
    return ours && command !== "" ? [`${pid} ${command.slice(0, 120)}`] : [];
  });
}

/** Interfaces of this namespace, but for pods' ends on other clusters' bridges. */
function interfaces(cluster?: string): string[] {
  interface Link {
    readonly ifname: string;
    readonly master?: string;
  }
  const links = JSON.parse(output("ip", ["-j", "link"]) || "[]") as Link[];
  const ours = links.filter(({ ifname, master }) => {
    const bridge = master ?? (ifname.startsWith("k8ts-") ? ifname : undefined);
    return (
      bridge === undefined ||
      cluster === undefined ||
      bridge.includes(cluster.slice(0, 10)) ||
      !bridge.startsWith("k8ts-")
    );
  });
  return ours.map((one) => one.ifname);
}

/** Named network namespaces that nobody is in: those with processes belong to somebody who lives. */
function namespaces(): string[] {
  if (!existsSync("/run/netns")) return [];
  return readdirSync("/run/netns").filter((name) => output("ip", ["netns", "pids", name]).trim() === "");
}

function tables(cluster: string): string[] {
  const lines = output("nft", ["list", "tables"]).split("\n");
  return lines.filter((line) => line.includes(`k8ts-${cluster}-`) || line.includes(`k8ts_${cluster}_`));
}

function mounts({ cluster, home }: Marks): string[] {
  const targets = read("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return targets.filter((target) => target.startsWith(`${home}/`) || target.startsWith(`/run/k8ts/${cluster}/`));
}

function controlGroups(cluster: string): string[] {
  const all = output("find", ["/sys/fs/cgroup", "-maxdepth", "4", "-type", "d", "-name", `*k8ts-${cluster}*`]);
  return all.split("\n").filter(Boolean);
}

function folders(): string[] {
  return WATCHED.filter((dir) => existsSync(dir)).flatMap((dir) => readdirSync(dir).map((entry) => join(dir, entry)));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // It ended while we looked.
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

/** What a program prints; nothing when it is not installed or fails. */
function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}
