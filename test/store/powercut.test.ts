import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/kit/index.ts";
import { NOTHING, verify } from "./crash/verify.ts";
import { SimulatedDisk, type DiskFaults } from "./powercut/disk.ts";
import { readTrace, TRACED, type DiskEvent } from "./powercut/trace.ts";

/**
 * kill -9 leaves the page cache alone, so it cannot see a missing fsync. Here a writer's system calls are recorded and the disk
 * is simulated: at any moment the power may fail, and what was not synced may be lost or torn.
 */
const CUTS = Number(process.env["K8TS_POWER_CUTS"] ?? 120);
const traceable = spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;

describe.skipIf(!traceable)(`power cuts (needs strace${traceable ? "" : ": missing or not permitted"})`, () => {
  let [root, log, data] = ["", "", ""];
  let events: DiskEvent[] = [];

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "k8ts-power-"));
    [log, data] = [join(root, "log"), join(root, "store", "data.mdb")];
    writeFileSync(log, "");
    const trace = join(root, "trace");
    const writer = [join(import.meta.dirname, "crash", "writer.ts"), join(root, "store"), log, "1"];
    const flags = ["-f", "-xx", "-s", "10000000", "-e", `trace=${TRACED}`, "-o", trace];
    const child = spawn("strace", [...flags, process.execPath, ...writer], { detached: true });
    await once(child.stdout, "data");
    child.stdin.write("go\n");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
    events = readTrace(trace);
    rmSync(trace);
  });

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Cuts the power at `count` moments and tells what was found wrong, and how many acknowledgements were looked for. */
  async function cut(count: number, faults: DiskFaults): Promise<{ wrong: string[]; acks: number }> {
    const random = new SeededRandom(5);
    const begun = events.findIndex((event) => event.kind === "write" && event.file === log);
    const moments = Array.from({ length: count }, () => begun + random.int(events.length - begun)).toSorted(
      (a, b) => a - b,
    );
    const disk = new SimulatedDisk(data, faults);
    const lines: Buffer[] = [];
    const found = { wrong: [] as string[], acks: 0 };
    let next = 0;
    for (const moment of moments) {
      for (; next <= moment; next++) {
        const event = events[next] as DiskEvent;
        disk.take(event);
        if (event.kind === "write" && event.file === log) lines.push(event.bytes);
      }
      const path = join(root, `cut-${moment}`);
      mkdirSync(path);
      writeFileSync(join(path, "log"), Buffer.concat(lines));
      mkdirSync(join(path, "store"));
      writeFileSync(
        join(path, "store", "k8ts-store.json"),
        JSON.stringify({ store: "k8ts", format: 1, state: "ready" }),
      );
      writeFileSync(join(path, "store", "data.mdb"), disk.cut(random));
      try {
        found.acks += (await verify(join(path, "store"), join(path, "log"), NOTHING)).acks;
      } catch (error) {
        found.wrong.push(error instanceof Error ? error.message : String(error));
      }
      rmSync(path, { recursive: true });
      if (found.wrong.length > 0) break;
    }
    return found;
  }

  it("recorded a writer at work", () => {
    const count = (kind: DiskEvent["kind"]): number => events.filter((event) => event.kind === kind).length;
    expect(count("write")).toBeGreaterThan(200);
    expect(count("synced")).toBeGreaterThan(40);
    expect(count("written")).toBeGreaterThan(40);
  });

  const broken: Record<string, DiskFaults> = {
    "forgets what fdatasync was asked to write": { lazySync: true },
    "forgets what a synchronous descriptor wrote": { lazyDescriptors: true },
  };
  for (const [what, faults] of Object.entries(broken)) {
    it(`notices a disk that ${what}`, async () => {
      expect((await cut(10, faults)).wrong.length).toBeGreaterThan(0);
    });
  }

  it(`loses nothing acknowledged in ${CUTS} cuts`, { timeout: 60_000 + CUTS * 1000 }, async () => {
    const { wrong, acks } = await cut(CUTS, {});
    expect(wrong).toEqual([]);
    expect(acks).toBeGreaterThan(CUTS * 20);
  });
});
