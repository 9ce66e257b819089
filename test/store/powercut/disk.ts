import type { Random } from "../../../src/kit/index.ts";
import type { DiskEvent } from "./trace.ts";

type Write = DiskEvent & { readonly kind: "write" };

/** How the simulated disk breaks its word; none: it keeps it. */
export interface DiskFaults {
  /** fdatasync says that it has written, and has not. */
  readonly lazySync?: boolean;
  /** Synchronous descriptors are not. */
  readonly lazyDescriptors?: boolean;
}

const SECTOR = 512;

/** One file on a disk with a volatile cache: what was synced is there for sure, of the rest anything may be. */
export class SimulatedDisk {
  readonly #file: string;
  readonly #faults: DiskFaults;
  #durable: Buffer = Buffer.alloc(0);
  #pending: Write[] = [];
  readonly #syncs = new Map<number, readonly Write[]>();

  constructor(file: string, faults: DiskFaults = {}) {
    this.#file = file;
    this.#faults = faults;
  }

  take(event: DiskEvent): void {
    if (event.kind === "write" && event.file === this.#file) this.#pending.push(event);
    if (event.kind === "sync" && event.file === this.#file) this.#syncs.set(event.id, this.#pending.slice());
    if (event.kind === "synced" && !this.#faults.lazySync) this.#settle(this.#syncs.get(event.id) ?? []);
    if (event.kind === "written" && !this.#faults.lazyDescriptors) {
      this.#settle(this.#pending.filter((write) => write.id === event.id));
    }
  }

  /** What may be on the disk if the power fails now: of what was not synced some is there, some torn, some not. */
  cut(random: Random): Buffer {
    let image: Buffer = Buffer.from(this.#durable);
    for (const write of this.#pending) {
      const fate = random.int(3);
      const sectors = Math.ceil(write.bytes.length / SECTOR);
      const length = fate === 0 ? 0 : fate === 1 ? write.bytes.length : random.int(sectors) * SECTOR;
      image = place(image, write.at, write.bytes.subarray(0, length));
    }
    return image;
  }

  #settle(writes: readonly Write[]): void {
    if (writes.length === 0) return;
    for (const write of writes) this.#durable = place(this.#durable, write.at, write.bytes);
    const settled = new Set(writes);
    this.#pending = this.#pending.filter((write) => !settled.has(write));
  }
}

/** Writes `bytes` at `at`; in place when there is room. */
function place(image: Buffer, at: number, bytes: Buffer): Buffer {
  const end = at + bytes.length;
  let into = image;
  if (end > image.length && bytes.length > 0) {
    into = Buffer.alloc(end);
    image.copy(into);
  }
  bytes.copy(into, at);
  return into;
}
