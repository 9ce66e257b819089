import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { CodedError } from "../kit/index.ts";
import { startKubelet } from "./kubelet.fixture.ts";

const state = (pod: corev1.Pod, name = "c"): corev1.ContainerStatus | undefined =>
  [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find((s) => s.name === name);
const isReady = (pod: corev1.Pod): boolean =>
  pod.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
const waiting =
  (reason: string) =>
  (pod: corev1.Pod): boolean =>
    state(pod)?.state.waiting?.reason === reason;

describe("kubelet in virtual time", { timeout: 60_000 }, () => {
  it("runs a pod without waiting for anything", async () => {
    await using k = await startKubelet();
    const began = k.cluster.clock.now();
    await k.create("p", {});
    const pod = await k.until("p", isReady, 1000);
    expect(k.cluster.clock.now() - began).toBeLessThan(500);
    expect(pod.status).toMatchObject({
      phase: "Running",
      hostIP: "192.0.2.1",
      qosClass: "BestEffort",
      observedGeneration: 1,
    });
    expect(pod.status.conditions?.map((c) => `${c.type} ${c.status}`)).toEqual([
      "PodReadyToStartContainers True",
      "Initialized True",
      "Ready True",
      "ContainersReady True",
      "PodScheduled True",
    ]);
    expect(k.cgroups.groups.has(`/kubepods/besteffort/pod${pod.metadata.uid}`)).toBe(true);
  });

  it("backs off from a container that keeps failing: 0, 10, 20, 40 s, ...", async () => {
    await using k = await startKubelet({ runtime: { program: () => ({ endsAfterMs: 1000, exitCode: 1 }) } });
    await k.create("p", {});
    const starts: number[] = [];
    for (let restarts = 0; restarts < 6; restarts++) {
      const pod = await k.until(
        "p",
        (p) => (state(p)?.restartCount ?? -1) === restarts && state(p)?.state.running !== undefined,
        400_000,
      );
      starts.push(Date.parse(state(pod)?.state.running?.startedAt ?? ""));
    }
    const gaps = starts.slice(1).map((at, i) => Math.round((at - (starts[i] ?? 0)) / 1000) - 1);
    [0, 10, 20, 40, 80].forEach((wanted, i) => {
      expect(gaps[i]).toBeGreaterThanOrEqual(wanted);
      // A busy machine is slow to read files while virtual time goes on; the steps stay apart all the same.
      expect(gaps[i]).toBeLessThanOrEqual(wanted + 6);
    });
    const pod = await k.until("p", waiting("CrashLoopBackOff"), 5000);
    expect(state(pod)?.state.waiting?.message).toMatch(/^back-off 2m40s restarting failed container=c pod=p_default\(/);
    expect(k.runtime.containerCount).toBeLessThanOrEqual(3);
  });

  it("backs off from an image that cannot be pulled, then pulls it", async () => {
    let there = false;
    await using k = await startKubelet({ runtime: { pull: () => (there ? undefined : "no such host") } });
    await k.create("p", { containers: [{ image: "r.example/a:1" }] });
    const failed = await k.until("p", waiting("ErrImagePull"));
    expect(state(failed)?.state.waiting?.message).toBe("no such host");
    const backed = await k.until("p", waiting("ImagePullBackOff"));
    expect(state(backed)?.state.waiting?.message).toBe(
      'Back-off pulling image "r.example/a:1": ErrImagePull: no such host',
    );
    expect(backed.status.phase).toBe("Pending");
    there = true;
    await k.until("p", isReady, 60_000);
    expect(await k.events("p")).toEqual(
      expect.arrayContaining([
        'Failed: Failed to pull image "r.example/a:1": no such host',
        "Failed: Error: ErrImagePull",
        'BackOff: Back-off pulling image "r.example/a:1"',
      ]),
    );
  });

  it("waits for volumes, saying why, and goes on once they can be had", async () => {
    await using k = await startKubelet();
    await k.create("p", { volumes: [{ name: "v", configMap: { name: "later" } }] });
    const pod = await k.until("p", waiting("ContainerCreating"));
    expect(pod.status.conditions?.[0]).toMatchObject({ type: "PodReadyToStartContainers", status: "False" });
    expect(k.runtime.sandboxCount).toBe(0);
    expect(await k.events("p")).toContain(
      'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "later" not found',
    );
    await k.client
      .resource(resources.configmaps)
      .create({ metadata: { name: "later", namespace: "default" }, data: { a: "1" } });
    await k.until("p", isReady, 1000);
  });

  it("tries again when the runtime fails, and makes a sandbox anew when it dies", async () => {
    await using k = await startKubelet();
    k.runtime.failNext("runPodSandbox", new CodedError("Unknown", "no network"));
    await k.create("p", {});
    const first = await k.until("p", isReady);
    expect(await k.events("p")).toContain("FailedCreatePodSandBox: Failed to create pod sandbox: no network");
    const [sandbox] = (await k.runtime.runtime.listPodSandbox({})).items;
    await k.runtime.runtime.stopPodSandbox({ podSandboxId: sandbox?.id ?? "" });
    const again = await k.until("p", (p) => isReady(p) && p.status.podIP !== first.status.podIP);
    expect(state(again)?.restartCount).toBe(1);
    expect(await k.events("p")).toContain("SandboxChanged: Pod sandbox changed, it will be killed and re-created.");
  });

  it("fails a pod that is past its deadline", async () => {
    await using k = await startKubelet();
    await k.create("p", { activeDeadlineSeconds: 60 });
    await k.until("p", isReady);
    const pod = await k.until("p", (p) => p.status.phase === "Failed", 70_000);
    expect(pod.status).toMatchObject({
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
    expect(k.runtime.running("c")).toEqual([]);
  });

  it("ends pods in their grace: SIGTERM heeded, ignored, and shortened", async () => {
    const onTerm = (name: string | undefined) =>
      name === "slow" ? { afterMs: 5000, exitCode: 0 } : ("ignored" as const);
    await using k = await startKubelet({ runtime: { program: (c) => ({ onTerm: onTerm(c.metadata?.name) }) } });
    const took = async (name: string, grace?: number): Promise<number> => {
      const began = k.cluster.clock.now();
      await k.remove(name, grace);
      await k.gone(name);
      return Math.round((k.cluster.clock.now() - began) / 1000);
    };
    for (const [name, container] of [
      ["heeds", "slow"],
      ["ignores", "deaf"],
      ["hurried", "deaf"],
    ] as const) {
      await k.create(name, { terminationGracePeriodSeconds: 20, containers: [{ name: container }] });
      await k.until(name, isReady);
    }
    expect(await took("heeds")).toBe(5);
    expect(await took("ignores")).toBe(20);
    await k.remove("hurried");
    await k.cluster.advance(3000);
    expect(await took("hurried", 1)).toBeLessThanOrEqual(3);
    await k.rest();
    expect(k.runtime.sandboxCount).toBe(0);
    expect(readdirSync(`${k.dir}/pods`)).toEqual([]);
  });

  it("restarts by liveness, and readiness decides who is ready", async () => {
    let [alive, ready] = [true, false];
    await using k = await startKubelet({
      probe: ({ probe }) => ({
        result: (probe.exec?.command?.[0] === "live" ? alive : ready) ? "success" : "failure",
        output: "no",
      }),
    });
    await k.create("p", {
      containers: [
        {
          livenessProbe: { exec: { command: ["live"] }, periodSeconds: 5, failureThreshold: 2 },
          readinessProbe: { exec: { command: ["ready"] }, periodSeconds: 5, failureThreshold: 1 },
        },
      ],
    });
    const running = await k.until("p", (p) => state(p)?.state.running !== undefined);
    expect(state(running)).toMatchObject({ ready: false, started: true });
    ready = true;
    await k.until("p", isReady, 6000);
    ready = false;
    await k.until("p", (p) => !isReady(p), 6000);
    alive = false;
    const restarted = await k.until("p", (p) => state(p)?.restartCount === 1, 20_000);
    expect(state(restarted)?.lastState.terminated?.exitCode).toBe(143);
    expect(await k.events("p")).toEqual(
      expect.arrayContaining([
        "Unhealthy: Liveness probe failed: no",
        "Unhealthy: Readiness probe failed: no",
        "Killing: Container c failed liveness probe, will be restarted",
      ]),
    );
  });

  it("adopts what runs after a restart without writing anything, and ends what nobody wants", async () => {
    await using k = await startKubelet();
    for (const name of ["kept", "lost"]) {
      await k.create(name, {});
      await k.until(name, isReady);
    }
    const before = await k.pod("kept");
    const containers = k.runtime.running("c");
    await k.restart(() => k.remove("lost", 0));
    for (let i = 0; i < 20; i++) {
      await k.cluster.advance(250);
      await k.rest();
    }
    expect(k.runtime.running("c")).toEqual([containers[0]]);
    expect((await k.pod("kept")).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(existsSync(`${k.dir}/pods/${before.metadata.uid}`)).toBe(true);
    expect(readdirSync(`${k.dir}/pods`)).toEqual([before.metadata.uid]);
  });

  it("puts right a status that somebody else changed", async () => {
    await using k = await startKubelet();
    await k.create("p", {});
    await k.until("p", isReady);
    const pods = k.client.resource(resources.pods);
    await pods.patch(
      { namespace: "default", name: "p" },
      {
        type: "merge",
        body: { metadata: { labels: { a: "b" } }, status: { podIP: "9.9.9.9", podIPs: [{ ip: "9.9.9.9" }] } },
      },
      { subresource: "status" },
    );
    const pod = await k.until("p", (p) => p.status.podIP !== "9.9.9.9");
    expect(pod.status.podIP).toMatch(/^10\.88\./);
  });

  it("renews its lease and reports the node", async () => {
    await using k = await startKubelet();
    const lease = async (): Promise<string | undefined> =>
      (await k.client.resource(resources.leases).get({ namespace: "kube-node-lease", name: "machine-1" })).spec
        .renewTime;
    const first = await lease();
    await k.cluster.advance(10_500);
    await k.rest();
    expect(Date.parse((await lease()) ?? "") - Date.parse(first ?? "")).toBe(10_000);
    const node = await k.client.resource(resources.nodes).get({ name: "machine-1" });
    expect(node.status.conditions?.find((c) => c.type === "Ready")).toMatchObject({
      status: "True",
      reason: "KubeletReady",
    });
    expect(node.metadata.labels).toMatchObject({ "kubernetes.io/hostname": "machine-1", "kubernetes.io/os": "linux" });
  });
});
