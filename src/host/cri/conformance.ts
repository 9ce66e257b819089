import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clock, isCoded } from "../../kit/index.ts";
import type { Runtime, RuntimeEvent, Sent } from "./runtime.ts";
import type { PodSandboxConfig } from "./schema.ts";

/** A runtime under test, with an image of a shell and a directory for logs. */
export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Has `sh` and `sleep`; a simulated runtime takes `sh -c "exit N"` for what it says and lets all else run. */
  readonly image: string;
  readonly logDirectory: string;
  /** Resolves when `condition` holds, moving time if it is virtual. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  readonly clock: Clock;
  close(): Promise<void>;
}

/** What the cases share. */
interface Bench {
  readonly t: RuntimeUnderTest;
  readonly sandboxConfig: (uid: string) => Sent<PodSandboxConfig>;
  readonly start: (uid: string, command: readonly string[]) => Promise<{ pod: string; container: string }>;
  readonly stateOf: (containerId: string) => Promise<string | undefined>;
}

/** The contract of {@link Runtime}: what the kubelet relies on. Every runtime passes it. */
export function runtimeConformance(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(`runtime contract: ${name}`, () => {
    let bench: Bench | undefined;
    beforeAll(async () => {
      bench = benchOf(await open());
    });
    afterAll(async () => {
      await bench?.t.close();
    });
    const get = (): Bench => {
      if (!bench) throw new Error("the runtime under test did not open");
      return bench;
    };
    sandboxCases(get);
    containerCases(get);
  });
}

function benchOf(t: RuntimeUnderTest): Bench {
  let attempts = 0;
  const sandboxConfig = (uid: string): Sent<PodSandboxConfig> => ({
    metadata: { name: `pod-${uid}`, namespace: "default", uid, attempt: attempts++ },
    hostname: `pod-${uid}`,
    logDirectory: `${t.logDirectory}/${uid}`,
    labels: { "io.kubernetes.pod.uid": uid, app: "x" },
    annotations: { note: "kept" },
    linux: { securityContext: { namespaceOptions: {} } },
  });

  const start = async (uid: string, command: readonly string[]): Promise<{ pod: string; container: string }> => {
    const config = sandboxConfig(uid);
    const { podSandboxId } = await t.runtime.runPodSandbox({ config });
    const { containerId } = await t.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name: "main", attempt: 2 },
        image: { image: t.image },
        command,
        labels: { "io.kubernetes.pod.uid": uid },
        annotations: { "io.kubernetes.container.restartCount": "2" },
        logPath: "main/2.log",
        linux: {},
      },
    });
    await t.runtime.startContainer({ containerId });
    return { pod: podSandboxId, container: containerId };
  };

  const stateOf = async (containerId: string): Promise<string | undefined> =>
    (await t.runtime.containerStatus({ containerId })).status?.state;

  return { t, sandboxConfig, start, stateOf };
}

function sandboxCases(bench: () => Bench): void {
  it("says its name and that it and its network are ready", async () => {
    const { t } = bench();
    const version = await t.runtime.version({});
    expect(version.runtimeName).not.toBe("");
    const { status } = await t.runtime.status({});
    const ready = status?.conditions.filter((c) => c.status).map((c) => c.type);
    expect(ready).toEqual(expect.arrayContaining(["RuntimeReady", "NetworkReady"]));
  });

  it("runs a sandbox with an address, and lists it by label", async () => {
    const { t, sandboxConfig } = bench();
    const config = sandboxConfig("u-sandbox");
    const { podSandboxId } = await t.runtime.runPodSandbox({ config });
    const { status } = await t.runtime.podSandboxStatus({ podSandboxId });
    expect(status).toMatchObject({ state: "SANDBOX_READY", annotations: { note: "kept" }, labels: { app: "x" } });
    expect(status?.network?.ip).toMatch(/^10\./);
    const filter = { labelSelector: { "io.kubernetes.pod.uid": "u-sandbox" } };
    expect((await t.runtime.listPodSandbox({ filter })).items.map((s) => s.id)).toEqual([podSandboxId]);
    await t.runtime.stopPodSandbox({ podSandboxId });
    expect((await t.runtime.podSandboxStatus({ podSandboxId })).status?.state).toBe("SANDBOX_NOTREADY");
    await t.runtime.stopPodSandbox({ podSandboxId });
    await t.runtime.removePodSandbox({ podSandboxId });
    await t.runtime.removePodSandbox({ podSandboxId });
    expect((await t.runtime.listPodSandbox({ filter })).items).toEqual([]);
  });
}

