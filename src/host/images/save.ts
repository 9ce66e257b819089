import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { MEDIA, type OciImage } from "./oci.ts";

/** Writes images as one tar in OCI layout, which `ctr`, `docker load`, `skopeo` and `k8ts image load` read. */
export async function saveImages(images: readonly OciImage[], path: string): Promise<void> {
  const tar = pack();
  await Promise.all([fill(tar, images), pipeline(tar, createWriteStream(path))]);
}

async function fill(tar: ReturnType<typeof pack>, images: readonly OciImage[]): Promise<void> {
  try {
    tar.entry({ name: "oci-layout" }, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    const manifests = images.flatMap((image) =>
      image.names.map((name) => ({
        ...image.manifest.descriptor,
        annotations: {
          "io.containerd.image.name": name,
          "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
        },
      })),
    );
    const index = { schemaVersion: 2, mediaType: MEDIA.index, manifests };
    tar.entry({ name: "index.json" }, JSON.stringify(index));
    const written = new Set<string>();
    for (const blob of images.flatMap((image) => [image.manifest, image.config, ...image.layers])) {
      const { digest, size } = blob.descriptor;
      if (written.has(digest)) continue;
      written.add(digest);
      await pipeline(Readable.from(blob.open()), tar.entry({ name: `blobs/${digest.replace(":", "/")}`, size }));
    }
    tar.finalize();
  } catch (error) {
    tar.destroy(error as Error);
  }
}
