import type { CgroupLimits, CgroupUsage, Cgroups } from "./cgroups.ts";

/** Control groups that exist only in memory. */
export class FakeCgroups implements Cgroups {
  readonly version = 2;
  readonly groups = new Map<string, CgroupLimits>();

  apply(path: string, limits: CgroupLimits): void {
    this.groups.set(path, { ...this.groups.get(path), ...limits });
  }

  remove(path: string): boolean {
    for (const key of this.groups.keys()) if (key === path || key.startsWith(`${path}/`)) this.groups.delete(key);
    return true;
  }

  children(path: string): string[] {
    const below = [...this.groups.keys()].filter((key) => key.startsWith(`${path}/`));
    return [...new Set(below.map((key) => key.slice(path.length + 1).split("/")[0] ?? ""))];
  }

  usage(): CgroupUsage {
    return {};
  }

  pids(): number[] {
    return [];
  }
}
