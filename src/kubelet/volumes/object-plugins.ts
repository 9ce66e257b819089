import { mkdir } from "node:fs/promises";
import type { corev1 } from "../../api/index.ts";
import { memoryVolumeDir, volumeDir } from "../paths.ts";
import { type Pod, specContainers } from "../pod/containers.ts";
import { effectiveSecurity } from "../pod/security.ts";
import { type Payload, type PayloadFile, writeAtomically } from "./atomic-writer.ts";
import { configMapPayload, downwardPayload, projectedPayload, secretPayload } from "./payload.ts";
import type { MountedVolume, SetUpRequest, VolumeContext, VolumePlugin } from "./plugin.ts";

/** Config maps: on disk. */
export const configMapPlugin: VolumePlugin = {
  name: "configmap",
  field: "configMap",
  follows: true,
  setUp: (request, context) =>
    write("configmap", false, configMapPayload(request.volume.configMap ?? {}, request.sources), request, context),
};

/** Secrets: in memory only. */
export const secretPlugin: VolumePlugin = {
  name: "secret",
  field: "secret",
  follows: true,
  setUp: (request, context) =>
    write("secret", true, secretPayload(request.volume.secret ?? {}, request.sources), request, context),
};

export const downwardPlugin: VolumePlugin = {
  name: "downward-api",
  field: "downwardAPI",
  follows: true,
  setUp: (request, context) => {
    const payload = downwardPayload(request.volume.downwardAPI ?? {}, request.pod, request.sources);
    return write("downward-api", true, payload, request, context);
  },
};

export const projectedPlugin: VolumePlugin = {
  name: "projected",
  field: "projected",
  follows: true,
  async setUp(request, context) {
    const source = request.volume.projected ?? {};
    const tokens = await tokenFiles(source, request.pod, context);
    return write("projected", true, projectedPayload(source, request.pod, request.sources, tokens), request, context);
  },
};

async function write(
  kind: string,
  inMemory: boolean,
  payload: Payload,
  { pod, volume }: SetUpRequest,
  { paths, env }: VolumeContext,
): Promise<MountedVolume> {
  const dir = (inMemory ? memoryVolumeDir : volumeDir)(paths, pod.metadata.uid, kind, volume.name);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const gid = pod.spec.securityContext?.fsGroup;
  const stamp = new Date(env.clock.now()).toISOString().replaceAll(/[-:TZ.]/g, "_");
  await writeAtomically(dir, payload, { stamp: `${stamp}${env.random.suffix(6)}`, ...(gid !== undefined && { gid }) });
  return { hostPath: dir };
}

const DEFAULT_EXPIRATION = 3600;

/** The tokens a projected volume asks for. Where all containers run as one user, or share a group, only these may read them. */
async function tokenFiles(
  source: corev1.ProjectedVolumeSource,
  pod: Pod,
  { tokens }: VolumeContext,
): Promise<Map<string, PayloadFile>> {
  const files = new Map<string, PayloadFile>();
  const uid = commonUser(pod);
  const restricted = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
  const wishes = (source.sources ?? []).flatMap((s) => (s.serviceAccountToken ? [s.serviceAccountToken] : []));
  await Promise.all(
    wishes.map(async ({ audience = "", expirationSeconds = DEFAULT_EXPIRATION, path }) => {
      const token = await tokens.token(pod, { audience, expirationSeconds });
      const mode = restricted ? 0o600 : (source.defaultMode ?? 0o644);
      files.set(path, { data: Buffer.from(token), mode, ...(uid !== undefined && { uid }) });
    }),
  );
  return files;
}

function commonUser(pod: Pod): number | undefined {
  const users = new Set(specContainers(pod).map(({ container }) => effectiveSecurity(pod, container).runAsUser));
  const [only] = users;
  return users.size === 1 ? only : undefined;
}
