import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { expectFailure, ROOT, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

const HELP = /k8ts --help lists the commands/;

describe("command lines that cannot be used", () => {
  it.each<[line: string, message: RegExp, hint: RegExp]>([
    ["frobnicate", /unknown command 'frobnicate'/, HELP],
    ["upp", /unknown command 'upp'/, /Did you mean up\?/],
    ["up --frobnicate", /unknown option '--frobnicate'/, HELP],
    ["up --simulate", /unknown option '--simulate'/, /Did you mean --simulated\?/],
    ["up --api-port", /option '--api-port <port>' argument missing/, HELP],
    ["up --api-port https", /argument 'https' is invalid/, /expected a number/],
    ["up --simulated --api-port 70000", /apiPort is 70000, expected a port from 1 to 65535/, /./],
    ["up --simulated --simulated-nodes -1", /argument '-1' is invalid|argument missing/, HELP],
    ["up --simulated --simulated-nodes 20000", /simulatedNodes is 20000, expected a number from 0 to 10000/, /./],
    ["up --wait soon", /argument 'soon' is invalid/, /expected a number/],
    ["up one two", /too many arguments/, HELP],
    ["up one --name two", /"one" and --name "two" are two clusters/, /give one name/],
    ["up --name Capital", /cluster name "Capital" is invalid/, /lower-case letters/],
    ["up --name a/b", /cluster name "a\/b" is invalid/, /lower-case letters/],
    ["up --name ..", /cluster name ".." is invalid/, /lower-case letters/],
    ["up --name -", /cluster name "-" is invalid/, /lower-case letters/],
    [`up --name ${"x".repeat(33)}`, /cluster name "x{33}" is invalid/, /at most 32/],
    ["up --simulated -o yaml", /output format "yaml" is unknown/, /use -o json/],
    ["list -o wide", /output format "wide" is unknown/, /use -o json/],
    ["delete --purgee", /unknown option '--purgee'/, /Did you mean --purge\?/],
    ["logs --tail many", /argument 'many' is invalid/, /expected a number/],
    ["image", /unknown command|Usage/, /./],
    ["image build --tag a", /missing required argument 'source'/, HELP],
    ["image build /tmp", /required option '-t, --tag <image>' not specified/, HELP],
    ["image frob", /unknown command 'frob'/, HELP],
    ["server --frob", /Unknown option '--frob'/, /./],
  ])("%s", async (line, message, hint) => {
    const outcome = await sandbox.k8ts(line);
    if (line === "image") expect(outcome.code).toBe(2);
    else expectFailure(outcome, 2, message, hint);
    expect(outcome.stdout).toBe("");
  });

  it.each(["status", "stop", "start", "logs", "kubeconfig", "image list", "server"])(
    "%s of a cluster that does not exist: exit code 3",
    async (verb) => {
      expectFailure(
        await sandbox.k8ts(`${verb} --name nope`),
        3,
        /no (cluster|log of a cluster) named nope/,
        /k8ts (up|list)/,
      );
    },
  );

  it("deletes what is not there without complaint", async () => {
    const outcome = await sandbox.k8ts("delete nope --purge");
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("nothing to remove");
    expect(JSON.parse((await sandbox.k8ts("delete nope -o json")).stdout)).toEqual({ name: "nope", state: "absent" });
  });
});

describe("help", () => {
  it.each(["--help", "help", "up --help", "help up", "image --help"])("%s ends well, on stdout", async (line) => {
    const outcome = await sandbox.k8ts(line);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("Usage: k8ts");
  });

  it("says its version, which is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect((await sandbox.k8ts("--version")).stdout).toBe(`k8ts ${version} (Kubernetes v1.35.2)\n`);
  });

  it("lists no clusters where there are none", async () => {
    expect((await sandbox.k8ts("list")).stdout).toContain("k8ts up");
    expect((await sandbox.k8ts("list -o json")).stdout).toBe("[]\n");
  });

  it("works when called through a link and from elsewhere", async () => {
    const { symlinkSync } = await import("node:fs");
    symlinkSync(join(ROOT, "k8ts"), join(sandbox.dir, "link"));
    expect(await sandbox.k8ts("list", { command: ["./link"], cwd: sandbox.dir })).toMatchObject({ code: 0 });
  });
});
