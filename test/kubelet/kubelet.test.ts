import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { type corev1, type Draft, resources } from "../../src/api/index.ts";
import { missing } from "./machine.ts";
import { IMAGE, type TestNode, startNode } from "./node.ts";

const reason = missing();
const suite = reason ? describe.skip : describe;

suite(`kubelet on containerd${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
  });
  const remove = (name: string, grace?: number): Promise<void> =>
    node.client
      .resource(resources.pods)
      .delete({ namespace: "default", name }, grace === undefined ? {} : { gracePeriodSeconds: grace });
  const status = (pod: corev1.Pod, name = "c"): corev1.ContainerStatus =>
    [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(
      (s) => s.name === name,
    ) as corev1.ContainerStatus;

  it("registers the node, which becomes Ready", async () => {
    const found = await node.client.resource(resources.nodes).get({ name: "node-1" });
    expect(found.status.nodeInfo).toMatchObject({ kubeletVersion: "v1.35.2", operatingSystem: "linux" });
    expect(found.status.capacity).toMatchObject({ pods: "110" });
    await node.client.resource(resources.leases).get({ namespace: "kube-node-lease", name: "node-1" });
  });

  it("runs a pod: status, events, environment, log, exec", async () => {
    await node.run("first", 'echo "out $GREETING $POD $(hostname)"; sleep 0.1; echo err >&2; sleep 1000', {
      env: [
        { name: "WHO", value: "world" },
        { name: "GREETING", value: "hello $(WHO) $$(WHO) $(NONE)" },
        { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
      ],
      resources: { limits: { memory: "64Mi", cpu: "500m" }, requests: { cpu: "100m" } },
    });
    const pod = await node.ready("first");
    expect(pod.status).toMatchObject({ phase: "Running", qosClass: "Burstable", hostIP: "127.0.0.1" });
    expect(pod.status.podIP).toMatch(/^10\./);
    expect(status(pod)).toMatchObject({ ready: true, started: true, restartCount: 0, image: IMAGE });
    expect(status(pod).containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    await node.wrote("first", "err");
    expect(await node.logs("first")).toBe("out hello world $(WHO) $(NONE) first first\nerr\n");
    expect(await node.logs("first", "tailLines=1")).toBe("err\n");
    expect(await node.logs("first", "timestamps=true&tailLines=1")).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) err\n$/,
    );
    const done = await node.exec("first", ["sh", "-c", "cat; echo $LIMIT; echo oops >&2; exit 7"], "from stdin\n");
    expect(done).toMatchObject({ stdout: "from stdin\n64\n", stderr: "oops\n" });
    expect(done.status).toMatchObject({ status: "Failure", reason: "NonZeroExitCode" });
    expect(done.status.details?.causes).toEqual([{ reason: "ExitCode", message: "7" }]);
    const events = await node.eventsOf("first");
    expect(events.map((e) => e.split(" ")[1])).toEqual(expect.arrayContaining(["Pulled", "Created", "Started"]));
    const cgroup = readFileSync(
      `/sys/fs/cgroup/memory/k8ts-test-${process.pid}/kubepods/burstable/pod${pod.metadata.uid}/memory.limit_in_bytes`,
      "utf8",
    );
    expect(Number(cgroup)).toBe(64 * 1024 * 1024);
    expect(JSON.parse((await node.get("/stats/summary")).body)).toMatchObject({ node: { nodeName: "node-1" } });
    expect((await node.get("/metrics/resource")).body).toContain(
      'pod_memory_working_set_bytes{namespace="default",pod="first"}',
    );
    await remove("first");
    await node.gone("first");
    expect(existsSync(`${node.machine.dir}/kubelet/pods/${pod.metadata.uid}`)).toBe(false);
  });

  it("completes, fails, restarts with back-off and keeps the last log", async () => {
    await node.run("done", "echo bye; exit 0", {}, { restartPolicy: "Never" });
    const done = await node.until("done", (p) => p.status.phase === "Succeeded", "Succeeded");
    expect(status(done).state.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(done.status.conditions?.find((c) => c.type === "Ready")).toMatchObject({
      status: "False",
      reason: "PodCompleted",
    });
    expect(await node.logs("done")).toBe("bye\n");
    await node.run("failed", "echo -n last words > /dev/termination-log; exit 3", {}, { restartPolicy: "Never" });
    const failed = await node.until("failed", (p) => p.status.phase === "Failed", "Failed");
    expect(status(failed).state.terminated).toMatchObject({ exitCode: 3, reason: "Error", message: "last words" });
    await node.run("crash", "echo try; exit 1");
    const crash = await node.until(
      "crash",
      (p) => status(p)?.state.waiting?.reason === "CrashLoopBackOff",
      "CrashLoopBackOff",
    );
    expect(status(crash)).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1 } } });
    expect(status(crash).state.waiting?.message).toMatch(
      /^back-off 10s restarting failed container=c pod=crash_default\(.*\)$/,
    );
    expect(crash.status.phase).toBe("Running");
    expect(await node.logs("crash", "previous=true")).toBe("try\n");
    expect(await node.eventsOf("crash")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Warning BackOff Back-off restarting failed container c in pod crash_default/),
      ]),
    );
    for (const name of ["done", "failed", "crash"]) {
      await remove(name);
      await node.gone(name);
    }
  });

  it("says why an image or a configuration cannot be had", async () => {
    await node.run("never", "true", { image: "k8ts.local/absent:1", imagePullPolicy: "Never" });
    const never = await node.until(
      "never",
      (p) => status(p)?.state.waiting?.reason === "ErrImageNeverPull",
      "ErrImageNeverPull",
    );
    expect(status(never).state.waiting?.message).toBe(
      'Container image "k8ts.local/absent:1" is not present with pull policy of Never',
    );
    await node.run("pull", "true", { image: "127.0.0.1:1/absent:1" });
    await node.until("pull", (p) => status(p)?.state.waiting?.reason === "ErrImagePull", "ErrImagePull");
    await node.until("pull", (p) => status(p)?.state.waiting?.reason === "ImagePullBackOff", "ImagePullBackOff");
    await node.run("config", "true", {
      env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "later", key: "a" } } }],
    });
    const config = await node.until(
      "config",
      (p) => status(p)?.state.waiting?.reason === "CreateContainerConfigError",
      "CreateContainerConfigError",
    );
    expect(status(config).state.waiting?.message).toBe('configmap "later" not found');
    await node.run("command", "true", { command: ["/no/such/program"] });
    const command = await node.until(
      "command",
      (p) =>
        status(p)?.state.waiting?.reason === "RunContainerError" ||
        status(p)?.lastState.terminated?.reason === "StartError",
      "RunContainerError",
    );
    expect(JSON.stringify(status(command))).toContain("no such file or directory");
    await node.client
      .resource(resources.configmaps)
      .create({ metadata: { name: "later", namespace: "default" }, data: { a: "1" } });
    await node.until("config", (p) => p.status.phase === "Running", "Running once the config map is there");
    for (const name of ["never", "pull", "config", "command"]) {
      await remove(name);
      await node.gone(name);
    }
  });

  it("runs init containers in order, sidecars beside the main container, and ends sidecars last", async () => {
    const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
    const init = (name: string, script: string, more: Draft<corev1.Container> = {}): Draft<corev1.Container> => ({
      name,
      image: IMAGE,
      imagePullPolicy: "IfNotPresent",
      command: ["sh", "-c", script],
      volumeMounts,
      ...more,
    });
    await node.create({
      metadata: { name: "phases" },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 5,
        volumes: [{ name: "shared", emptyDir: {} }],
        initContainers: [
          init("one", "echo one >> /shared/log"),
          init(
            "side",
            "trap 'echo side-end >> /shared/log; exit 0' TERM; echo side >> /shared/log; while :; do sleep 0.1; done",
            { restartPolicy: "Always" },
          ),
          init("two", "sleep 0.3; echo two >> /shared/log"),
        ],
        containers: [init("c", "echo main >> /shared/log; cat /shared/log; sleep 0.5")],
      },
    });
    const pod = await node.until("phases", (p) => p.status.phase === "Succeeded", "Succeeded");
    expect(await node.logs("phases")).toBe("one\nside\ntwo\nmain\n");
    expect(pod.status.initContainerStatuses?.map((s) => s.state.terminated?.exitCode)).toEqual([0, 0, 0]);
    expect(pod.status.conditions?.find((c) => c.type === "Initialized")?.status).toBe("True");
    await remove("phases");
    await node.gone("phases");
  });

  it("serves volumes, and follows changes of what they are made of", async () => {
    const { client } = node;
    await client
      .resource(resources.configmaps)
      .create({ metadata: { name: "settings", namespace: "default" }, data: { "a.conf": "one", other: "x" } });
    await client.resource(resources.secrets).create({
      metadata: { name: "keys", namespace: "default" },
      data: { key: Buffer.from("secret").toString("base64") },
    });
    await node.create({
      metadata: { name: "volumes", labels: { app: "v" }, annotations: { note: "first" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { fsGroup: 2000 },
        volumes: [
          {
            name: "settings",
            configMap: { name: "settings", items: [{ key: "a.conf", path: "dir/a.conf", mode: 0o400 }] },
          },
          { name: "keys", secret: { secretName: "keys" } },
          {
            name: "info",
            downwardAPI: {
              items: [
                { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
                { path: "note", fieldRef: { fieldPath: "metadata.annotations['note']" } },
              ],
            },
          },
          { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
          { name: "disk", emptyDir: {} },
          { name: "host", hostPath: { path: `${node.machine.dir}/shared`, type: "DirectoryOrCreate" } },
          {
            name: "all",
            projected: {
              sources: [
                { configMap: { name: "settings" } },
                { secret: { name: "keys", items: [{ key: "key", path: "k/key" }] } },
              ],
            },
          },
        ],
        containers: [
          {
            name: "c",
            image: IMAGE,
            imagePullPolicy: "IfNotPresent",
            command: ["sleep", "1000"],
            volumeMounts: [
              { name: "settings", mountPath: "/settings" },
              { name: "keys", mountPath: "/keys", readOnly: true },
              { name: "info", mountPath: "/info" },
              { name: "memory", mountPath: "/memory" },
              { name: "disk", mountPath: "/disk" },
              { name: "disk", mountPath: "/part", subPath: "a/b" },
              { name: "host", mountPath: "/host" },
              { name: "all", mountPath: "/all" },
              { name: "settings", mountPath: "/one.conf", subPath: "dir/a.conf" },
            ],
          },
        ],
      },
    });
    await node.ready("volumes");
    const sh = async (script: string): Promise<string> => (await node.exec("volumes", ["sh", "-c", script])).stdout;
    expect(await sh("cat /settings/dir/a.conf /keys/key /info/labels /info/note /all/other /all/k/key /one.conf")).toBe(
      'onesecretapp="v"firstxsecretone',
    );
    expect(await sh("stat -c %a /settings/dir/a.conf; stat -L -c '%a %g' /keys/key")).toBe("440\n644 2000\n");
    expect(await sh("df -P /memory | tail -1 | awk '{print $1, $2}'; df -P /keys | tail -1 | awk '{print $1}'")).toBe(
      "tmpfs 1024\ntmpfs\n",
    );
    expect(await sh("touch /disk/x /host/y && echo hi > /part/z && cat /disk/a/b/z && stat -c '%a %g' /disk")).toBe(
      "hi\n2777 2000\n",
    );
    expect(await sh("touch /keys/no 2>&1 || true")).toContain("Read-only");
    await client
      .resource(resources.configmaps)
      .patch({ namespace: "default", name: "settings" }, { type: "merge", body: { data: { "a.conf": "two" } } });
    await client
      .resource(resources.pods)
      .patch(
        { namespace: "default", name: "volumes" },
        { type: "merge", body: { metadata: { annotations: { note: "second" } } } },
      );
    let text = "";
    for (let i = 0; i < 500 && text !== "twosecond"; i++) {
      text = await sh("cat /settings/dir/a.conf /info/note");
    }
    expect(text).toBe("twosecond");
    await remove("volumes");
    await node.gone("volumes");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("volume-subpaths");
  });

  it("probes: readiness gates, startup holds back liveness, liveness restarts", async () => {
    await node.run("probes", "sleep 0.4; touch /ready; sleep 1; rm /ready; sleep 1000", {
      startupProbe: { exec: { command: ["test", "-f", "/ready"] }, periodSeconds: 1, failureThreshold: 10 },
      readinessProbe: { exec: { command: ["test", "-f", "/ready"] }, periodSeconds: 1, failureThreshold: 1 },
      livenessProbe: { exec: { command: ["test", "-f", "/ready"] }, periodSeconds: 1, failureThreshold: 1 },
    });
    const started = await node.until("probes", (p) => status(p)?.started === true, "started");
    expect(status(started).state.running).toBeDefined();
    await node.ready("probes");
    const restarted = await node.until("probes", (p) => status(p)?.restartCount === 1, "a restart");
    expect(status(restarted).lastState.terminated).toBeDefined();
    const events = await node.eventsOf("probes");
    expect(events).toEqual(
      expect.arrayContaining([
        expect.stringContaining("Warning Unhealthy Startup probe failed"),
        "Normal Killing Container c failed liveness probe, will be restarted",
      ]),
    );
    await node.run("http", "mkdir /www; echo ok > /www/healthz; httpd -f -p 8080 -h /www", {
      ports: [{ name: "web", containerPort: 8080 }],
      readinessProbe: { httpGet: { path: "/healthz", port: "web" }, periodSeconds: 1 },
      livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    });
    await node.ready("http");
    for (const name of ["probes", "http"]) {
      await remove(name);
      await node.gone(name);
    }
  });

  it("runs hooks, and gives a pod its grace", async () => {
    await node.run(
      "hooks",
      "trap 'echo term; exit 0' TERM; while :; do sleep 0.1; done",
      {
        lifecycle: {
          postStart: { exec: { command: ["sh", "-c", "echo started > /tmp/post; echo post > /proc/1/fd/1"] } },
          preStop: { exec: { command: ["sh", "-c", "echo pre > /proc/1/fd/1; sleep 0.3"] } },
        },
      },
      { terminationGracePeriodSeconds: 20 },
    );
    await node.ready("hooks");
    expect((await node.exec("hooks", ["cat", "/tmp/post"])).stdout).toBe("started\n");
    const following = node.logs("hooks", "follow=true");
    await remove("hooks");
    expect(await following).toBe("post\npre\nterm\n");
    await node.gone("hooks");
    await node.run("stubborn", "trap '' TERM; while :; do sleep 0.1; done", {}, { terminationGracePeriodSeconds: 300 });
    await node.ready("stubborn");
    await remove("stubborn");
    await node.until("stubborn", (p) => p.metadata.deletionTimestamp !== undefined, "deleting");
    await remove("stubborn", 1);
    await node.gone("stubborn", 10);
  });

  it("shares namespaces, users and networks as asked", async () => {
    await node.run(
      "user",
      "id -u; id -G; hostname; grep -c ndots /etc/resolv.conf; cat /etc/hosts | tail -1; grep Seccomp: /proc/self/status; sleep 1000",
      {
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 3000,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      },
      {
        hostname: "web-0",
        subdomain: "web",
        securityContext: { supplementalGroups: [4000] },
        hostAliases: [{ ip: "1.2.3.4", hostnames: ["alias"] }],
      },
    );
    await node.ready("user");
    await node.wrote("user", "Seccomp");
    expect(await node.logs("user")).toBe("1000\n3000 4000\nweb-0\n1\n1.2.3.4\talias\nSeccomp:\t2\n");
    await node.run("host", "ip -o link | wc -l > /dev/null; sleep 1000", {}, { hostNetwork: true, hostPID: true });
    const host = await node.ready("host");
    expect(host.status.podIP).toBe("127.0.0.1");
    await node.run("root", "true", {}, { securityContext: { runAsNonRoot: true } });
    const root = await node.until(
      "root",
      (p) => status(p)?.state.waiting?.reason === "CreateContainerConfigError",
      "CreateContainerConfigError",
    );
    expect(status(root).state.waiting?.message).toContain("container has runAsNonRoot and image will run as root");
    for (const name of ["user", "host", "root"]) {
      await remove(name);
      await node.gone(name);
    }
  });

  it("adopts what runs after a restart, and stops what belongs to nobody", async () => {
    for (const name of ["kept", "lost"]) {
      await node.run(name, "sleep 1000", { readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 } });
      await node.ready(name);
    }
    await node.run("over", "exit 0", {}, { restartPolicy: "Never" });
    await node.until("over", (p) => p.status.phase === "Succeeded", "Succeeded");
    const kept = await node.ready("kept");
    const writes = Number(
      (await node.client.resource(resources.pods).get({ namespace: "default", name: "kept" })).metadata.resourceVersion,
    );
    await node.restart(async () => {
      await node.client
        .resource(resources.pods)
        .delete({ namespace: "default", name: "lost" }, { gracePeriodSeconds: 0 });
    });
    for (let i = 0; i < 200; i++) {
      const { containers } = await node.machine.runtime.listContainers({});
      if (!containers.some((c) => c.labels["io.kubernetes.pod.name"] === "lost")) break;
      await node.env.clock.sleep(50);
    }
    const { containers } = await node.machine.runtime.listContainers({});
    expect(containers.filter((c) => c.labels["io.kubernetes.pod.name"] === "lost")).toEqual([]);
    const after = await node.ready("kept");
    expect(status(after)).toEqual(status(kept));
    expect(JSON.stringify(after.status.conditions)).toBe(JSON.stringify(kept.status.conditions));
    expect(Number(after.metadata.resourceVersion)).toBe(writes);
    expect((await node.client.resource(resources.pods).get({ namespace: "default", name: "over" })).status.phase).toBe(
      "Succeeded",
    );
    for (const name of ["kept", "over"]) {
      await remove(name);
      await node.gone(name);
    }
  });

  it("leaves nothing of its pods behind", async () => {
    expect(readdirSync(`${node.machine.dir}/kubelet/pods`)).toEqual([]);
    expect(readdirSync(`${node.machine.dir}/kubelet/memory/`)).toEqual([]);
    // The API object goes first; what is left in the runtime a moment later.
    let left = -1;
    for (let i = 0; i < 100 && left !== 0; i++) {
      left = (await node.machine.runtime.listPodSandbox({})).items.length;
      if (left > 0) await node.env.clock.sleep(50);
    }
    expect(left).toBe(0);
  });
});
