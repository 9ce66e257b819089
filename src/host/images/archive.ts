import { createReadStream, existsSync, statSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "../../kit/index.ts";
import type { Architecture } from "./elf.ts";
import { type Blob, type Descriptor, MEDIA, type OciImage, memoryBlob, normalizeReference, sha256 } from "./oci.ts";
import { type TarFile, indexTar } from "./tar-index.ts";

/** Files by name, in a directory or in a tar. */
interface Files {
  has(name: string): boolean;
  size(name: string): Promise<number>;
  open(name: string): AsyncIterable<Uint8Array>;
}

/**
 * The images of an OCI layout (directory or tar) or of a `docker save` archive, for one architecture. Nothing is unpacked: blobs
 * are read from where they are. Throws `NotAnImage` when `path` is none of these.
 */
export async function openArchive(path: string, architecture: Architecture): Promise<OciImage[]> {
  const files = (await stat(path)).isDirectory() ? directoryFiles(path) : await tarFiles(path);
  if (files.has("index.json") && files.has("oci-layout")) return openLayout(files, architecture, path);
  if (files.has("manifest.json")) return openDocker(files, path);
  throw notAnImage(path, "it has neither index.json nor manifest.json (expected an OCI layout or a docker archive)");
}

function directoryFiles(path: string): Files {
  return {
    has: (name) => existsSync(join(path, name)) && statSync(join(path, name)).isFile(),
    size: async (name) => (await stat(join(path, name))).size,
    open: (name) => createReadStream(join(path, name)),
  };
}

async function tarFiles(path: string): Promise<Files> {
  const index = await indexTar(path);
  const find = (name: string): TarFile => {
    let file = index.get(name);
    for (let hops = 0; file?.link !== undefined && hops < 10; hops++) {
      file = index.get(file.link) ?? index.get(resolveLink(name, file.link));
    }
    if (!file) throw notAnImage(path, `it lacks "${name}"`);
    return file;
  };
  return {
    has: (name) => index.has(name),
    size: async (name) => find(name).size,
    open: (name) => readSlice(path, find(name)),
  };
}

/** docker save links equal layers: `../OTHER/layer.tar`. */
function resolveLink(from: string, link: string): string {
  return join(from, "..", link);
}

async function* readSlice(path: string, file: TarFile): AsyncGenerator<Uint8Array> {
  if (file.size === 0) return;
  const handle = await open(path, "r");
  try {
    yield* handle.createReadStream({ start: file.offset, end: file.offset + file.size - 1, autoClose: false });
  } finally {
    await handle.close();
  }
}

async function openLayout(files: Files, architecture: Architecture, path: string): Promise<OciImage[]> {
  const index = await json<{ manifests?: Descriptor[] }>(files, "index.json");
  const images = new Map<string, OciImage>();
  for (const entry of index.manifests ?? []) {
    const descriptor = await resolvePlatform(files, entry, architecture, path);
    const annotations = entry.annotations ?? {};
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    const manifestBlob = layoutBlob(files, descriptor);
    const manifest = await json<{ config: Descriptor; layers: Descriptor[] }>(files, blobName(descriptor));
    const known = images.get(descriptor.digest);
    const names = name?.includes("/") || name?.includes(":") ? [normalizeReference(name)] : [];
    images.set(descriptor.digest, {
      names: [...(known?.names ?? []), ...names],
      manifest: manifestBlob,
      config: layoutBlob(files, manifest.config),
      layers: manifest.layers.map((layer) => layoutBlob(files, layer)),
    });
  }
  return [...images.values()];
}

/** Follows image indexes down to the manifest of the architecture. */
async function resolvePlatform(files: Files, entry: Descriptor, arch: Architecture, path: string): Promise<Descriptor> {
  if (entry.mediaType !== MEDIA.index && entry.mediaType !== MEDIA.dockerList) return entry;
  const { manifests = [] } = await json<{ manifests?: Descriptor[] }>(files, blobName(entry));
  const has = (d: Descriptor): boolean => files.has(blobName(d));
  const fits = manifests.find((m) => m.platform?.os === "linux" && m.platform.architecture === arch && has(m));
  if (fits) return fits;
  const offered = manifests.map((m) => `${m.platform?.os ?? "?"}/${m.platform?.architecture ?? "?"}`).join(", ");
  throw notAnImage(path, `it holds no image for linux/${arch} (it offers ${offered})`);
}

function blobName(descriptor: Descriptor): string {
  return `blobs/${descriptor.digest.replace(":", "/")}`;
}

function layoutBlob(files: Files, descriptor: Descriptor): Blob {
  return { descriptor, open: () => files.open(blobName(descriptor)) };
}

interface DockerEntry {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function openDocker(files: Files, path: string): Promise<OciImage[]> {
  const entries = await json<DockerEntry[]>(files, "manifest.json");
  const images: OciImage[] = [];
  for (const entry of entries) {
    const config = memoryBlob(MEDIA.config, await all(files.open(entry.Config)));
    const { rootfs } = JSON.parse((await all(config.open())).toString()) as { rootfs?: { diff_ids?: string[] } };
    const diffIds = rootfs?.diff_ids ?? [];
    if (diffIds.length !== entry.Layers.length) {
      throw notAnImage(path, `its config names ${diffIds.length} layers, the archive ${entry.Layers.length}`);
    }
    const layers = await Promise.all(entry.Layers.map((name, i) => dockerLayer(files, name, diffIds[i] ?? "")));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: config.descriptor,
      layers: layers.map((l) => l.descriptor),
    };
    images.push({
      names: (entry.RepoTags ?? []).map(normalizeReference),
      config,
      layers,
      manifest: memoryBlob(MEDIA.manifest, Buffer.from(JSON.stringify(manifest))),
    });
  }
  return images;
}

/** An uncompressed layer's digest is its diff id; a compressed one has to be read for it. */
async function dockerLayer(files: Files, name: string, diffId: string): Promise<Blob> {
  const open_ = (): AsyncIterable<Uint8Array> => files.open(name);
  const mediaType = layerType(await firstBytes(open_()));
  const size = await files.size(name);
  if (mediaType === MEDIA.layer) return { descriptor: { mediaType, digest: diffId, size }, open: open_ };
  return { descriptor: { mediaType, digest: sha256(await all(open_())), size }, open: open_ };
}

/** By the first bytes: gzip, zstd or plain tar. */
export function layerType(head: Uint8Array): string {
  if (head[0] === 0x1f && head[1] === 0x8b) return MEDIA.layerGzip;
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return MEDIA.layerZstd;
  return MEDIA.layer;
}

async function firstBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of source) return chunk;
  return new Uint8Array(0);
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function json<T>(files: Files, name: string): Promise<T> {
  return JSON.parse((await all(files.open(name))).toString("utf8")) as T;
}

function notAnImage(path: string, why: string): CodedError {
  return new CodedError("NotAnImage", `"${path}" is not an image archive: ${why}`);
}

/** Reads a rootfs tar (plain, gzip or zstd) as the only layer of an image. */
export async function tarLayer(path: string): Promise<{ blob: Blob; diffId: string }> {
  const bytes = await readFile(path);
  const mediaType = layerType(bytes);
  const blob = memoryBlob(mediaType, bytes);
  if (mediaType === MEDIA.layer) return { blob, diffId: blob.descriptor.digest };
  const zlib = await import("node:zlib");
  const plain = mediaType === MEDIA.layerGzip ? zlib.gunzipSync(bytes) : zlib.zstdDecompressSync(bytes);
  return { blob, diffId: sha256(plain) };
}
