import { describe, expect, it } from "vitest";
import type { corev1, discoveryv1 } from "../../api/index.ts";
import { at, EPOCH, meta, pod, type PodParts } from "../fixtures/objects.ts";
import { planSlices, type SliceInput } from "./plan.ts";

type Slice = discoveryv1.EndpointSlice;

function service(
  spec: Partial<corev1.ServiceSpec> = {},
  metadata: Partial<corev1.Service["metadata"]> = {},
): corev1.Service {
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: meta("web", metadata),
    spec: {
      selector: { app: "demo" },
      clusterIP: "10.96.0.1",
      ipFamilies: ["IPv4"],
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8080 }],
      ...spec,
    },
    status: { loadBalancer: {} },
  };
}

function node(name: string, zone?: string, cpu = "4"): corev1.Node {
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: meta(name, zone === undefined ? {} : { labels: { "topology.kubernetes.io/zone": zone } }),
    spec: {},
    status: {
      allocatable: { cpu },
      conditions: [{ type: "Ready", status: "True" }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {} as never,
    },
  };
}

let nextIp = 0;
function endpointPod(name: string, parts: PodParts & { ips?: string[] } = {}): corev1.Pod {
  nextIp++;
  const ips = parts.ips ?? [`10.0.${nextIp >> 8}.${nextIp & 255}`];
  const [podIP = ""] = ips;
  return pod(name, { ...parts, status: { podIP, podIPs: ips.map((ip) => ({ ip })), ...parts.status } });
}

const pods = (count: number) => Array.from({ length: count }, (_, i) => endpointPod(`p${i}`));

function plan(input: Partial<SliceInput> & { pods: Iterable<corev1.Pod> }) {
  const nodes = [node("node-1")];
  return planSlices({
    service: service(),
    existing: [],
    nodeOf: (name) => nodes.find((n) => n.metadata.name === name),
    maxPerSlice: 100,
    shares: undefined,
    ...input,
  });
}

let serial = 0;
/** What the server makes of slices to create. */
function stored(slices: readonly unknown[]): Slice[] {
  return (slices as Slice[]).map((slice) => {
    const name = slice.metadata.name ?? `web-${++serial}`;
    return { ...slice, metadata: { ...slice.metadata, name, uid: `uid-${name}`, resourceVersion: "1" } };
  });
}

