import type { Stats } from "node:fs";
import { chmod, chown, lstat, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type corev1, resources } from "../../api/index.ts";
import { CodedError } from "../../kit/index.ts";
import { Quantity, isNotFound } from "../../machinery/index.ts";
import { volumeDir } from "../paths.ts";
import { podAmount } from "../pod/resources.ts";
import type { MountedVolume, SetUpRequest, VolumeContext, VolumePlugin } from "./plugin.ts";

/** An empty directory as old as the pod; on tmpfs with medium Memory. */
export const emptyDirPlugin: VolumePlugin = {
  name: "empty-dir",
  field: "emptyDir",
  async setUp({ pod, volume }, { paths, mounter }) {
    const dir = volumeDir(paths, pod.metadata.uid, "empty-dir", volume.name);
    const isNew = !(await lstat(dir).catch(() => undefined));
    await mkdir(dir, { recursive: true, mode: 0o777 });
    if (volume.emptyDir?.medium === "Memory" && (await mounter.list(dir)).length === 0) {
      const size = memorySize(pod, volume.emptyDir);
      await mounter.tmpfs(dir, { mode: "0777", ...(size !== undefined && { size }) });
    }
    if (isNew) await openTo(dir, pod.spec.securityContext?.fsGroup);
    return { hostPath: dir };
  },
};

/** The smaller of what the volume and the pod's memory limit allow. */
function memorySize(pod: SetUpRequest["pod"], source: corev1.EmptyDirVolumeSource): number | undefined {
  const limit = podAmount(pod, "limits", "memory").value();
  const sizes = [source.sizeLimit ? Quantity.parse(source.sizeLimit).value() : 0, limit].filter((n) => n > 0);
  return sizes.length === 0 ? undefined : Math.min(...sizes);
}

/** Everybody may write; a group's files stay the group's. */
async function openTo(dir: string, gid: number | undefined): Promise<void> {
  if (gid !== undefined) await chown(dir, 0, gid);
  await chmod(dir, gid === undefined ? 0o777 : 0o2777);
}

/** A path of the node. */
export const hostPathPlugin: VolumePlugin = {
  name: "host-path",
  field: "hostPath",
  async setUp({ volume }) {
    const { path = "", type = "" } = volume.hostPath ?? {};
    await checkHostPath(path, type);
    return { hostPath: path };
  },
};

const CHECKS: Readonly<Record<string, readonly [test: (s: Stats) => boolean, words: string]>> = {
  Directory: [(s) => s.isDirectory(), "a directory"],
  DirectoryOrCreate: [(s) => s.isDirectory(), "a directory"],
  File: [(s) => s.isFile(), "a file"],
  FileOrCreate: [(s) => s.isFile(), "a file"],
  Socket: [(s) => s.isSocket(), "a socket file"],
  CharDevice: [(s) => s.isCharacterDevice(), "a character device"],
  BlockDevice: [(s) => s.isBlockDevice(), "a block device"],
};

async function checkHostPath(path: string, type: string): Promise<void> {
  if (type === "") return;
  const check = CHECKS[type];
  if (!check) throw new CodedError("VolumeSource", `${type} is an invalid volume type`);
  if (type === "DirectoryOrCreate" && !(await exists(path))) await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === "FileOrCreate" && !(await exists(path))) {
    if (!(await exists(dirname(path)))) throw failed(path, "is not a file");
    await (await open(path, "a", 0o644)).close();
  }
  const found = await stat(path).catch(() => undefined);
  if (!found || !check[0](found)) throw failed(path, `is not ${check[1]}`);
}

function failed(path: string, what: string): CodedError {
  return new CodedError("VolumeSource", `hostPath type check failed: ${path} ${what}`);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** A claim bound to a volume that is a path of this node (`hostPath`, `local`). */
export const claimPlugin: VolumePlugin = {
  name: "persistent-volume",
  field: "persistentVolumeClaim",
  setUp: (request, context) => {
    const { claimName, readOnly } = request.volume.persistentVolumeClaim ?? { claimName: "" };
    return claimed(claimName, readOnly ?? false, request, context);
  },
};

/** A claim made for the pod, under the pod's name and the volume's. */
export const ephemeralPlugin: VolumePlugin = {
  name: "ephemeral",
  field: "ephemeral",
  setUp: (request, context) => claimed(`${request.pod.metadata.name}-${request.volume.name}`, false, request, context),
};

async function claimed(
  name: string,
  readOnly: boolean,
  request: SetUpRequest,
  context: VolumeContext,
): Promise<MountedVolume> {
  const { namespace, uid } = request.pod.metadata;
  const claim = await context.client.resource(resources.persistentvolumeclaims).get({ namespace, name });
  if (request.volume.ephemeral && !claim.metadata.ownerReferences?.some((o) => o.uid === uid)) {
    const message = `PVC ${namespace}/${name} was not created for pod ${namespace}/${request.pod.metadata.name} (pod is not owner)`;
    throw new CodedError("VolumeSource", message);
  }
  const { volumeName } = claim.spec;
  if (claim.status.phase !== "Bound" || !volumeName) {
    throw new CodedError("VolumeSource", `PVC ${namespace}/${name} is not bound`);
  }
  const volume = await context.client
    .resource(resources.persistentvolumes)
    .get({ name: volumeName })
    .catch((error: unknown) => {
      if (isNotFound(error)) throw new CodedError("VolumeSource", `persistentvolume "${volumeName}" not found`);
      throw error;
    });
  const path = volume.spec.hostPath?.path ?? volume.spec.local?.path;
  if (path === undefined) {
    throw new CodedError(
      "VolumeSource",
      `no volume plugin matched: persistentvolume "${volumeName}" is neither hostPath nor local`,
    );
  }
  if (volume.spec.hostPath) await checkHostPath(path, volume.spec.hostPath.type ?? "");
  else if (!(await exists(path))) throw new CodedError("VolumeSource", `path "${path}" does not exist`);
  const gid = request.pod.spec.securityContext?.fsGroup;
  if (gid !== undefined && volume.spec.local) await openTo(path, gid);
  return { hostPath: path, ...(readOnly && { readOnly }) };
}
