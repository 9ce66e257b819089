import { type MountEntry, type Mounter, type TmpfsOptions, isWithin } from "./mounter.ts";

/** A mount table that exists only in memory; nothing is mounted. */
export class FakeMounter implements Mounter {
  readonly entries: MountEntry[] = [];

  async tmpfs(target: string, options: TmpfsOptions = {}): Promise<void> {
    const list = [
      ...(options.size === undefined ? [] : [`size=${options.size}`]),
      ...(options.mode === undefined ? [] : [`mode=${options.mode}`]),
    ];
    this.entries.push({ target, source: "tmpfs", type: "tmpfs", options: ["rw", ...list] });
  }

  async bind(source: string, target: string, options: { readonly readOnly?: boolean } = {}): Promise<void> {
    this.entries.push({ target, source, type: "bind", options: [options.readOnly ? "ro" : "rw"] });
  }

  async unmount(target: string): Promise<void> {
    const at = this.entries.findLastIndex((m) => m.target === target);
    if (at >= 0) this.entries.splice(at, 1);
  }

  async list(prefix: string): Promise<MountEntry[]> {
    return this.entries.filter((m) => isWithin(m.target, prefix));
  }
}
