import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { baseline, tracesOf } from "../support/traces.ts";
import { eventually, expectFailure, isAlive, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

const configMap = (name: string): object => ({ metadata: { name }, data: { key: "value" } });
const MAPS = "/api/v1/namespaces/default/configmaps";

describe("a simulated cluster", () => {
  beforeAll(async () => {
    expect(await sandbox.k8ts("up --simulated")).toMatchObject({ code: 0 });
  });

  it("has a Ready node", async () => {
    const { items } = JSON.parse((await sandbox.api("local", "GET", "/api/v1/nodes")).text) as {
      items: { status: { conditions: { type: string; status: string }[] } }[];
    };
    expect(items.map((n) => n.status.conditions.find((c) => c.type === "Ready")?.status)).toEqual(["True"]);
  });

  it("is told of in status and list", async () => {
    const status = await sandbox.k8ts("status");
    expect(status).toMatchObject({ code: 0, stderr: "" });
    expect(status.stdout).toContain("local is running");
    const known = { name: "local", state: "running", pid: sandbox.pid("local"), node: "simulated" };
    expect(JSON.parse((await sandbox.k8ts("status -o json")).stdout)).toMatchObject(known);
    expect(JSON.parse((await sandbox.k8ts("list -o json")).stdout)).toMatchObject([known]);
    expect((await sandbox.k8ts("ls")).stdout).toMatch(/^NAME +STATE +NODE +SERVER\nlocal +running +simulated +https:/);
  });

  it("has its context in the kubeconfig, which is nobody else's to read, and prints it", async () => {
    const text = readFileSync(sandbox.kubeconfig, "utf8");
    expect(text).toContain("current-context: k8ts-local");
    expect(statSync(sandbox.kubeconfig).mode & 0o777).toBe(0o600);
    expect((await sandbox.k8ts("kubeconfig")).stdout).toContain("name: k8ts-local");
    const printed = JSON.parse((await sandbox.k8ts("kubeconfig -o json")).stdout) as { "current-context": string };
    expect(printed["current-context"]).toBe("k8ts-local");
  });

  it("stays what it is at a second up, which is quick", async () => {
    const pid = sandbox.pid("local");
    for (const line of ["up", "up --simulated", "start", "up local --simulated"]) {
      const again = await sandbox.k8ts(line);
      expect(again).toMatchObject({ code: 0 });
      expect(again.ms).toBeLessThan(5000);
    }
    expect(sandbox.pid("local")).toBe(pid);
  });

  it("logs", async () => {
    const all = await sandbox.k8ts("logs");
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect((await sandbox.k8ts("logs --tail 0")).stdout).toBe("");
    writeFileSync(sandbox.path("local", "k8ts.log"), "one\ntwo\nthree\n");
    expect((await sandbox.k8ts("logs --tail 2")).stdout).toBe("two\nthree\n");
    const follower = sandbox.start("logs --follow --tail 1");
    let seen = "";
    follower.stdout?.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    await eventually(() => expect(seen).toBe("three\n"));
    writeFileSync(sandbox.path("local", "k8ts.log"), "four\n", { flag: "a" });
    await eventually(() => expect(seen).toBe("three\nfour\n"));
    truncateSync(sandbox.path("local", "k8ts.log"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    writeFileSync(sandbox.path("local", "k8ts.log"), "five\n", { flag: "a" });
    await eventually(() => expect(seen).toBe("three\nfour\nfive\n"));
    follower.kill("SIGKILL");
  });

  it("keeps its log below a bound", async () => {
    const log = sandbox.path("local", "k8ts.log");
    expect(await sandbox.k8ts("stop")).toMatchObject({ code: 0 });
    writeFileSync(log, "x".repeat(9 << 20));
    expect(await sandbox.k8ts("start")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("stop")).toMatchObject({ code: 0 });
    expect(statSync(`${log}.1`).size).toBeGreaterThanOrEqual(9 << 20);
    expect(statSync(log).size).toBeLessThan(1 << 20);
    expect((await sandbox.k8ts("logs")).stdout.length).toBeGreaterThan(9 << 20);
    expect(await sandbox.k8ts("start")).toMatchObject({ code: 0 });
  });

  it("keeps everything when killed at any moment, and starts again", async () => {
    for (let round = 0; round < 3; round++) {
      expect(await sandbox.api("local", "POST", MAPS, { body: configMap(`kept-${round}`) })).toMatchObject({
        status: 201,
      });
      const pid = sandbox.pid("local");
      process.kill(pid, "SIGKILL");
      await eventually(() => expect(isAlive(pid)).toBe(false));
      expect(await sandbox.k8ts("status")).toMatchObject({ code: 3 });
      expect(await sandbox.k8ts(round === 1 ? "up" : "start")).toMatchObject({ code: 0 });
    }
    for (let round = 0; round < 3; round++)
      expect(await sandbox.api("local", "GET", `${MAPS}/kept-${round}`)).toMatchObject({ status: 200 });
  });

  it("stops at once on SIGTERM, with watches open, and SIGINT; stop is harmless when nothing runs", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const watch = sandbox.api("local", "GET", "/api/v1/pods?watch=1").catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const pid = sandbox.pid("local");
      const started = performance.now();
      process.kill(pid, signal);
      await eventually(() => expect(isAlive(pid)).toBe(false));
      expect(performance.now() - started, sandbox.log("local")).toBeLessThan(2000);
      await watch;
      expect(sandbox.log("local")).not.toContain("still open");
      expect(sandbox.log("local")).not.toContain("nobody looked");
      expect(await sandbox.k8ts("stop")).toMatchObject({ code: 0 });
      expect(JSON.parse((await sandbox.k8ts("stop -o json")).stdout)).toEqual({ name: "local", state: "stopped" });
      expect(await sandbox.k8ts("start")).toMatchObject({ code: 0 });
    }
  });

  it("runs in the foreground for service managers, one at a time, and ends with 0", async () => {
    expectFailure(await sandbox.k8ts("server --name local"), 1, /local runs already/, /k8ts stop/);
    expect(await sandbox.k8ts("down")).toMatchObject({ code: 0 });
    const server = sandbox.start("server --name local");
    const code = new Promise((resolve) => server.once("exit", resolve));
    await eventually(async () => expect(await sandbox.k8ts("status")).toMatchObject({ code: 0 }));
    server.kill("SIGTERM");
    expect(await code).toBe(0);
    expect(await sandbox.k8ts("start")).toMatchObject({ code: 0 });
  });

  it("is gone after delete, context and files too", async () => {
    const pid = sandbox.pid("local");
    const deleted = await sandbox.k8ts("delete --purge -o json");
    expect(deleted).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(deleted.stdout)).toEqual({ name: "local", state: "removed" });
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(sandbox.home)).toBe(false);
    expect(existsSync(sandbox.kubeconfig)).toBe(false);
  });
});

