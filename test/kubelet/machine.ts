import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Env, createEnv, silent } from "../../src/kit/index.ts";
import { type Runtime, connectRuntime } from "../../src/host/cri/index.ts";
import { demoImage, hostArchitecture, importImage, pauseImage, STOCK_IMAGES } from "../../src/host/images/index.ts";
import { SystemMounter, unmountAll } from "../../src/host/mount/index.ts";
import { type Containerd, createContainerd, findProgram } from "../../src/host/process/index.ts";

/** Why real containers cannot run here; undefined when they can. */
export function missing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const absent = ["containerd", "runc", "busybox", "ip"].filter((name) => !findProgram(name, binDirs()));
  return absent.length > 0 ? `not installed: ${absent.join(", ")}` : undefined;
}

/** `K8TS_TEST_BIN_DIRS` puts another containerd (and runc) before the machine's. */
export function binDirs(): string[] {
  return (process.env["K8TS_TEST_BIN_DIRS"] ?? "").split(":").filter((dir) => dir !== "");
}

export interface TestMachine extends AsyncDisposable {
  readonly dir: string;
  readonly env: Env;
  readonly containerd: Containerd;
  readonly runtime: Runtime;
  /** Stops and removes all that runs. */
  removePods(): Promise<void>;
}

let counter = 0;

/** A containerd of its own with the pause and demo images and a bridge network, all gone when disposed of. */
export async function startMachine(env: Env = createEnv({ log: silent })): Promise<TestMachine> {
  const id = `${process.pid}-${counter++}`;
  const dir = mkdtempSync(`/tmp/k8ts-test-${id}-`);
  const bridge = `kt${process.pid % 100_000}-${counter}`;
  const cniConfDir = join(dir, "cni");
  mkdirSync(cniConfDir);
  writeFileSync(join(cniConfDir, "10-test.conflist"), JSON.stringify(conflist(bridge, join(dir, "ipam"))));
  const containerd = createContainerd(
    {
      dir: join(dir, "containerd"),
      stateDir: join(dir, "run"),
      sandboxImage: STOCK_IMAGES.pause,
      cniConfDir,
      binDirs: binDirs(),
      probe: async (socket) => {
        const runtime = connectRuntime({ endpoint: socket, clock: env.clock });
        try {
          await runtime.version({}, { timeoutMs: 1000 });
        } finally {
          runtime.close();
        }
      },
    },
    env,
  );
  await containerd.start();
  const runtime = connectRuntime({ endpoint: containerd.socket, clock: env.clock });
  const architecture = hostArchitecture() ?? "amd64";
  const options = { socket: containerd.socket, clock: env.clock, random: env.random, runtime };
  await importImage(await pauseImage(architecture), { ...options, pinned: true });
  await importImage(await demoImage(architecture, findProgram("busybox")), options);
  return {
    dir,
    env,
    containerd,
    runtime,
    removePods: () => removeEverything(runtime),
    async [Symbol.asyncDispose]() {
      await removeEverything(runtime).catch(() => undefined);
      await unmountAll(new SystemMounter(), dir);
      runtime.close();
      await containerd.purge();
      const { runProcess } = await import("../../src/kit/index.ts");
      await runProcess("ip", ["link", "del", bridge], { okCodes: [0, 1] });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Stops and removes every sandbox, and with it its containers, netns and addresses. */
export async function removeEverything(runtime: Runtime): Promise<void> {
  const { items } = await runtime.listPodSandbox({});
  await Promise.all(
    items.map(async ({ id }) => {
      await runtime.stopPodSandbox({ podSandboxId: id });
      await runtime.removePodSandbox({ podSandboxId: id });
    }),
  );
}

function conflist(bridge: string, dataDir: string): object {
  const subnet = `10.${100 + (process.pid % 100)}.${counter % 250}.0/24`;
  return {
    cniVersion: "0.4.0",
    name: "k8ts-test",
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: { type: "host-local", dataDir, ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
    ],
  };
}
