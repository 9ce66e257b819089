import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createMetrics, RealClock, silent } from "../../src/kit/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/index.ts";
import { DiskFullError, type Store } from "../../src/store/index.ts";

const env = { clock: new RealClock(), log: silent, metrics: createMetrics() };
const root = mkdtempSync(join(tmpdir(), "k8ts-full-"));
const disk = join(root, "disk");

function run(command: string, ...args: string[]): string {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? "" : `${command}: ${error?.message ?? stderr.trim()}`;
}

/** A small file system of its own; answers why that cannot be had here. */
function mount(): string {
  if (process.getuid?.() !== 0) return "needs root";
  mkdirSync(disk);
  writeFileSync(join(root, "image"), "");
  truncateSync(join(root, "image"), 64 * 1024 * 1024);
  return run("mkfs.ext4", "-q", join(root, "image")) || run("mount", "-o", "loop", join(root, "image"), disk);
}

const obstacle = mount();
if (obstacle !== "") rmSync(root, { recursive: true });

describe.skipIf(obstacle !== "")(`a full disk ${obstacle && `(${obstacle})`}`, () => {
  const mib = Buffer.alloc(1024 * 1024, "x");
  const ballast = join(disk, "ballast");
  afterAll(() => {
    run("umount", "--lazy", disk);
    rmSync(root, { recursive: true, force: true });
  });

  /** Puts until the disk is full; answers how many puts were acknowledged. */
  async function fill(store: Store, from: number): Promise<number> {
    for (let i = from; ; i++) {
      const key = `/k/${String(i).padStart(5, "0")}`;
      try {
        await store.commit([{ kind: "put", key, value: Buffer.from(`${i} `.repeat(20_000)), expect: 0 }]);
      } catch (error) {
        expect(error).toBeInstanceOf(DiskFullError);
        expect((await store.get(key)).entry).toBeUndefined();
        return i;
      }
    }
  }

  async function expectAll(store: Store, count: number): Promise<void> {
    const { entries } = await store.range({ start: "/k/", end: "/k0" });
    expect(entries.map((entry) => Number(entry.key.slice(3)))).toEqual(Array.from({ length: count }, (_, i) => i));
    for (const [i, { value }] of entries.entries()) expect(value.length).toBe(`${i} `.length * 20_000);
  }

  for (const [how, reserveBytes] of [
    ["the store looks ahead", 1024 * 1024],
    ["the file system refuses", 0],
  ] as const) {
    it(`rejects commits, serves reads, and takes writes again once there is room (${how})`, async () => {
      const path = join(disk, `store-${reserveBytes}`);
      const { signal } = new AbortController();
      const store = await openEmbeddedStore({ path, env, reserveBytes });
      const watch = store.watch({ start: "", end: "", signal })[Symbol.asyncIterator]();
      writeFileSync(ballast, Buffer.alloc(20 * 1024 * 1024));
      let count = 0;
      for (let round = 0; round < 5; round++) {
        count = await fill(store, count);
        const refused = await Promise.allSettled(
          Array.from({ length: 50 }, (_, i) => store.commit([{ kind: "put", key: `/lost/${i}`, value: mib }])),
        );
        expect(new Set(refused.map((result) => result.status))).toEqual(new Set(["rejected"]));
        await expectAll(store, count);
        expect(await store.revision()).toBe(count + 1);
        truncateSync(ballast, (18 - round * 2) * 1024 * 1024);
        const before = count;
        count = await fill(store, count);
        expect(count).toBeGreaterThan(before + 5);
      }
      for (let i = 0; i < count; i++) {
        expect((await watch.next()).value).toMatchObject({
          revision: i + 2,
          events: [{ entry: { createRevision: i + 2 } }],
        });
      }
      unlinkSync(ballast);
      await store.close();
      const again = await openEmbeddedStore({ path, env });
      await expectAll(again, count);
      expect(await again.commit([{ kind: "put", key: "/after", value: mib }])).toEqual({
        ok: true,
        revision: count + 2,
      });
      await again.close();
      rmSync(path, { recursive: true });
    });
  }

  it("is told when a store cannot even be made", async () => {
    const room = (): number => statfsSync(disk).bfree * statfsSync(disk).bsize;
    // The writes end when the disk is full: that is the point.
    for (let size = room(), i = 0; size >= 4096 && i < 200; size = Math.min(size, room())) {
      try {
        writeFileSync(join(disk, `ballast-${i++}`), Buffer.alloc(size));
      } catch {
        size >>= 1;
      }
    }
    await expect(openEmbeddedStore({ path: join(disk, "new"), env })).rejects.toThrow(DiskFullError);
  });
});
