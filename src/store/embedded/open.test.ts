import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SeededRandom, testEnv } from "../../kit/index.ts";
import { CorruptStoreError, ForeignDirectoryError, NewerFormatError, StoreAccessError } from "../errors.ts";
import { StoreError, StoreLockedError } from "../errors.ts";
import { openEmbeddedStore } from "./index.ts";
import { scratchDirectory } from "./testing.ts";

const env = testEnv();
const open = (path: string): ReturnType<typeof openEmbeddedStore> => openEmbeddedStore({ path, env });

async function filled(path: string, count: number): Promise<void> {
  const store = await open(path);
  for (let i = 0; i < count; i++) {
    await store.commit([{ kind: "put", key: `/k/${i}`, value: Buffer.from(`value ${i} `.repeat(1 + (i % 60) * 8)) }]);
  }
  await store.close();
}

describe("opening the embedded store", () => {
  it("makes the directory for the owner alone", async () => {
    using scratch = scratchDirectory();
    const path = join(scratch.path, "a", "b");
    const store = await open(path);
    expect((statSync(path).mode & 0o777).toString(8)).toBe("700");
    for (const file of readdirSync(path)) {
      expect(`${file} ${(statSync(join(path, file)).mode & 0o777).toString(8)}`).toBe(`${file} 600`);
    }
    await store.close();
  });

  it("takes a directory that only a file system put something into", async () => {
    using scratch = scratchDirectory();
    mkdirSync(join(scratch.path, "lost+found"));
    await (await open(scratch.path)).close();
  });

  it("finishes a creation that was interrupted", async () => {
    using scratch = scratchDirectory();
    const marker = join(scratch.path, "k8ts-store.json");
    writeFileSync(marker, JSON.stringify({ store: "k8ts", format: 1, state: "creating" }));
    writeFileSync(join(scratch.path, "data.mdb"), "");
    await (await open(scratch.path)).close();
    expect(JSON.parse(readFileSync(marker, "utf8"))).toMatchObject({ state: "ready" });
  });

  const foreign: Record<string, (path: string) => void> = {
    "a file of somebody else": (path) => writeFileSync(join(path, "holiday.jpg"), "x"),
    "another lmdb database": (path) => writeFileSync(join(path, "data.mdb"), "x"),
    "a marker that is not ours": (path) => writeFileSync(join(path, "k8ts-store.json"), "{}"),
  };
  for (const [what, plant] of Object.entries(foreign)) {
    it(`refuses a directory with ${what}, and changes nothing`, async () => {
      using scratch = scratchDirectory();
      plant(scratch.path);
      const before = readdirSync(scratch.path);
      await expect(open(scratch.path)).rejects.toThrow(ForeignDirectoryError);
      expect(readdirSync(scratch.path)).toEqual(before);
    });
  }

  it("refuses a path that is a file", async () => {
    using scratch = scratchDirectory();
    const path = join(scratch.path, "file");
    writeFileSync(path, "x");
    await expect(open(path)).rejects.toThrow(ForeignDirectoryError);
    await expect(open(join(path, "below"))).rejects.toThrow(StoreAccessError);
  });

  it.skipIf(process.getuid?.() === 0)("tells that it may not read the directory", async () => {
    using scratch = scratchDirectory();
    chmodSync(scratch.path, 0o000);
    await expect(open(scratch.path)).rejects.toThrow(StoreAccessError);
  });

  it("refuses a newer format", async () => {
    using scratch = scratchDirectory();
    await filled(scratch.path, 1);
    const marker = { store: "k8ts", format: 99, state: "ready" };
    writeFileSync(join(scratch.path, "k8ts-store.json"), JSON.stringify(marker));
    const refused = expect(open(scratch.path)).rejects;
    await refused.toThrow(NewerFormatError);
    await expect(open(scratch.path)).rejects.toThrow(/format 99.*up to 1/);
  });
});

