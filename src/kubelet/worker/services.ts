import type { Client, EventRecorder } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import type { Cgroups } from "../../host/cgroup/index.ts";
import type { Runtime } from "../../host/cri/index.ts";
import type { Mounter } from "../../host/mount/index.ts";
import type { ImageManager } from "../images/image-manager.ts";
import type { ObjectSource } from "../objects/object-source.ts";
import type { Observer } from "../observe/observer.ts";
import type { KubeletPaths } from "../paths.ts";
import type { NodeSettings } from "../pod/configs.ts";
import type { Pod } from "../pod/containers.ts";
import type { ProbeManager } from "../probes/probe-manager.ts";
import type { StatusWriter } from "../status/status-writer.ts";
import type { TokenManager } from "../volumes/tokens.ts";
import type { VolumeManager } from "../volumes/volume-manager.ts";

/** All that pod workers work with; one of each per kubelet. */
export interface Services {
  readonly env: Env;
  readonly client: Client;
  readonly events: EventRecorder;
  readonly runtime: Runtime;
  /** `containerd`, ...: the scheme of container ids. */
  readonly runtimeName: string;
  readonly observer: Observer;
  readonly statuses: StatusWriter;
  readonly probes: ProbeManager;
  readonly images: ImageManager;
  readonly volumes: VolumeManager;
  readonly tokens: TokenManager;
  readonly objects: ObjectSource;
  readonly mounter: Mounter;
  /** Undefined where the machine's control groups are not ours to make. */
  readonly cgroups: Cgroups | undefined;
  readonly paths: KubeletPaths;
  readonly node: NodeFacts;
  /** The variables that tell of services. */
  serviceEnvironment(pod: Pod): Promise<ReadonlyMap<string, string>>;
  /** The handler's name for a RuntimeClass. Rejects when there is no such class. */
  runtimeHandler(pod: Pod): Promise<string>;
  /** Tells the manager whose container that is, so that its events find the way. */
  owns(runtimeId: string, uid: string): void;
}

export interface NodeFacts {
  readonly name: string;
  readonly hostIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly settings: NodeSettings;
  /** The group that all pods' groups are in, such as `/kubepods`. */
  readonly cgroupRoot: string;
  /** Processes a pod may have; 0: unlimited. */
  readonly podPidsLimit: number;
}
