import { describe, expect, it } from "vitest";
import type { Draft, corev1 } from "../../api/index.ts";
import { containerConfig, sandboxConfig } from "./configs.ts";
import { type Pod, specContainers } from "./containers.ts";
import { parseResolvConf, podDns } from "./dns.ts";
import { fieldValue, resourceValue } from "./downward.ts";
import { buildEnvironment } from "./environment.ts";
import { expand } from "./expand.ts";
import { hostsFile, kernelHostname } from "./hostname.ts";
import { containerResources, cpuShares, oomScoreAdjust, podAmount, podResources, qosClassOf } from "./resources.ts";
import { containerSecurity, verifyNonRoot } from "./security.ts";
import { serviceEnvironment } from "./service-env.ts";

const make = (spec: Draft<corev1.PodSpec> = {}, metadata: Draft<corev1.Pod["metadata"]> = {}): Pod =>
  ({
    metadata: { name: "web-0", namespace: "shop", uid: "u1", ...metadata },
    spec: { containers: [{ name: "c", image: "i", resources: {} }], ...spec },
    status: {},
  }) as unknown as Pod;
const main = (pod: Pod) => specContainers(pod)[0]!;
const context = {
  nodeName: "n1",
  hostIPs: ["192.0.2.1"],
  podIPs: ["10.0.0.5", "fd00::5"],
  allocatable: { cpu: "2", memory: "4Gi" },
};
const limits = (requests: object, limit: object = {}) =>
  ({ containers: [{ name: "c", resources: { requests, limits: limit } }] }) as Draft<corev1.PodSpec>;

describe("expand", () => {
  const values = new Map([
    ["A", "1"],
    ["B", "$(A)"],
  ]);
  it.each([
    ["$(A)", "1"],
    ["x$(A)y$(A)", "x1y1"],
    ["$(NONE)", "$(NONE)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$A", "$A"],
    ["$(A", "$(A"],
    ["$", "$"],
    ["$(B)", "$(A)"],
  ])("%s → %s", (text, expected) => {
    expect(expand(text, (name) => values.get(name))).toBe(expected);
  });
});

