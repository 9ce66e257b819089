import { rm } from "node:fs/promises";
import { type Cgroups, systemCgroups } from "../host/cgroup/index.ts";
import { type Mounter, SystemMounter, unmountAll } from "../host/mount/index.ts";
import { DEFAULT_CONFIG } from "./config.ts";

export interface PurgeOptions {
  readonly rootDir: string;
  /** The kubelet's `cgroupRoot`. */
  readonly cgroupRoot?: string;
  readonly mounter?: Mounter;
  readonly cgroups?: Cgroups;
}

/**
 * Removes everything a kubelet left on the machine: mounts, files, control groups. Stop the pods through the runtime first;
 * a group that still has processes is left, and so is what cannot be unmounted.
 */
export async function purgeKubelet(options: PurgeOptions): Promise<void> {
  const root = options.cgroupRoot ?? DEFAULT_CONFIG.cgroupRoot;
  await unmountAll(options.mounter ?? new SystemMounter(), options.rootDir);
  await rm(options.rootDir, { recursive: true, force: true });
  const cgroups = options.cgroups ?? systemCgroups();
  cgroups?.remove(root === "/" ? "/kubepods" : root);
}
