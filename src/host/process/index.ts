export {
  type Containerd,
  type ContainerdOptions,
  createContainerd,
  findCniBinDirs,
  findProgram,
  mayLowerOomScore,
} from "./containerd.ts";
export { containerdConfig, type ContainerdSettings } from "./containerd-config.ts";
export {
  type DaemonSpec,
  endProcess,
  findDaemon,
  identify,
  type ProcessIdentity,
  startDaemon,
  stopDaemon,
} from "./daemon.ts";