describe("quality of service", () => {
  it.each([
    ["BestEffort", {}],
    ["Guaranteed", limits({ cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" })],
    ["Guaranteed", limits({ cpu: "1000m", memory: "1024Mi" }, { cpu: "1", memory: "1Gi" })],
    ["Burstable", limits({ cpu: "1" })],
    ["Burstable", limits({ cpu: "1", memory: "1Gi" }, { cpu: "2", memory: "1Gi" })],
    ["BestEffort", limits({ cpu: "0" })],
  ])("is %s", (expected, spec) => {
    expect(qosClassOf(make(spec))).toBe(expected);
  });

  it.each([
    [0, 2],
    [1, 2],
    [100, 102],
    [1000, 1024],
    [1e9, 262_144],
  ])("%i thousandths of a cpu weigh %i", (milli, shares) => {
    expect(cpuShares(milli)).toBe(shares);
  });

  it("sets cgroups from requests and limits", () => {
    const pod = make(limits({ cpu: "250m" }, { cpu: "500m", memory: "64Mi" }));
    expect(containerResources(main(pod).container)).toEqual({
      cpuPeriod: 100_000,
      cpuQuota: 50_000,
      cpuShares: 256,
      memoryLimit: 67_108_864,
    });
    expect(
      podResources(
        make({
          containers: [
            { name: "a", resources: { limits: { memory: "1Mi" } } },
            { name: "b", resources: {} },
          ],
        }),
      ),
    ).toMatchObject({ memoryLimit: 0, cpuQuota: 0 });
  });

  it("a pod needs the most that it ever needs at once", () => {
    const c = (name: string, cpu: string, restartPolicy?: string) => ({
      name,
      resources: { requests: { cpu } },
      ...(restartPolicy && { restartPolicy }),
    });
    const pod = make({
      initContainers: [c("i1", "3"), c("s1", "1", "Always"), c("i2", "2500m")],
      containers: [c("a", "1"), c("b", "1")],
      overhead: { cpu: "100m" },
    });
    expect(podAmount(pod, "requests", "cpu").toString()).toBe("3600m");
  });

  it.each([
    ["BestEffort", {}, 1000],
    ["Guaranteed", limits({ cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" }), -997],
    ["Burstable by its share of memory", limits({ memory: "1Gi" }), 750],
    ["Burstable asking for next to nothing", limits({ memory: "1Ki" }), 999],
    ["node-critical", { ...limits({ memory: "1Gi" }), priority: 2_000_001_000 }, -997],
  ])("oom score: %s", (_, spec, expected) => {
    const pod = make(spec);
    expect(oomScoreAdjust(pod, main(pod).container, 4 * 1024 ** 3)).toBe(expected);
  });
});

describe("downward API", () => {
  const pod = make(
    { serviceAccountName: "sa", ...limits({ cpu: "1500m", memory: "1500Ki" }) },
    { labels: { b: "2", a: 'x"y' }, annotations: { "k8s.io/n": "v" } },
  );
  it.each([
    ["metadata.name", "web-0"],
    ["metadata.labels", 'a="x\\"y"\nb="2"'],
    ["metadata.labels['b']", "2"],
    ["metadata.annotations['k8s.io/n']", "v"],
    ["metadata.annotations['none']", ""],
    ["spec.nodeName", "n1"],
    ["spec.serviceAccountName", "sa"],
    ["status.podIP", "10.0.0.5"],
    ["status.podIPs", "10.0.0.5,fd00::5"],
    ["status.hostIP", "192.0.2.1"],
  ])("%s", (path, expected) => {
    expect(fieldValue(path, pod, context)).toBe(expected);
  });
  it.each([
    ["requests.cpu", "", "2"],
    ["requests.cpu", "1m", "1500"],
    ["requests.memory", "1Mi", "2"],
    ["limits.memory", "1Gi", "4"],
    ["limits.cpu", "", "2"],
  ])("%s in units of %s", (resource, divisor, expected) => {
    expect(resourceValue({ resource, divisor }, pod, "c", context)).toBe(expected);
  });
  it("refuses what it does not know", () => {
    expect(() => fieldValue("spec.secret", pod, context)).toThrow("unsupported fieldPath: spec.secret");
  });
});

describe("environment", () => {
  const configMaps = new Map([["cm", { data: { K: "v", "bad key": "b" } } as unknown as corev1.ConfigMap]]);
  const secrets = new Map([["s", { data: { P: Buffer.from("pw").toString("base64") } } as unknown as corev1.Secret]]);
  const sources = { ...context, configMaps, secrets, services: new Map([["SVC_SERVICE_HOST", "10.96.0.5"]]) };
  const environmentOf = (container: Draft<corev1.Container>) => {
    const pod = make({ containers: [{ name: "c", ...container }] });
    return Object.fromEntries(buildEnvironment(main(pod).container, pod, sources));
  };

  it("joins envFrom, env and services, later ones over earlier ones", () => {
    expect(
      environmentOf({
        envFrom: [
          { prefix: "X_", configMapRef: { name: "cm" } },
          { secretRef: { name: "s" } },
          { configMapRef: { name: "none", optional: true } },
        ],
        env: [
          { name: "P", value: "over" },
          { name: "URL", value: "http://$(SVC_SERVICE_HOST)/$(P)$(LATER)" },
          { name: "LATER", value: "no" },
          { name: "PW", valueFrom: { secretKeyRef: { name: "s", key: "P" } } },
          { name: "GONE", valueFrom: { configMapKeyRef: { name: "cm", key: "none", optional: true } } },
          { name: "EMPTY" },
        ],
      }),
    ).toEqual({
      X_K: "v",
      "X_bad key": "b",
      P: "over",
      URL: "http://10.96.0.5/over$(LATER)",
      LATER: "no",
      PW: "pw",
      EMPTY: "",
      SVC_SERVICE_HOST: "10.96.0.5",
    });
  });

  it.each([
    [{ envFrom: [{ configMapRef: { name: "none" } }] }, 'configmap "none" not found'],
    [{ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "none", key: "k" } } }] }, 'secret "none" not found'],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "cm", key: "k" } } }] },
      "couldn't find key k in ConfigMap shop/cm",
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] },
      "couldn't find key k in Secret shop/s",
    ],
  ])("says what is missing", (container, message) => {
    expect(() => environmentOf(container)).toThrow(message);
  });

  it("tells of services as upstream does", () => {
    const service = (name: string, namespace: string, clusterIP: string, ports: object[]) =>
      ({ metadata: { name, namespace }, spec: { clusterIP, ports } }) as unknown as corev1.Service;
    const services = [
      service("kubernetes", "default", "10.96.0.1", [{ name: "https", port: 443, protocol: "TCP" }]),
      service("my-db", "shop", "10.96.0.7", [{ port: 5432 }, { name: "metrics", port: 9, protocol: "UDP" }]),
      service("headless", "shop", "None", [{ port: 1 }]),
      service("other", "elsewhere", "10.96.0.9", [{ port: 1 }]),
    ];
    const names = (links: boolean) =>
      [...serviceEnvironment(services, "shop", links).keys()].filter((k) => k.endsWith("_HOST"));
    expect(names(true)).toEqual(["KUBERNETES_SERVICE_HOST", "MY_DB_SERVICE_HOST"]);
    expect(names(false)).toEqual(["KUBERNETES_SERVICE_HOST"]);
    expect(Object.fromEntries(serviceEnvironment(services.slice(1, 2), "shop", true))).toEqual({
      MY_DB_SERVICE_HOST: "10.96.0.7",
      MY_DB_SERVICE_PORT: "5432",
      MY_DB_SERVICE_PORT_METRICS: "9",
      MY_DB_PORT: "tcp://10.96.0.7:5432",
      MY_DB_PORT_5432_TCP: "tcp://10.96.0.7:5432",
      MY_DB_PORT_5432_TCP_PROTO: "tcp",
      MY_DB_PORT_5432_TCP_PORT: "5432",
      MY_DB_PORT_5432_TCP_ADDR: "10.96.0.7",
      MY_DB_PORT_9_UDP: "udp://10.96.0.7:9",
      MY_DB_PORT_9_UDP_PROTO: "udp",
      MY_DB_PORT_9_UDP_PORT: "9",
      MY_DB_PORT_9_UDP_ADDR: "10.96.0.7",
    });
  });
});

