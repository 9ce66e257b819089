import { createHash } from "node:crypto";
import type { Architecture } from "./elf.ts";

/** `sha256:` and 64 hex digits. */
export type Digest = string;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes that can be read again and again, by piece. */
export interface Blob {
  readonly descriptor: Descriptor;
  open(): AsyncIterable<Uint8Array>;
}

/** What a container of the image starts with, as OCI's image config has it. */
export interface ImageSettings {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** One image for one platform. */
export interface OciImage {
  /** Full references, `HOST/PATH:TAG`. */
  readonly names: readonly string[];
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

export const MEDIA = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A blob that is wholly in memory. */
export function memoryBlob(mediaType: string, bytes: Uint8Array): Blob {
  return {
    descriptor: { mediaType, digest: sha256(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  };
}

export interface AssembleOptions {
  readonly names: readonly string[];
  readonly architecture: Architecture;
  readonly settings: ImageSettings;
  /** Each with the digest of its uncompressed tar. */
  readonly layers: readonly { readonly blob: Blob; readonly diffId: Digest }[];
  /** Milliseconds since the epoch; part of the image's identity. */
  readonly created: number;
}

/** Config and manifest around the layers. The same input gives the same digest. */
export function assembleImage(options: AssembleOptions): OciImage {
  const { settings: s, layers } = options;
  const config = {
    created: new Date(options.created).toISOString(),
    architecture: options.architecture,
    os: "linux",
    config: {
      ...(s.user && { User: s.user }),
      ...(s.exposedPorts?.length && { ExposedPorts: Object.fromEntries(s.exposedPorts.map((p) => [p, {}])) }),
      Env: s.environment ?? ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      ...(s.entrypoint?.length && { Entrypoint: s.entrypoint }),
      ...(s.command?.length && { Cmd: s.command }),
      ...(s.workingDir && { WorkingDir: s.workingDir }),
      ...(s.labels && { Labels: s.labels }),
    },
    rootfs: { type: "layers", diff_ids: layers.map((l) => l.diffId) },
    history: layers.map(() => ({ created_by: "k8ts image build" })),
  };
  const configBlob = memoryBlob(MEDIA.config, Buffer.from(JSON.stringify(config)));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: configBlob.descriptor,
    layers: layers.map((l) => l.blob.descriptor),
  };
  return {
    names: options.names,
    config: configBlob,
    layers: layers.map((l) => l.blob),
    manifest: memoryBlob(MEDIA.manifest, Buffer.from(JSON.stringify(manifest))),
  };
}

const HAS_HOST = /^(?:localhost(?=[:/])|[^/]*[.:][^/]*(?=\/))/;

/** `busybox` → `docker.io/library/busybox:latest`; what has a host, tag or digest keeps it. */
export function normalizeReference(reference: string): string {
  const slash = reference.indexOf("/");
  const hasHost = slash > 0 && HAS_HOST.test(reference);
  const full = hasHost ? reference : slash > 0 ? `docker.io/${reference}` : `docker.io/library/${reference}`;
  const last = full.slice(full.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? full : `${full}:latest`;
}
