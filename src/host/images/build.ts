import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openArchive, tarLayer } from "./archive.ts";
import type { Architecture } from "./elf.ts";
import { type Layer, entriesOfDirectory, fileLayer } from "./layer.ts";
import { type ImageSettings, type OciImage, assembleImage, normalizeReference } from "./oci.ts";

export interface BuildOptions {
  /** A directory or a tar (plain, gzip, zstd) that becomes the container's root. */
  readonly source: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly settings?: ImageSettings;
  /** An OCI layout or docker archive to stand on; its first image is taken. */
  readonly base?: string;
  /** Where the layer is kept while the image is in use. */
  readonly workDir: string;
  /** Milliseconds since the epoch; part of the image's identity. Default 2026-01-01. */
  readonly created?: number;
}

/** Makes an image of one layer, on top of a base when there is one. */
export async function buildImage(options: BuildOptions): Promise<OciImage> {
  const created = options.created ?? Date.UTC(2026, 0, 1);
  const layer = await sourceLayer(options, created);
  const base = options.base === undefined ? undefined : await baseOf(options.base, options.architecture);
  return assembleImage({
    names: [normalizeReference(options.name)],
    architecture: options.architecture,
    settings: { ...base?.settings, ...options.settings },
    layers: [...(base?.layers ?? []), layer],
    created,
  });
}

async function sourceLayer(options: BuildOptions, created: number): Promise<Layer> {
  const isDirectory = (await stat(options.source)).isDirectory();
  if (!isDirectory) return tarLayer(options.source);
  return fileLayer(await entriesOfDirectory(options.source), created, join(options.workDir, "layer.tar"));
}

async function baseOf(path: string, architecture: Architecture): Promise<{ settings: ImageSettings; layers: Layer[] }> {
  const [image] = await openArchive(path, architecture);
  if (!image) return { settings: {}, layers: [] };
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.config.open()) chunks.push(chunk);
  const { config, rootfs } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as ImageConfig;
  return {
    settings: {
      ...(config?.Entrypoint && { entrypoint: config.Entrypoint }),
      ...(config?.Cmd && { command: config.Cmd }),
      ...(config?.Env && { environment: config.Env }),
      ...(config?.WorkingDir && { workingDir: config.WorkingDir }),
      ...(config?.User && { user: config.User }),
    },
    layers: image.layers.map((blob, i) => ({ blob, diffId: rootfs?.diff_ids?.[i] ?? blob.descriptor.digest })),
  };
}

interface ImageConfig {
  readonly config?: {
    readonly Entrypoint?: string[];
    readonly Cmd?: string[];
    readonly Env?: string[];
    readonly WorkingDir?: string;
    readonly User?: string;
  };
  readonly rootfs?: { readonly diff_ids?: string[] };
}
