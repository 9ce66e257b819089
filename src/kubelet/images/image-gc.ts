import { statfs } from "node:fs/promises";
import { type Env, errorText } from "../../kit/index.ts";
import type { Image, Runtime } from "../../host/cri/index.ts";
import type { KubeletConfig } from "../config.ts";

/** What is known of an image. Times are ms since the epoch. */
export interface ImageUse {
  readonly id: string;
  readonly size: number;
  readonly pinned: boolean;
  readonly firstSeen: number;
  readonly lastUsed: number;
  readonly inUse: boolean;
}

/** The images to remove, longest unused first, until `bytes` are free. Pure. */
export function imagesToRemove(
  images: readonly ImageUse[],
  bytes: number,
  minimumAgeMs: number,
  now: number,
): ImageUse[] {
  const free = images
    .filter((i) => !i.inUse && !i.pinned && now - i.firstSeen >= minimumAgeMs)
    .toSorted((a, b) => a.lastUsed - b.lastUsed || a.firstSeen - b.firstSeen);
  const chosen: ImageUse[] = [];
  let left = bytes;
  for (const image of free) {
    if (left <= 0) break;
    chosen.push(image);
    left -= image.size;
  }
  return chosen;
}

export interface ImageGcOptions {
  readonly runtime: Runtime;
  readonly env: Env;
  readonly config: Pick<
    KubeletConfig,
    "imageGCHighThresholdPercent" | "imageGCLowThresholdPercent" | "imageMinimumGCAgeMs"
  >;
  /** Told when the disk stays full although nothing more can be removed. */
  readonly failed: (message: string) => void;
}

/** Removes images that nobody uses when the disk they are on gets full. */
export class ImageGc {
  readonly #o: ImageGcOptions;
  readonly #seen = new Map<string, { firstSeen: number; lastUsed: number }>();

  constructor(options: ImageGcOptions) {
    this.#o = options;
  }

  /** One look; resolves with how many images went. */
  async collect(): Promise<number> {
    const { runtime, env, config } = this.#o;
    const uses = await this.#uses();
    const disk = await this.#disk();
    if (!disk || disk.usedPercent < config.imageGCHighThresholdPercent) return 0;
    const bytes = Math.ceil((disk.capacity * (disk.usedPercent - config.imageGCLowThresholdPercent)) / 100);
    const chosen = imagesToRemove(uses, bytes, config.imageMinimumGCAgeMs, env.clock.now());
    let freed = 0;
    for (const image of chosen) {
      try {
        await runtime.removeImage({ image: { image: image.id } });
        freed += image.size;
      } catch (error) {
        env.log.warn("Image could not be removed", { image: image.id, error: errorText(error) });
      }
    }
    if (freed < bytes) {
      this.#o.failed(
        `Failed to garbage collect required amount of images. Attempted to free ${bytes} bytes, but only found ${freed} bytes eligible to free.`,
      );
    }
    return chosen.length;
  }

  async #uses(): Promise<ImageUse[]> {
    const { runtime, env } = this.#o;
    const [{ images }, { containers }] = await Promise.all([runtime.listImages({}), runtime.listContainers({})]);
    const used = new Set(containers.flatMap((c) => [c.imageRef, c.imageId, c.image?.image ?? ""]));
    const now = env.clock.now();
    for (const id of this.#seen.keys()) if (!images.some((i) => i.id === id)) this.#seen.delete(id);
    return images.map((image) => {
      const inUse = isUsed(image, used);
      const known = this.#seen.get(image.id) ?? { firstSeen: now, lastUsed: 0 };
      if (inUse) known.lastUsed = now;
      this.#seen.set(image.id, known);
      return { id: image.id, size: image.size, pinned: image.pinned, inUse, ...known };
    });
  }

  async #disk(): Promise<{ usedPercent: number; capacity: number } | undefined> {
    const info = await this.#o.runtime.imageFsInfo({});
    const path = info.imageFilesystems[0]?.fsId?.mountpoint;
    if (!path) return undefined;
    const fs = await statfs(path).catch(() => undefined);
    if (!fs || fs.blocks === 0) return undefined;
    return { usedPercent: 100 - Math.floor((fs.bavail * 100) / fs.blocks), capacity: fs.blocks * fs.bsize };
  }
}

function isUsed(image: Image, used: ReadonlySet<string>): boolean {
  return [image.id, ...image.repoTags, ...image.repoDigests].some((name) => used.has(name));
}
