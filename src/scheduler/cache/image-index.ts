import type { corev1 } from "../../api/index.ts";

/** The nodes that have one image: slot → bytes. */
export type ImageNodes = ReadonlyMap<number, number>;

/** Which nodes have which images, by every name an image goes by. */
export class ImageIndex {
  readonly #images = new Map<string, Map<number, number>>();
  readonly #ofSlot = new Map<number, readonly corev1.ContainerImage[]>();

  /** Whether any node reports any image. */
  get empty(): boolean {
    return this.#images.size === 0;
  }

  find(name: string): ImageNodes | undefined {
    return this.#images.get(name);
  }

  set(slot: number, images: readonly corev1.ContainerImage[] | undefined): void {
    const before = this.#ofSlot.get(slot);
    if (before === images || sameImages(before, images)) return;
    for (const image of before ?? []) for (const name of image.names ?? []) this.#remove(name, slot);
    if (!images?.length) {
      this.#ofSlot.delete(slot);
      return;
    }
    this.#ofSlot.set(slot, images);
    for (const image of images) for (const name of image.names ?? []) this.#add(name, slot, image.sizeBytes ?? 0);
  }

  #add(name: string, slot: number, size: number): void {
    const nodes = this.#images.get(name);
    if (nodes) nodes.set(slot, size);
    else this.#images.set(name, new Map([[slot, size]]));
  }

  #remove(name: string, slot: number): void {
    const nodes = this.#images.get(name);
    nodes?.delete(slot);
    if (nodes?.size === 0) this.#images.delete(name);
  }
}

/** Kubelets report the same images again and again. */
function sameImages(
  a: readonly corev1.ContainerImage[] | undefined,
  b: readonly corev1.ContainerImage[] | undefined,
): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return !a?.length && !b?.length;
  return a.every((image, i) => {
    const other = b[i];
    const names = image.names ?? [];
    const others = other?.names ?? [];
    return (
      image.sizeBytes === other?.sizeBytes && names.length === others.length && names.every((n, j) => n === others[j])
    );
  });
}
