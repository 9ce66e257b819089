import { existsSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { usageError } from "../cli/errors.ts";

/** Where one cluster keeps its files. Everything k8ts writes lies below `dir`, save the kubeconfig. */
export interface ClusterPaths {
  readonly name: string;
  readonly dir: string;
  /** What `up` decided: see spec.ts. */
  readonly spec: string;
  readonly pki: string;
  readonly store: string;
  readonly log: string;
  /** Process id and start time of the server. */
  readonly pid: string;
  /** The same, written once the whole cluster is ready. */
  readonly ready: string;
  readonly lock: string;
  /** Held while a new cluster is decided on, beside all other clusters. */
  readonly registryLock: string;
  /** The administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Which files its context was merged into: see kubeconfig.ts. */
  readonly merged: string;
  /** The real node's root: containerd, kubelet, CNI. */
  readonly node: string;
  /** Sockets and CNI state: short path, because a Unix socket's is limited to 108 bytes. */
  readonly run: string;
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/;

/** The folder that holds all clusters of this user: `$K8TS_HOME`, `/var/lib/k8ts` for root, else `$XDG_DATA_HOME/k8ts`. */
export function home(env: NodeJS.ProcessEnv = process.env): string {
  // The server works in another folder than the command that starts it.
  if (env["K8TS_HOME"]) return resolve(env["K8TS_HOME"]);
  if (process.getuid?.() === 0) return "/var/lib/k8ts";
  return join(env["XDG_DATA_HOME"] || join(homedir(), ".local/share"), "k8ts");
}

/** The paths of a cluster. Throws a usage error for a name that cannot be one. */
export function clusterPaths(name: string, root = home()): ClusterPaths {
  if (!NAME.test(name)) {
    throw usageError(
      `cluster name ${JSON.stringify(name)} is invalid`,
      "use at most 32 lower-case letters, digits and '-', beginning and ending with a letter or digit",
    );
  }
  const dir = join(root, name);
  const run = process.getuid?.() === 0 && root === "/var/lib/k8ts" ? join("/run/k8ts", name) : join(dir, "run");
  return {
    name,
    dir,
    spec: join(dir, "cluster.json"),
    pki: join(dir, "pki"),
    store: join(dir, "store"),
    log: join(dir, "k8ts.log"),
    pid: join(dir, "k8ts.pid"),
    ready: join(dir, "k8ts.ready"),
    lock: join(root, `.${name}.lock`),
    registryLock: join(root, ".clusters.lock"),
    kubeconfig: join(dir, "admin.kubeconfig"),
    merged: join(dir, "merged.json"),
    node: join(dir, "node"),
    run,
  };
}

/** What a command that was killed may have left in a folder without a `cluster.json`. */
const REMAINS = /^(cluster\.json\.tmp|k8ts\.(log|log\.1|pid|ready)|lost\+found)$/;

/** The entries of a cluster's folder that k8ts did not put there; none where there is a `cluster.json`, or no folder. */
export function strangeEntries(paths: ClusterPaths): string[] {
  if (existsSync(paths.spec) || !existsSync(paths.dir)) return [];
  if (!statSync(paths.dir).isDirectory()) return ["a file"];
  return readdirSync(paths.dir).filter((entry) => !REMAINS.test(entry));
}

/** Removes a folder that nothing is in. */
export function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Not empty: other clusters live there. Not there: nothing to do.
  }
}

/** The names of all clusters that exist below `root`, sorted. */
export function clusterNames(root = home()): string[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root).filter((name) => NAME.test(name) && existsSync(join(root, name, "cluster.json")));
  return names.toSorted();
}
