import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, expectFailure, isAlive, Sandbox } from "./sandbox.ts";

const outer = new Sandbox();
const disk = join(outer.dir, "disk");
const MAPS = "/api/v1/namespaces/default/configmaps";

/** Why there is no small disk to fill here; undefined: there is, at `disk`. */
const why = ((): string | undefined => {
  if (process.getuid?.() !== 0) return "only root can mount a small disk";
  const image = join(outer.dir, "disk.img");
  try {
    mkdirSync(disk);
    execFileSync("truncate", ["-s", "24M", image]);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", image], { stdio: "ignore" });
    execFileSync("mount", ["-o", "loop", image, disk], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no small disk can be mounted here (loop devices, mkfs.ext4)";
  }
})();

if (why) outer.dispose();

describe.skipIf(why !== undefined)(`a full disk${why ? ` (${why})` : ""}`, () => {
  const sandbox = why ? outer : new Sandbox(disk);
  const ballast = join(disk, "ballast");
  const names: string[] = [];

  function fill(): void {
    try {
      execFileSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4k", "oflag=append", "conv=notrunc"], {
        stdio: "ignore",
      });
    } catch {
      // Full, as intended.
    }
  }

  const create = (name: string): ReturnType<Sandbox["api"]> =>
    sandbox.api("full", "POST", MAPS, { body: { metadata: { name }, data: { filling: "x".repeat(20_000) } } });

  const kept = async (): Promise<void> => {
    for (const name of names)
      expect(await sandbox.api("full", "GET", `${MAPS}/${name}`)).toMatchObject({ status: 200 });
  };

  beforeAll(async () => {
    expect(await sandbox.k8ts("up full --simulated")).toMatchObject({ code: 0 });
    expect(await create("before")).toMatchObject({ status: 201 });
    names.push("before");
  });

  afterAll(() => {
    sandbox.dispose();
    execFileSync("umount", ["-l", disk]);
    outer.dispose();
  });

  it("refuses writes with a clear error and goes on reading", async () => {
    fill();
    let refused = await create("probe-0");
    for (let i = 1; refused.status === 201 && i < 50; i++) {
      names.push(`probe-${i - 1}`);
      refused = await create(`probe-${i}`);
    }
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(JSON.parse(refused.text)).toMatchObject({ kind: "Status", status: "Failure" });
    expect(refused.text).toMatch(/no space left/i);
    expect(refused.text).not.toMatch(/\bat .*\.(ts|js|cjs):/);
    await kept();
    expect(isAlive(sandbox.pid("full"))).toBe(true);
  });

  it("another cluster cannot be made there, and says why", async () => {
    expectFailure(
      await sandbox.k8ts("up second --simulated"),
      1,
      /no space left|disk is full/i,
      /free some space|disk is full|free some/,
    );
    expect(await sandbox.k8ts("delete second --purge")).toMatchObject({ code: 0 });
  });

  it("takes writes again when there is room, with everything that was acknowledged", async () => {
    rmSync(ballast);
    await eventually(async () => expect(await create("after")).toMatchObject({ status: 201 }));
    names.push("after");
    await kept();
  });

  it("stops, and when it is killed on a full disk it starts again once there is room", async () => {
    fill();
    process.kill(sandbox.pid("full"), "SIGKILL");
    const started = await sandbox.k8ts("start full");
    if (started.code !== 0) expectFailure(started, 1, /no space left|disk is full/i);
    rmSync(ballast);
    expect(await sandbox.k8ts("start full")).toMatchObject({ code: 0 });
    await kept();
    fill();
    expect(await sandbox.k8ts("stop full")).toMatchObject({ code: 0 });
  });

  it("is deleted although the disk is full", async () => {
    writeFileSync(ballast, "");
    fill();
    expect(await sandbox.k8ts("delete full --purge")).toMatchObject({ code: 0 });
    rmSync(ballast);
  });
});