describe("clusters side by side", () => {
  it("share nothing; the user's kubeconfig keeps what is not ours", async () => {
    const mine =
      "# mine\napiVersion: v1\nkind: Config\nclusters:\n- name: other\n  cluster: {server: 'https://x'}\ncontexts:\n- name: other\n  context: {cluster: other, user: ''}\nusers: []\ncurrent-context: other\n";
    const kubeconfig = sandbox.write("mine.yaml", mine);
    const env = { KUBECONFIG: kubeconfig };
    const [a, b] = await Promise.all(["a", "b"].map((name) => sandbox.k8ts(`up ${name} --simulated -o json`, { env })));
    expect([a?.code, b?.code], `${a?.stderr}${b?.stderr}`).toEqual([0, 0]);
    const fields = ["apiPort", "kubeletPort", "dnsPort", "podCidr", "serviceCidr"];
    for (const field of fields) expect(sandbox.spec("a")[field]).not.toBe(sandbox.spec("b")[field]);
    expect(await sandbox.api("a", "POST", MAPS, { body: configMap("only-a") })).toMatchObject({ status: 201 });
    expect(await sandbox.api("b", "GET", `${MAPS}/only-a`)).toMatchObject({ status: 404 });
    const merged = readFileSync(kubeconfig, "utf8");
    for (const part of ["# mine", "name: other", "name: k8ts-a", "name: k8ts-b"]) expect(merged).toContain(part);
    // The environment at delete may be another: the context goes from where it went.
    expect(await sandbox.k8ts("delete a --purge")).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(kubeconfig, "utf8")).not.toContain("k8ts-a");
    expect(await sandbox.k8ts("status b")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("down b --purge", { env })).toMatchObject({ code: 0 });
    const left = readFileSync(kubeconfig, "utf8");
    expect(left).not.toContain("k8ts");
    for (const part of ["# mine", "name: other", "https://x"]) expect(left).toContain(part);
  });

  it("come up once when two commands are given at the same time", async () => {
    const before = baseline();
    const outcomes = await Promise.all([1, 2, 3].map(() => sandbox.k8ts("up twin --simulated")));
    expect(
      outcomes.map((o) => o.code),
      outcomes.map((o) => o.stderr).join(""),
    ).toEqual([0, 0, 0]);
    const pid = sandbox.pid("twin");
    const servers = tracesOf({ cluster: "twin", home: sandbox.home }, before).filter((trace) =>
      trace.startsWith("process"),
    );
    expect(servers).toHaveLength(1);
    expect(isAlive(pid)).toBe(true);
    const ends = await Promise.all([sandbox.k8ts("delete twin --purge"), sandbox.k8ts("stop twin")]);
    expect(ends[0]).toMatchObject({ code: 0 });
    expect([0, 3]).toContain(ends[1]?.code);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(sandbox.home)).toBe(false);
  });
});
