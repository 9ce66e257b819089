import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, expectFailure, isAlive, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const MAPS = "/api/v1/namespaces/default/configmaps";

beforeAll(async () => {
  expect(await sandbox.k8ts("up c --simulated")).toMatchObject({ code: 0 });
  expect(await sandbox.api("c", "POST", MAPS, { body: { metadata: { name: "kept" } } })).toMatchObject({ status: 201 });
  expect(await sandbox.k8ts("stop c")).toMatchObject({ code: 0 });
});
afterAll(() => sandbox.dispose());

/** Puts other content in the place of a file while `body` runs. */
async function replaced(file: string, content: string | Buffer, body: () => Promise<void>): Promise<void> {
  const before = readFileSync(file);
  writeFileSync(file, content);
  try {
    await body();
  } finally {
    writeFileSync(file, before);
  }
}

async function startsAgain(): Promise<void> {
  expect(await sandbox.k8ts("start c")).toMatchObject({ code: 0 });
  expect(await sandbox.api("c", "GET", `${MAPS}/kept`)).toMatchObject({ status: 200 });
  expect(await sandbox.k8ts("stop c")).toMatchObject({ code: 0 });
}

describe("a damaged cluster.json", () => {
  it.each<[what: string, content: string, message: RegExp]>([
    ["no JSON", "{", /it is not valid JSON/],
    ["empty", "", /it is not valid JSON/],
    ["something else", '{"a":1}', /not a cluster configuration/],
    ["fields missing", '{"apiVersion":"k8ts.dev/v1","kind":"Cluster","name":"c"}', /it lacks node/],
  ])("%s: every command says so, list shows the rest", async (_what, content, message) => {
    await replaced(sandbox.path("c", "cluster.json"), content, async () => {
      for (const line of ["up c", "start c", "status c", "stop c", "kubeconfig c"])
        expectFailure(await sandbox.k8ts(line), 1, message, /restore the file.*k8ts delete --name c/);
      const list = await sandbox.k8ts("list");
      expect(list).toMatchObject({ code: 0 });
      expect(list.stdout).toMatch(/^c +damaged/m);
      // Another cluster can be made beside it.
      expect(await sandbox.k8ts("up beside --simulated")).toMatchObject({ code: 0 });
      expect(await sandbox.k8ts("delete beside --purge")).toMatchObject({ code: 0 });
    });
  });

  it("of another cluster", async () => {
    const text = readFileSync(sandbox.path("c", "cluster.json"), "utf8").replace('"name": "c"', '"name": "d"');
    await replaced(sandbox.path("c", "cluster.json"), text, async () => {
      expectFailure(await sandbox.k8ts("start c"), 1, /it is of a cluster named "d"/);
    });
    await startsAgain();
  });
});

describe("a damaged store", () => {
  const data = (): string => sandbox.path("c", "store", "data.mdb");
  const marker = (): string => sandbox.path("c", "store", "k8ts-store.json");

  it("says what is wrong at start, and nothing is changed", async () => {
    const cases: [file: string, content: string | Buffer, message: RegExp][] = [
      [data(), Buffer.alloc(64 * 1024), /store in ".*" is damaged/],
      [data(), "not a database", /store in ".*" is damaged/],
      [marker(), "{", /store in ".*" is damaged.*not JSON/],
      [marker(), '{"store":"other","format":1}', /is not a k8ts store/],
      [marker(), '{"store":"k8ts","format":99,"state":"ready"}', /format 99.*use the newer k8ts/],
    ];
    for (const [file, content, message] of cases) {
      await replaced(file, content, async () => {
        expectFailure(await sandbox.k8ts("start c"), 1, message);
        expect(readFileSync(file)).toEqual(Buffer.from(content));
        expect(await sandbox.k8ts("status c")).toMatchObject({ code: 3 });
      });
    }
    await startsAgain();
  });

  it("a folder of somebody else in its place", async () => {
    const elsewhere = join(sandbox.dir, "elsewhere");
    execFileSync("mv", [sandbox.path("c", "store"), elsewhere]);
    mkdirSync(sandbox.path("c", "store"));
    writeFileSync(sandbox.path("c", "store", "thesis.tex"), "years of work");
    expectFailure(await sandbox.k8ts("start c"), 1, /is not a k8ts store: it holds "thesis.tex"/);
    expect(readFileSync(sandbox.path("c", "store", "thesis.tex"), "utf8")).toBe("years of work");
    rmSync(sandbox.path("c", "store"), { recursive: true });
    execFileSync("mv", [elsewhere, sandbox.path("c", "store")]);
    await startsAgain();
  });

  it("a certificate that is none", async () => {
    await replaced(sandbox.path("c", "pki", "ca.crt"), "garbage", async () => {
      expectFailure(await sandbox.k8ts("start c"), 1, /ca.crt is not a PEM certificate/, /restore it from a backup/);
    });
    await startsAgain();
  });
});

