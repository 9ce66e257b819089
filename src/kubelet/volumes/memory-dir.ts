import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Mounter } from "../../host/mount/index.ts";
import type { KubeletPaths } from "../paths.ts";

/**
 * Mounts the one tmpfs that secrets and tokens of all pods live on, unless it is there: one mount for the kubelet's whole
 * life instead of one a volume.
 */
export async function prepareMemoryDir(mounter: Mounter, paths: KubeletPaths): Promise<void> {
  const dir = join(paths.root, "memory");
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const mounts = await mounter.list(dir);
  if (!mounts.some((m) => m.target === dir)) await mounter.tmpfs(dir, { mode: "0711" });
}
