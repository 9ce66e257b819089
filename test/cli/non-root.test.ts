import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT, Sandbox } from "./sandbox.ts";

const NOBODY = 65534;
const why = ((): string | undefined => {
  if (process.getuid?.() !== 0) return "only root can become somebody else";
  try {
    execFileSync("setpriv", ["--reuid", String(NOBODY), "--clear-groups", "test", "-r", join(ROOT, "k8ts")]);
    return undefined;
  } catch {
    return "setpriv is missing, or others may not read this checkout";
  }
})();

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

describe.skipIf(why !== undefined)(`another user than root${why ? ` (${why})` : ""}`, () => {
  const user = join(sandbox.dir, "user");
  const command = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", join(ROOT, "k8ts")];
  // As in a fresh login: neither K8TS_HOME nor KUBECONFIG.
  const env = {
    HOME: user,
    K8TS_HOME: undefined,
    KUBECONFIG: undefined,
    XDG_CACHE_HOME: undefined,
    XDG_DATA_HOME: undefined,
  };

  it("gets the control plane and a simulated node with one command, and is told so", async () => {
    chmodSync(sandbox.dir, 0o755);
    mkdirSync(user);
    chownSync(user, NOBODY, NOBODY);
    const up = await sandbox.k8ts("up", { command, env });
    expect(up.code, up.stderr).toBe(0);
    expect(up.stderr).toMatch(/you are not root: the cluster gets a simulated node, whose pods run no containers/);
    expect(up.stdout).toContain(`current in ${user}/.kube/config`);
    const status = JSON.parse((await sandbox.k8ts("status -o json", { command, env })).stdout) as object;
    expect(status).toMatchObject({ state: "running", node: "simulated", directory: `${user}/.local/share/k8ts/local` });
  });

  it("owns all that was made, and nobody else can read it", () => {
    for (const path of [".kube/config", ".local/share/k8ts/local", ".local/share/k8ts/local/pki/admin.key"]) {
      const { uid, mode } = statSync(join(user, path));
      expect({ path, uid, others: mode & 0o077 }).toEqual({ path, uid: NOBODY, others: 0 });
    }
  });

  it("cannot have a port below 1024, and is told so", async () => {
    const outcome = await sandbox.k8ts("up low --api-port 443", { command, env });
    // Containers often allow it to all.
    if (outcome.code === 0) await sandbox.k8ts("delete low --purge", { command, env });
    else
      expect(outcome).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("may not listen on port 443") as string,
      });
  });

  it("leaves nothing after delete --purge", async () => {
    expect(await sandbox.k8ts("delete --purge", { command, env })).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(user).filter((entry) => entry !== ".local" && entry !== ".cache")).toEqual([]);
    expect(readdirSync(join(user, ".local/share"))).toEqual([]);
  });
});

describe.skipIf(process.getuid?.() !== 0)("root by way of sudo", () => {
  it("gives the kubeconfig to the user who called", async () => {
    const home = join(sandbox.dir, "caller");
    mkdirSync(home);
    chownSync(home, NOBODY, NOBODY);
    const file = join(home, ".kube/config");
    const env = { KUBECONFIG: file, SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY) };
    expect(await sandbox.k8ts("up sudo --simulated", { env })).toMatchObject({ code: 0 });
    for (const path of [file, join(home, ".kube")]) expect(statSync(path).uid).toBe(NOBODY);
    expect(statSync(sandbox.path("sudo", "pki", "admin.key")).uid).toBe(0);
    expect(await sandbox.k8ts("delete sudo --purge", { env })).toMatchObject({ code: 0 });
  });
});