describe("folders of others", () => {
  it("are not taken for a cluster's, and never deleted", async () => {
    mkdirSync(sandbox.path("photos"), { recursive: true });
    writeFileSync(sandbox.path("photos", "cat.jpg"), "meow");
    expectFailure(
      await sandbox.k8ts("up photos --simulated"),
      1,
      /is not a folder of k8ts: it holds cat.jpg/,
      /--name|K8TS_HOME/,
    );
    expectFailure(await sandbox.k8ts("delete photos --purge"), 1, /it holds cat.jpg/, /nothing was removed/);
    expect(readdirSync(sandbox.path("photos"))).toEqual(["cat.jpg"]);
    rmSync(sandbox.path("photos"), { recursive: true });
  });

  it("a file where the clusters should be", async () => {
    const file = sandbox.write("file", "");
    expectFailure(
      await sandbox.k8ts("up --simulated", { env: { K8TS_HOME: file } }),
      1,
      /EEXIST|ENOTDIR|not a directory/,
      /K8TS_HOME/,
    );
    expectFailure(
      await sandbox.k8ts("up --simulated", { env: { K8TS_HOME: `${file}/x` } }),
      1,
      /ENOTDIR|not a directory/,
      /K8TS_HOME/,
    );
  });

  it.skipIf(process.getuid?.() !== 0)("a home that cannot be written (for this user)", async () => {
    const locked = join(sandbox.dir, "locked");
    mkdirSync(locked, { mode: 0o700 });
    chmodSync(sandbox.dir, 0o755);
    const command = [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      join(import.meta.dirname, "../../k8ts"),
    ];
    const outcome = await sandbox.k8ts("up --simulated", {
      env: { K8TS_HOME: join(locked, "home"), HOME: "/nonexistent" },
      command,
    });
    expectFailure(outcome, 1, /EACCES: permission denied/, /set K8TS_HOME/);
  });
});

describe("what killed commands leave", () => {
  const pidFile = (): string => sandbox.path("c", "k8ts.pid");
  const lock = (): string => join(sandbox.home, ".c.lock");

  it.each<[what: string, content: () => string]>([
    ["of a process that is gone", () => '{"pid":4194300,"startTime":"1"}'],
    ["of a process whose number was used again", () => JSON.stringify({ pid: process.pid, startTime: "1" })],
    ["cut short", () => '{"pi'],
    ["empty", () => ""],
  ])("a pid file and locks %s", async (_what, content) => {
    writeFileSync(pidFile(), content());
    writeFileSync(lock(), content());
    writeFileSync(join(sandbox.home, ".clusters.lock"), content());
    expect(await sandbox.k8ts("status c")).toMatchObject({ code: 3 });
    const started = await sandbox.k8ts("start c");
    expect(started).toMatchObject({ code: 0 });
    expect(started.ms).toBeLessThan(10_000);
    expect(existsSync(lock())).toBe(false);
    expect(await sandbox.k8ts("up other --simulated")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("delete other --purge")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("stop c")).toMatchObject({ code: 0 });
  });

  it("up killed half-way: the next one finishes its work", async () => {
    for (const ms of [60, 150, 300, 600]) {
      const child = sandbox.start("up half --simulated");
      await new Promise((resolve) => setTimeout(resolve, ms));
      child.kill("SIGKILL");
      expect(await sandbox.k8ts("up half --simulated")).toMatchObject({ code: 0 });
      const pid = sandbox.pid("half");
      expect(await sandbox.k8ts("delete half --purge")).toMatchObject({ code: 0 });
      await eventually(() => expect(isAlive(pid)).toBe(false));
      expect(existsSync(sandbox.path("half"))).toBe(false);
    }
  });

  it("commands take turns: a lock that is held is waited for", async () => {
    const [up, stop] = await Promise.all([sandbox.k8ts("start c"), sandbox.k8ts("stop c")]);
    expect([up.code, stop.code]).toEqual([0, 0]);
    await sandbox.k8ts("stop c");
  });
});

