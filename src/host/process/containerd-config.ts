/** What of containerd is ours to say. */
export interface ContainerdSettings {
  /** Images, snapshots and metadata; survives a reboot. */
  readonly root: string;
  /** Sockets and running tasks; gone after a reboot. */
  readonly state: string;
  readonly socket: string;
  readonly sandboxImage: string;
  readonly cniConfDir: string;
  readonly cniBinDirs: readonly string[];
  /** Bytes of one log line before it is split; upstream's default is 16384, -1 is no limit. */
  readonly maxContainerLogLineSize?: number;
  /** A directory of `HOST/hosts.toml` (mirrors, CAs). */
  readonly registryConfigPath?: string;
  readonly snapshotter?: string;
  /** Whether this process may lower oom scores; without, containerd must not try. */
  readonly mayLowerOomScore: boolean;
}

/**
 * Plugins of no use here. Each of the first group probes the machine at start, which costs time and writes warnings;
 * names that a version does not know are ignored by it.
 */
const DISABLED = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.differ.v1.erofs",
  "io.containerd.mount-handler.v1.erofs",
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.nri.v1.nri",
];

/**
 * containerd's config.toml, version 2: read by 1.6 and 1.7, and migrated by 2.x when it loads it.
 */
export function containerdConfig(s: ContainerdSettings): string {
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  const runc = `${cri}.containerd.runtimes.runc`;
  return `# Written by k8ts at each start. Do not edit.
version = 2
root = ${q(s.root)}
state = ${q(s.state)}
disabled_plugins = [${DISABLED.map(q).join(", ")}]
${s.mayLowerOomScore ? "oom_score = -999\n" : ""}
[grpc]
  address = ${q(s.socket)}

[ttrpc]
  address = ${q(`${s.socket}.ttrpc`)}

[${cri}]
  sandbox_image = ${q(s.sandboxImage)}
  max_container_log_line_size = ${s.maxContainerLogLineSize ?? 16384}
  restrict_oom_score_adj = ${!s.mayLowerOomScore}
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  stream_idle_timeout = "4h0m0s"
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  image_pull_progress_timeout = "5m0s"

[${cri}.containerd]
  snapshotter = ${q(s.snapshotter ?? "overlayfs")}
  default_runtime_name = "runc"

[${runc}]
  runtime_type = "io.containerd.runc.v2"

[${runc}.options]
  SystemdCgroup = false
  Root = ${q(`${s.state}/runc`)}

[${cri}.cni]
  bin_dir = ${q(s.cniBinDirs[0] ?? "/opt/cni/bin")}
  conf_dir = ${q(s.cniConfDir)}
  max_conf_num = 1
${s.registryConfigPath === undefined ? "" : `\n[${cri}.registry]\n  config_path = ${q(s.registryConfigPath)}\n`}`;
}

/** A TOML basic string. */
function q(text: string): string {
  return JSON.stringify(text);
}