describe("planSlices", () => {
  it("describes ready, unready and terminating pods", () => {
    const { create } = plan({
      pods: [
        endpointPod("a", { ips: ["10.0.0.1"] }),
        endpointPod("b", { ips: ["10.0.0.2"], ready: false }),
        endpointPod("c", { ips: ["10.0.0.3"], metadata: { deletionTimestamp: at(0) } }),
        endpointPod("done", { status: { phase: "Succeeded" } }),
        pod("no-ip"),
      ],
      triggerTime: at(5000),
    });
    expect(create).toHaveLength(1);
    expect(create[0]?.metadata).toEqual({
      namespace: "default",
      generateName: "web-",
      labels: {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": at(5000) },
      ownerReferences: [
        { apiVersion: "v1", kind: "Service", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true },
      ],
    });
    expect(create[0]?.ports).toEqual([{ name: "http", port: 8080, protocol: "TCP" }]);
    expect(create[0]?.endpoints).toEqual([
      {
        addresses: ["10.0.0.1"],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "uid-a" },
        nodeName: "node-1",
      },
      expect.objectContaining({
        addresses: ["10.0.0.2"],
        conditions: { ready: false, serving: false, terminating: false },
      }),
      expect.objectContaining({
        addresses: ["10.0.0.3"],
        conditions: { ready: false, serving: true, terminating: true },
      }),
    ]);
  });

  it("publishes unready addresses when asked to, on unknown nodes too", () => {
    const lost = endpointPod("a", { ready: false, spec: { nodeName: "gone" } });
    const asked = plan({ service: service({ publishNotReadyAddresses: true }), pods: [lost] });
    expect(asked.create[0]?.endpoints?.[0]?.conditions).toEqual({ ready: true, serving: false, terminating: false });
    const plain = plan({ pods: [lost] });
    expect(plain.skipped).toEqual(["skipping Pod a for Service default/web: Node gone Not Found"]);
    expect(plain.create[0]?.endpoints).toEqual([]);
  });

  it("splits by address family, named ports and size", () => {
    const dual = plan({
      service: service({ ipFamilies: ["IPv6", "IPv4"] }),
      pods: [endpointPod("a", { ips: ["10.0.0.1", "FD00::1"] })],
    });
    expect(dual.create.map((s) => [s.addressType, s.endpoints?.[0]?.addresses])).toEqual([
      ["IPv6", ["fd00::1"]],
      ["IPv4", ["10.0.0.1"]],
    ]);
    const named = (port: number) => ({
      spec: {
        containers: [
          {
            name: "m",
            image: "i",
            resources: {},
            ports: [{ name: "web", containerPort: port, protocol: "TCP" as const }],
          },
        ],
      },
    });
    const byPort = plan({
      service: service({ ports: [{ name: "", protocol: "TCP", port: 80, targetPort: "web" }] }),
      pods: [endpointPod("a", named(8080)), endpointPod("b", named(9090)), endpointPod("c")],
    });
    expect(byPort.create.map((s) => s.ports?.map((p) => p.port))).toEqual([[8080], [9090], []]);
    const many = plan({ pods: pods(250) });
    expect(many.create.map((s) => s.endpoints?.length)).toEqual([100, 100, 50]);
  });

  it("keeps endpoints where they are and changes as few slices as can be", () => {
    const all = pods(250);
    const existing = stored(plan({ pods: all }).create);
    expect(plan({ pods: all, existing })).toMatchObject({ create: [], update: [], remove: [] });
    const without = plan({ pods: all.slice(1), existing });
    expect(without.update.map((s) => s.endpoints.length)).toEqual([99]);
    const more = plan({
      pods: [...all, ...pods(10).map((p) => ({ ...p, metadata: { ...p.metadata, name: `x-${p.metadata.name}` } }))],
      existing,
    });
    expect(more.update.map((s) => s.endpoints.length)).toEqual([60]);
    const replaced = plan({ pods: [...all.slice(1), endpointPod("new")], existing });
    expect([replaced.create.length, replaced.update.length, replaced.remove.length]).toEqual([0, 1, 0]);
    const none = plan({ pods: [], existing });
    expect([none.create.length, none.update.length, none.remove.length]).toEqual([0, 1, 2]);
    expect(none.update[0]?.endpoints).toEqual([]);
  });

  it("has one empty slice for a Service without pods, and keeps it", () => {
    const empty = plan({ pods: [] });
    expect(empty.create).toHaveLength(1);
    expect(empty.create[0]).toMatchObject({ ports: [], endpoints: [] });
    const existing = stored(empty.create);
    expect(plan({ pods: [], existing })).toMatchObject({ create: [], update: [], remove: [] });
    const filled = plan({ pods: pods(1), existing });
    expect([filled.create.length, filled.update[0]?.metadata.name]).toEqual([0, existing[0]?.metadata.name]);
  });

  it("follows the Service's labels and headlessness", () => {
    const headless = service({ clusterIP: "None" }, { labels: { team: "x" } });
    const { create } = plan({ service: headless, pods: pods(1) });
    expect(create[0]?.metadata?.labels).toMatchObject({ team: "x", "service.kubernetes.io/headless": "" });
    const existing = stored(plan({ pods: pods(0) }).create);
    expect(
      plan({ service: service({}, { labels: { team: "y" } }), pods: [], existing }).update[0]?.metadata.labels,
    ).toMatchObject({ team: "y" });
  });

  it("removes slices of families no longer served and of an earlier Service of the name, creates none for a dying one", () => {
    const pod1 = pods(1);
    const v6 = stored(plan({ service: service({ ipFamilies: ["IPv6"] }), pods: pod1 }).create);
    expect(plan({ pods: pod1, existing: v6 }).remove).toEqual(v6);
    const old = stored(plan({ service: service({}, { uid: "other" }), pods: pod1 }).create);
    const fresh = plan({ pods: pod1, existing: old });
    expect([fresh.create.length, fresh.remove.length]).toEqual([1, 1]);
    expect(plan({ service: service({}, { deletionTimestamp: at(0) }), pods: pod1 }).create).toEqual([]);
  });

  it("sets the host name of pods in the Service's subdomain", () => {
    const named = endpointPod("a", { spec: { hostname: "db-0", subdomain: "web" } });
    expect(plan({ pods: [named] }).create[0]?.endpoints?.[0]?.hostname).toBe("db-0");
    const other = endpointPod("a", { spec: { hostname: "db-0", subdomain: "else" } });
    expect(plan({ pods: [other] }).create[0]?.endpoints?.[0]?.hostname).toBeUndefined();
  });
});

