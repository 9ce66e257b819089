import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Env } from "../../kit/index.ts";
import { CodedError, errorText } from "../../kit/index.ts";
import type { Mount, MountPropagation, Sent } from "../../host/cri/index.ts";
import type { Mounter } from "../../host/mount/index.ts";
import { type KubeletPaths, podDir } from "../paths.ts";
import { type Container, type Pod, isHostNetwork } from "../pod/containers.ts";
import { expand } from "../pod/expand.ts";
import { hostsFile } from "../pod/hostname.ts";
import type { MountedVolume } from "./plugin.ts";
import { bindSubPath } from "./sub-path.ts";

export interface MountRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly podIPs: readonly string[];
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly environment: ReadonlyMap<string, string>;
}

export interface MountContext {
  readonly env: Env;
  readonly paths: KubeletPaths;
  readonly mounter: Mounter;
  readonly clusterDomain: string;
}

const PROPAGATION: Readonly<Record<string, MountPropagation>> = {
  None: "PROPAGATION_PRIVATE",
  HostToContainer: "PROPAGATION_HOST_TO_CONTAINER",
  Bidirectional: "PROPAGATION_BIDIRECTIONAL",
};

const HOSTS = "/etc/hosts";

/** What is mounted into a container: its volumes, `/etc/hosts`, and the file for its last words. Throws `ContainerConfig`. */
export async function containerMounts(request: MountRequest, context: MountContext): Promise<Sent<Mount>[]> {
  const { pod, container } = request;
  const mounts: Sent<Mount>[] = [];
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    mounts.push(await volumeMount(mount, i, request, context));
  }
  if (!mounts.some((m) => m.containerPath === HOSTS)) mounts.push(await hostsMount(request, context));
  if (container.terminationMessagePath) {
    const dir = join(podDir(context.paths, pod.metadata.uid), "containers", container.name);
    const hostPath = join(dir, context.env.random.suffix(8));
    await mkdir(dir, { recursive: true, mode: 0o750 });
    await writeFile(hostPath, "", { mode: 0o666 });
    await chmod(hostPath, 0o666);
    mounts.push({ containerPath: container.terminationMessagePath, hostPath, readonly: false });
  }
  return mounts;
}

type VolumeMount = NonNullable<Container["volumeMounts"]>[number];

async function volumeMount(
  mount: VolumeMount,
  index: number,
  { pod, container, volumes, environment }: MountRequest,
  context: MountContext,
): Promise<Sent<Mount>> {
  const volume = volumes.get(mount.name);
  if (!volume) throw new CodedError("ContainerConfig", `volume "${mount.name}" is not mounted`);
  const readonly = (mount.readOnly ?? false) || (volume.readOnly ?? false);
  let { hostPath } = volume;
  const subPath = mount.subPathExpr ? expandWhole(mount.subPathExpr, environment) : mount.subPath;
  if (subPath) {
    const target = join(
      podDir(context.paths, pod.metadata.uid),
      "volume-subpaths",
      mount.name,
      container.name,
      String(index),
    );
    try {
      await bindSubPath(context.mounter, hostPath, subPath, target, false);
    } catch (cause) {
      const message = `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`;
      throw new CodedError("ContainerConfig", message, { cause: errorText(cause) });
    }
    hostPath = target;
  }
  return {
    containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
    hostPath,
    readonly,
    propagation: PROPAGATION[mount.mountPropagation ?? "None"] ?? "PROPAGATION_PRIVATE",
    recursiveReadOnly: readonly && mount.recursiveReadOnly === "Enabled",
  };
}

/** Every variable of the expression must be there. */
function expandWhole(expression: string, environment: ReadonlyMap<string, string>): string {
  return expand(expression, (name) => {
    const value = environment.get(name);
    if (value !== undefined) return value;
    throw new CodedError("ContainerConfig", `missing value for "${name}"`);
  });
}

async function hostsMount({ pod, podIPs }: MountRequest, context: MountContext): Promise<Sent<Mount>> {
  const hostPath = join(podDir(context.paths, pod.metadata.uid), "etc-hosts");
  const host = isHostNetwork(pod) ? await readFile(HOSTS, "utf8").catch(() => "") : undefined;
  await mkdir(dirname(hostPath), { recursive: true, mode: 0o750 });
  await writeFile(hostPath, hostsFile(pod, podIPs, context.clusterDomain, host), { mode: 0o644 });
  return { containerPath: HOSTS, hostPath, readonly: false };
}
