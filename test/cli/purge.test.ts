import { existsSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { baseline, tracesOf } from "../support/traces.ts";
import { eventually, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

describe.skipIf(process.platform !== "linux")("delete --purge of a simulated cluster", () => {
  it.each(["running", "stopped", "killed"])("leaves nothing on the machine (%s)", async (state) => {
    const cluster = `purge${process.pid}`;
    const marks = { cluster, home: sandbox.home };
    const before = baseline();
    expect(tracesOf(marks, before)).toEqual([]);
    expect(await sandbox.k8ts(`up ${cluster} --simulated`)).toMatchObject({ code: 0 });
    expect(tracesOf(marks, before).map((trace) => trace.split(" ")[0])).toEqual(["process", "file"]);
    if (state === "stopped") expect(await sandbox.k8ts(`stop ${cluster}`)).toMatchObject({ code: 0 });
    if (state === "killed") process.kill(sandbox.pid(cluster), "SIGKILL");
    expect(await sandbox.k8ts(`delete ${cluster} --purge`)).toMatchObject({ code: 0, stderr: "" });
    await eventually(() => expect(tracesOf(marks, before)).toEqual([]));
    expect(existsSync(sandbox.kubeconfig)).toBe(false);
  });
});