describe("hints", () => {
  const nodes = [node("n-a", "a"), node("n-b", "b")];
  const nodeOf = (name: string) => nodes.find((n) => n.metadata.name === name);
  const on = (name: string, nodeName: string) => endpointPod(name, { spec: { nodeName } });
  const zonesOf = (slices: readonly { endpoints?: readonly unknown[] }[]) =>
    (slices as readonly Slice[]).flatMap((s) => s.endpoints.map((e) => e.hints?.forZones?.[0]?.name));
  const auto = { metadata: { annotations: { "service.kubernetes.io/topology-mode": "Auto" } } };

  it("point to an endpoint's own zone, and node", () => {
    const near = plan({
      service: service({ trafficDistribution: "PreferClose" }),
      pods: [on("x", "n-a"), on("y", "n-b")],
      nodeOf,
    });
    expect(zonesOf(near.create)).toEqual(["a", "b"]);
    const nodeHints = plan({
      service: service({ trafficDistribution: "PreferSameNode" }),
      pods: [on("x", "n-a")],
      nodeOf,
    });
    expect(nodeHints.create[0]?.endpoints?.[0]?.hints).toEqual({
      forZones: [{ name: "a" }],
      forNodes: [{ name: "n-a" }],
    });
  });

  it("share out endpoints by CPU, and say so once", () => {
    const shares = new Map([
      ["a", 0.5],
      ["b", 0.5],
    ]);
    const four = [on("w", "n-a"), on("x", "n-a"), on("y", "n-a"), on("z", "n-b")];
    const svc = service({}, auto.metadata);
    const first = plan({ service: svc, pods: four, nodeOf, shares });
    expect(zonesOf(first.create).map(String).toSorted()).toEqual(["a", "a", "b", "b"]);
    expect(first.events.map((e) => e.message)).toEqual(["Topology Aware Hints has been enabled, addressType: IPv4"]);
    const again = plan({ service: svc, pods: four, nodeOf, shares, existing: stored(first.create) });
    expect(again).toMatchObject({ create: [], update: [], remove: [], events: [] });
    const off = plan({ pods: four, nodeOf, shares, existing: stored(first.create) });
    expect(zonesOf(off.update)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("are refused with a reason", () => {
    const svc = service({}, auto.metadata);
    const reason = (input: Partial<SliceInput>) =>
      plan({ service: svc, pods: [on("x", "n-a")], nodeOf, ...input }).events[0]?.message;
    expect(reason({})).toMatch(/^Insufficient Node information/);
    const shares = new Map([
      ["a", 0.5],
      ["b", 0.5],
    ]);
    expect(reason({ shares })).toBe("Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4");
    const noZone = { pods: [on("x", "n-a"), on("y", "plain")], nodeOf: () => node("plain"), shares };
    expect(reason(noZone)).toMatch(/^One or more endpoints do not have a zone specified/);
    void EPOCH;
  });
});