describe("names and DNS", () => {
  const settings = {
    clusterDns: ["10.96.0.10"],
    clusterDomain: "cluster.local",
    host: { nameservers: ["192.0.2.53"], searches: ["corp"], options: ["edns0"] },
  };

  it.each<[string, Draft<corev1.PodSpec>, object]>([
    [
      "ClusterFirst",
      {},
      {
        servers: ["10.96.0.10"],
        searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp"],
        options: ["ndots:5"],
      },
    ],
    [
      "ClusterFirst on the host's network",
      { hostNetwork: true },
      { servers: ["192.0.2.53"], searches: ["corp"], options: ["edns0"] },
    ],
    [
      "ClusterFirstWithHostNet",
      { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
      { servers: ["10.96.0.10"] },
    ],
    ["Default", { dnsPolicy: "Default" }, { servers: ["192.0.2.53"] }],
    [
      "None with its own",
      {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["1.1.1.1"],
          searches: ["x"],
          options: [{ name: "ndots", value: "2" }, { name: "debug" }],
        },
      },
      { servers: ["1.1.1.1"], searches: ["x"], options: ["ndots:2", "debug"] },
    ],
    [
      "its own over the policy's",
      { dnsConfig: { options: [{ name: "ndots", value: "1" }], searches: ["corp", "y"] } },
      { searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp", "y"], options: ["ndots:1"] },
    ],
  ])("%s", (_, spec, expected) => {
    expect(podDns(make(spec), settings)).toMatchObject(expected);
  });

  it("reads resolv.conf", () => {
    const text = "# c\nnameserver 1.1.1.1\nnameserver fd00::1\nsearch a b.\noptions ndots:2 rotate\n";
    expect(parseResolvConf(text)).toEqual({
      nameservers: ["1.1.1.1", "fd00::1"],
      searches: ["a", "b"],
      options: ["ndots:2", "rotate"],
    });
  });

  it("writes /etc/hosts", () => {
    const pod = make({ hostname: "h", subdomain: "sub", hostAliases: [{ ip: "1.2.3.4", hostnames: ["x", "y"] }] });
    const text = hostsFile(pod, ["10.0.0.5"], "cluster.local");
    expect(text).toContain("10.0.0.5\th.sub.shop.svc.cluster.local\th\n");
    expect(text).toContain("\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n");
    expect(hostsFile(make(), [], "c", "127.0.0.1 host\n")).toBe(
      "# Kubernetes-managed hosts file (host network).\n127.0.0.1 host\n",
    );
  });

  it("cuts long host names to a label", () => {
    expect(kernelHostname(make({}, { name: `${"a".repeat(62)}.b` }), "c")).toBe("a".repeat(62));
    expect(kernelHostname(make({ hostname: "h", subdomain: "s", setHostnameAsFQDN: true }), "c")).toBe(
      "h.s.shop.svc.c",
    );
  });
});

describe("CRI configuration", () => {
  const node = {
    clusterDns: [],
    clusterDomain: "c",
    host: { nameservers: [], searches: [], options: [] },
    memoryCapacity: 4 * 1024 ** 3,
    seccompRoot: "/seccomp",
  };

  it("puts ports, sysctls and namespaces into the sandbox", () => {
    const pod = make({
      containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] }],
      securityContext: { sysctls: [{ name: "net/ipv4/ip_forward", value: "1" }], runAsUser: 5 },
      shareProcessNamespace: true,
    });
    const config = sandboxConfig(pod, node, { attempt: 3, logDirectory: "/logs", cgroupParent: "/g" });
    expect(config.metadata).toMatchObject({ name: "web-0", namespace: "shop", uid: "u1", attempt: 3 });
    expect(config.portMappings).toEqual([{ protocol: "TCP", containerPort: 80, hostPort: 8080, hostIp: undefined }]);
    expect(config.linux?.sysctls).toEqual({ "net.ipv4.ip_forward": "1" });
    expect(config.linux?.securityContext).toMatchObject({
      namespaceOptions: { network: "POD", pid: "POD" },
      runAsUser: { value: 5 },
    });
    expect(config.labels).toMatchObject({ "io.kubernetes.pod.uid": "u1" });
  });

  it("expands commands and marks containers so that they are known again", () => {
    const pod = make({
      containers: [{ name: "c", image: "i", command: ["echo", "$(A)$$(A)"], args: ["$(B)"] }],
      terminationGracePeriodSeconds: 7,
    });
    const config = containerConfig(pod, main(pod), node, {
      restartCount: 2,
      imageRef: "sha256:x",
      environment: new Map([["A", "1"]]),
      mounts: [],
    });
    expect(config).toMatchObject({
      command: ["echo", "1$(A)"],
      args: ["$(B)"],
      logPath: "c/2.log",
      image: { image: "sha256:x", userSpecifiedImage: "i" },
      metadata: { name: "c", attempt: 2 },
    });
    expect(config.annotations).toMatchObject({
      "io.kubernetes.container.restartCount": "2",
      "io.kubernetes.pod.terminationGracePeriod": "7",
    });
  });

  it("masks the kernel's paths, except for the privileged", () => {
    const of = (securityContext: Draft<corev1.SecurityContext>) => {
      const pod = make({ containers: [{ name: "c", securityContext }] });
      return containerSecurity(pod, main(pod).container, { seccompRoot: "/s" });
    };
    expect(of({}).maskedPaths).toContain("/proc/kcore");
    expect(of({ privileged: true })).toMatchObject({ maskedPaths: [], privileged: true });
    expect(of({ seccompProfile: { type: "Localhost", localhostProfile: "a.json" } }).seccomp).toEqual({
      profileType: "Localhost",
      localhostRef: "/s/a.json",
    });
    expect(of({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } })).toMatchObject({
      noNewPrivs: true,
      capabilities: { dropCapabilities: ["ALL"] },
    });
  });

  it.each([
    [{ runAsUser: 0 }, {}, "container's runAsUser breaks non-root policy"],
    [{}, { uid: 0 }, "container has runAsNonRoot and image will run as root"],
    [{}, { name: "app" }, "container has runAsNonRoot and image has non-numeric user (app)"],
    [{ runAsUser: 5 }, { uid: 0 }, undefined],
    [{}, { uid: 5 }, undefined],
  ])("runAsNonRoot with %o and an image of %o", (securityContext, image, message) => {
    const pod = make({ securityContext: { runAsNonRoot: true }, containers: [{ name: "c", securityContext }] });
    const verify = (): void => verifyNonRoot(pod, main(pod).container, image);
    if (message) expect(verify).toThrow(message);
    else expect(verify).not.toThrow();
  });
});