describe("the user's kubeconfig", () => {
  it.each<[what: string, text: string, message: RegExp]>([
    ["broken YAML", "clusters: [", /kubeconfig/],
    ["no kubeconfig", "hello: world\nkind: Other\n", /kubeconfig/],
    ["a list", "- 1\n", /kubeconfig/],
  ])("%s: left alone, the cluster runs, and up says what to do", async (_what, text, message) => {
    const file = sandbox.write("broken.yaml", text);
    const env = { KUBECONFIG: file };
    expectFailure(
      await sandbox.k8ts("up kc --simulated", { env }),
      1,
      message,
      /k8ts kubeconfig --merge.*export KUBECONFIG=/,
    );
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(await sandbox.k8ts("status kc")).toMatchObject({ code: 0 });
    writeFileSync(file, "");
    expect(await sandbox.k8ts("kubeconfig kc --merge", { env })).toMatchObject({ code: 0 });
    expect(readFileSync(file, "utf8")).toContain("k8ts-kc");
    // Broken again: that must not keep the cluster from being deleted, but it is said.
    writeFileSync(file, text);
    const deleted = await sandbox.k8ts("delete kc --purge", { env });
    expect(deleted).toMatchObject({ code: 0 });
    expect(deleted.stderr).toMatch(/warning: context k8ts-kc is left in/);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("a folder in its place, a link into nowhere", async () => {
    mkdirSync(join(sandbox.dir, "folder"), { recursive: true });
    const env = { KUBECONFIG: join(sandbox.dir, "folder") };
    expectFailure(await sandbox.k8ts("up kc --simulated", { env }), 1, /runs, but/, /k8ts kubeconfig --merge/);
    symlinkSync(join(sandbox.dir, "real-config"), join(sandbox.dir, "link-config"));
    writeFileSync(join(sandbox.dir, "real-config"), "");
    expect(
      await sandbox.k8ts("kubeconfig kc --merge", { env: { KUBECONFIG: join(sandbox.dir, "link-config") } }),
    ).toMatchObject({ code: 0 });
    expect(readFileSync(join(sandbox.dir, "real-config"), "utf8")).toContain("k8ts-kc");
    expect(await sandbox.k8ts("delete kc --purge")).toMatchObject({ code: 0 });
  });
});

describe("a missing package", () => {
  it.skipIf(process.getuid?.() !== 0)("is named with what it is for, and nothing is made", async () => {
    const empty = join(sandbox.dir, "bin");
    mkdirSync(empty);
    // `sh` and what ./k8ts itself calls, but no containerd.
    for (const tool of ["sh", "find", "readlink", "env"])
      symlinkSync(execFileSync("which", [tool], { encoding: "utf8" }).trim(), join(empty, tool));
    const outcome = await sandbox.k8ts("up pk --no-install", { env: { PATH: empty } });
    expectFailure(
      outcome,
      1,
      /packages that are missing: .*containerd \(runs the containers\)/,
      /--no-install was given: install .*containerd.*--simulated/,
    );
    expect(existsSync(sandbox.path("pk"))).toBe(false);
  });
});