describe("who owns the embedded store", () => {
  it("is this process alone, even when asked twice here", async () => {
    using scratch = scratchDirectory();
    const store = await open(scratch.path);
    await expect(open(scratch.path)).rejects.toThrow(StoreLockedError);
    await expect(open(scratch.path)).rejects.toThrow(new RegExp(`in use by process ${process.pid}`));
    await store.commit([{ kind: "put", key: "/a", value: Buffer.from("still works") }]);
    await store.close();
    await (await open(scratch.path)).close();
  });

  it("is another living process, until it dies", async () => {
    using scratch = scratchDirectory();
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end(`
      import { openEmbeddedStore } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
      import { testEnv } from ${JSON.stringify(import.meta.resolve("../../kit/index.ts"))};
      const store = await openEmbeddedStore({ path: ${JSON.stringify(scratch.path)}, env: testEnv() });
      await store.commit([{ kind: "put", key: "/a", value: Buffer.from("kept") }]);
      console.log("ready");
      setInterval(() => store.revision(), 1000);
    `);
    await once(child.stdout, "data");
    await expect(open(scratch.path)).rejects.toMatchObject({ code: "StoreLocked", details: { pid: child.pid } });
    child.kill("SIGKILL");
    await once(child, "exit");
    const store = await open(scratch.path);
    expect(Buffer.from((await store.get("/a")).entry?.value ?? []).toString()).toBe("kept");
    await store.close();
  });

  it("is nobody when another process got the number of the one that died", async () => {
    using scratch = scratchDirectory();
    await filled(scratch.path, 1);
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    for (const holder of [
      { pid: process.pid, started: 1, boot },
      { pid: process.pid, started: 1, boot: "before" },
      "?",
    ]) {
      writeFileSync(join(scratch.path, "owner"), JSON.stringify(holder));
      await (await open(scratch.path)).close();
    }
  });
});

describe("a damaged embedded store", () => {
  const damages: Record<string, (file: string) => void> = {
    "lost its data": (file) => unlinkSync(file),
    "has empty data": (file) => truncateSync(file, 0),
    "has somebody else's data": (file) => writeFileSync(file, "GIF89a".repeat(10_000)),
    "has two pages only": (file) => truncateSync(file, 8192),
    "lost its end": (file) => truncateSync(file, statSync(file).size / 2),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`says so when it ${what}`, async () => {
      using scratch = scratchDirectory();
      await filled(scratch.path, 400);
      damage(join(scratch.path, "data.mdb"));
      const read = async (): Promise<void> => {
        const store = await open(scratch.path);
        try {
          await store.range({ start: "", end: "" });
        } finally {
          await store.close();
        }
      };
      await expect(read()).rejects.toThrow(CorruptStoreError);
    });
  }

  it("says so when its marker is not JSON", async () => {
    using scratch = scratchDirectory();
    await filled(scratch.path, 1);
    appendFileSync(join(scratch.path, "k8ts-store.json"), "}");
    await expect(open(scratch.path)).rejects.toThrow(CorruptStoreError);
  });

  it("never gives a wrong value, whichever bit of its records flipped", async () => {
    using scratch = scratchDirectory();
    await filled(scratch.path, 120);
    const truth = await contentOf(scratch.path);
    const file = join(scratch.path, "data.mdb");
    const copy = join(scratch.path, "..", `${scratch.path.split("/").at(-1)}.copy`);
    copyFileSync(file, copy);
    const random = new SeededRandom(11);
    const bytes = readFileSync(copy);
    let noticed = 0;
    for (let i = 0; i < 60; i++) {
      const flipped = Buffer.from(bytes);
      // Inside a value or an index record: the structure around them belongs to lmdb (see docs of CorruptStoreError).
      const at = bytes.indexOf(`value ${random.int(120)} `, random.int(bytes.length / 2)) + random.int(6);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.int(8));
      writeFileSync(file, flipped);
      const content = await contentOf(scratch.path).catch((error: unknown) => error);
      if (content instanceof StoreError) noticed++;
      else expect(content).toEqual(truth);
    }
    unlinkSync(copy);
    expect(noticed).toBeGreaterThan(20);
  });
});

async function contentOf(path: string): Promise<string[]> {
  const store = await open(path);
  try {
    const { entries } = await store.range({ start: "", end: "" });
    return entries.map(({ key, value, modRevision }) => `${key} ${modRevision} ${Buffer.from(value).toString()}`);
  } finally {
    await store.close();
  }
}