function containerCases(bench: () => Bench): void {
  it("takes a container through created, running, exited", async () => {
    const { t, start, stateOf } = bench();
    const { pod, container } = await start("u-life", ["sleep", "1000"]);
    const { status } = await t.runtime.containerStatus({ containerId: container });
    expect(status).toMatchObject({
      state: "CONTAINER_RUNNING",
      metadata: { name: "main", attempt: 2 },
      annotations: { "io.kubernetes.container.restartCount": "2" },
    });
    expect(status?.startedAt).toBeGreaterThan(0);
    expect(status?.finishedAt).toBe(0);
    expect(status?.logPath).toBe(`${t.logDirectory}/u-life/main/2.log`);
    await t.runtime.stopContainer({ containerId: container, timeout: 0 });
    expect(await stateOf(container)).toBe("CONTAINER_EXITED");
    await t.runtime.stopContainer({ containerId: container, timeout: 0 });
    await t.runtime.removePodSandbox({ podSandboxId: pod });
    const gone = await t.runtime.containerStatus({ containerId: container }).catch((e: unknown) => e);
    expect(isCoded(gone, "NotFound")).toBe(true);
  });

  it("keeps exit codes, and tells of an exit once containerStatus shows it", async () => {
    const { t, start, stateOf } = bench();
    const stop = new AbortController();
    const seen: RuntimeEvent[] = [];
    const states: (string | undefined)[] = [];
    let [pod, container] = ["", ""];
    const reading = (async () => {
      for await (const event of t.runtime.events(stop.signal)) {
        seen.push(event);
        if (event.type === "stopped" && event.id === container) states.push(await stateOf(event.id));
      }
    })();
    await t.until(() => seen.some((e) => e.type === "resync"));
    ({ pod, container } = await start("u-exit", ["sh", "-c", "sleep 0.2; exit 7"]));
    await t.until(() => seen.some((e) => e.type === "stopped" && e.id === container));
    const { status } = await t.runtime.containerStatus({ containerId: container });
    expect(status).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 7, reason: "Error" });
    expect(status?.finishedAt).toBeGreaterThanOrEqual(status?.startedAt ?? Infinity);
    await t.until(() => states.length > 0);
    expect(states[0]).toBe("CONTAINER_EXITED");
    await t.runtime.removePodSandbox({ podSandboxId: pod });
    stop.abort();
    await reading;
  });

  it("says NotFound for what is not there", async () => {
    const { t } = bench();
    const failures = await Promise.all([
      t.runtime.containerStatus({ containerId: "none" }).catch((e: unknown) => e),
      t.runtime.podSandboxStatus({ podSandboxId: "none" }).catch((e: unknown) => e),
      t.runtime.startContainer({ containerId: "none" }).catch((e: unknown) => e),
    ]);
    expect(failures.map((e) => isCoded(e, "NotFound"))).toEqual([true, true, true]);
    expect(await t.runtime.imageStatus({ image: { image: "k8ts.local/none:1" } })).toMatchObject({});
    expect((await t.runtime.imageStatus({ image: { image: "k8ts.local/none:1" } })).image).toBeUndefined();
  });

  it("knows its images by name and id", async () => {
    const { t } = bench();
    const { image } = await t.runtime.imageStatus({ image: { image: t.image } });
    expect(image?.repoTags).toContain(t.image);
    const same = await t.runtime.imageStatus({ image: { image: image?.id ?? "" } });
    expect(same.image?.id).toBe(image?.id);
  });

  it("runs a command in a container and gives up in time", async () => {
    const { t, start } = bench();
    const { pod, container } = await start("u-exec", ["sleep", "1000"]);
    const done = await t.runtime.execSync({ containerId: container, cmd: ["sh", "-c", "exit 3"], timeout: 10 });
    expect(done.exitCode).toBe(3);
    let late: unknown;
    void t.runtime
      .execSync({ containerId: container, cmd: ["sleep", "100"], timeout: 1 })
      .catch((error: unknown) => (late = error));
    await t.until(() => late !== undefined);
    expect(isCoded(late, "DeadlineExceeded")).toBe(true);
    await t.runtime.removePodSandbox({ podSandboxId: pod });
  });
}
