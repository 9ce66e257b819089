import { type Clock, CodedError, errorText, type Random } from "../../kit/index.ts";
import type { Runtime } from "../cri/index.ts";
import { ContainerdApi } from "./containerd-api.ts";
import { type Blob, type OciImage, sha256 } from "./oci.ts";

export interface ImportOptions {
  /** containerd's socket, which is also its CRI endpoint. */
  readonly socket: string;
  readonly clock: Clock;
  readonly random: Random;
  /** When given, the import is over only once CRI sees the image. */
  readonly runtime?: Pick<Runtime, "imageStatus">;
  readonly snapshotter?: string;
  /** Keeps the image from image garbage collection. */
  readonly pinned?: boolean;
  readonly signal?: AbortSignal;
}

const LEASE_MS = 3_600_000;

/**
 * Puts an image into containerd and unpacks it, so that the first container of it need not. Blobs that are there already
 * are not sent again; repeating an import is cheap. Rejects with `ImageImportFailed`.
 */
export async function importImage(image: OciImage, options: ImportOptions): Promise<void> {
  if (image.names.length === 0) {
    throw new CodedError("ImageImportFailed", "the image has no name: give it one (NAME:TAG)");
  }
  const api = new ContainerdApi(options.socket);
  const lease = `k8ts-import-${options.random.uuid()}`;
  try {
    await api.leased(lease, options.clock.now() + LEASE_MS, () => put(api, image, options));
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw new CodedError("ImageImportFailed", `cannot import ${image.names.join(", ")}: ${errorText(cause)}`, {
      cause,
    });
  } finally {
    api.close();
  }
  if (options.runtime) await untilVisible(options.runtime, image, options);
}

async function put(api: ContainerdApi, image: OciImage, options: ImportOptions): Promise<void> {
  const { descriptor: config } = image.config;
  await Promise.all([...image.layers.map((layer) => write(api, layer, {})), write(api, image.config, {})]);
  const references = Object.fromEntries(
    image.layers.map((l, i) => [`containerd.io/gc.ref.content.l.${i}`, l.descriptor.digest]),
  );
  await write(api, image.manifest, { "containerd.io/gc.ref.content.config": config.digest, ...references });
  const snapshotter = options.snapshotter ?? "overlayfs";
  const chain = await unpack(api, image, snapshotter);
  if (chain) await api.labelContent(config.digest, { [`containerd.io/gc.ref.snapshot.${snapshotter}`]: chain });
  const labels = {
    "io.cri-containerd.image": "managed",
    ...(options.pinned && { "io.cri-containerd.pinned": "pinned" }),
  };
  for (const name of image.names) await api.putImage(name, image.manifest.descriptor, labels);
}

async function write(api: ContainerdApi, blob: Blob, labels: Readonly<Record<string, string>>): Promise<void> {
  if (await api.hasContent(blob.descriptor.digest)) return;
  await api.writeContent(blob.descriptor, blob.open(), labels);
}

/** The layers as snapshots, each on the one before; returns the topmost. */
async function unpack(api: ContainerdApi, image: OciImage, snapshotter: string): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.config.open()) chunks.push(chunk);
  const config = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { rootfs?: { diff_ids?: string[] } };
  let chain: string | undefined;
  for (const [i, diffId] of (config.rootfs?.diff_ids ?? []).entries()) {
    const layer = image.layers[i];
    if (!layer) throw new CodedError("ImageImportFailed", `the config names layer ${i + 1}, which the manifest lacks`);
    const parent: string = chain ?? "";
    chain = parent === "" ? diffId : sha256(Buffer.from(`${parent} ${diffId}`));
    if (!(await api.hasSnapshot(snapshotter, chain))) {
      await api.applyLayer(snapshotter, parent, chain, layer.descriptor);
    }
  }
  return chain;
}

const VISIBLE_TIMEOUT_MS = 10_000;

/** CRI learns of new images by an event; until it has, it would answer that there is none. */
async function untilVisible(runtime: Pick<Runtime, "imageStatus">, image: OciImage, o: ImportOptions): Promise<void> {
  const started = o.clock.monotonic();
  for (const name of image.names) {
    for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
      const { image: seen } = await runtime.imageStatus({ image: { image: name } });
      if (seen?.id === image.config.descriptor.digest) break;
      if (o.clock.monotonic() - started > VISIBLE_TIMEOUT_MS) {
        throw new CodedError("ImageImportFailed", `${name} was imported, but CRI does not show it`);
      }
      await o.clock.sleep(wait, o.signal);
    }
  }
}
