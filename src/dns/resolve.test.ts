import { describe, expect, it } from "vitest";
import type { corev1, discoveryv1 } from "../api/index.ts";
import { type Data, RCODE, TYPE } from "./message.ts";
import { type ClusterView, resolve } from "./resolve.ts";

const ZONE = "cluster.local";

function service(name: string, spec: object): corev1.Service {
  return { metadata: { name, namespace: "default" }, spec } as corev1.Service;
}

function slice(owner: string, endpoints: object[], ports: object[] = []): discoveryv1.EndpointSlice {
  const labels = { "kubernetes.io/service-name": owner };
  return {
    metadata: { name: `${owner}-1`, namespace: "default", labels },
    addressType: "IPv4",
    endpoints,
    ports,
  } as unknown as discoveryv1.EndpointSlice;
}

const ready = { conditions: { ready: true } };
const services = [
  service("web", {
    type: "ClusterIP",
    clusterIP: "10.96.0.7",
    clusterIPs: ["10.96.0.7", "fd00::7"],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
  }),
  service("db", { type: "ClusterIP", clusterIP: "None", ports: [{ name: "sql", port: 5432 }] }),
  service("empty", { type: "ClusterIP", clusterIP: "None" }),
  service("out", { type: "ExternalName", externalName: "Example.COM." }),
];
const slices = [
  slice(
    "db",
    [
      { addresses: ["10.244.0.5"], hostname: "db-0", ...ready },
      { addresses: ["10.244.0.6"], ...ready },
      { addresses: ["10.244.0.9"], hostname: "db-2", conditions: { ready: false } },
    ],
    [{ name: "sql", port: 5432, protocol: "TCP" }],
  ),
];

const view: ClusterView = {
  service: (ns, name) => services.find((s) => s.metadata.namespace === ns && s.metadata.name === name),
  slices: (ns, name) =>
    slices.filter((s) => s.metadata.namespace === ns && s.metadata.labels?.["kubernetes.io/service-name"] === name),
  hasNamespace: (name) => name === "default",
  servicesByAddress: (address) => services.filter((s) => (s.spec.clusterIPs ?? []).includes(address)),
  slicesByAddress: (address) => slices.filter((s) => (s.endpoints ?? []).some((e) => e.addresses.includes(address))),
};

function ask(name: string, type: number): { rcode: number; data: Data[] } | "forward" {
  const resolution = resolve(view, ZONE, { name, type });
  if (resolution.kind === "forward") return "forward";
  return { rcode: resolution.answer.rcode, data: resolution.answer.answers.map((r) => r.data) };
}

const a = (address: string): Data => ({ type: TYPE.A, address });
const ok = (...data: Data[]) => ({ rcode: RCODE.ok, data });
const nx = { rcode: RCODE.nxDomain, data: [] };

describe("resolve", () => {
  it.each<[string, number, ReturnType<typeof ask>]>([
    ["web.default.svc.cluster.local", TYPE.A, ok(a("10.96.0.7"))],
    ["web.default.svc.cluster.local", TYPE.AAAA, ok({ type: TYPE.AAAA, address: "fd00::7" })],
    ["web.default.svc.cluster.local", TYPE.TXT, ok()],
    ["nope.default.svc.cluster.local", TYPE.A, nx],
    ["x.web.default.svc.cluster.local", TYPE.A, nx],
    ["default.svc.cluster.local", TYPE.A, ok()],
    ["other.svc.cluster.local", TYPE.A, nx],
    ["svc.cluster.local", TYPE.A, ok()],
    ["cluster.local", TYPE.A, ok()],
    ["bogus.cluster.local", TYPE.A, nx],
    ["db.default.svc.cluster.local", TYPE.A, ok(a("10.244.0.5"), a("10.244.0.6"))],
    ["db-0.db.default.svc.cluster.local", TYPE.A, ok(a("10.244.0.5"))],
    ["10-244-0-6.db.default.svc.cluster.local", TYPE.A, ok(a("10.244.0.6"))],
    ["db-2.db.default.svc.cluster.local", TYPE.A, nx],
    ["empty.default.svc.cluster.local", TYPE.A, nx],
    ["out.default.svc.cluster.local", TYPE.A, ok({ type: TYPE.CNAME, target: "example.com" })],
    ["1-2-3-4.default.pod.cluster.local", TYPE.A, ok(a("1.2.3.4"))],
    ["1-2-3-400.default.pod.cluster.local", TYPE.A, nx],
    ["1-2-3-4.other.pod.cluster.local", TYPE.A, nx],
    ["dns-version.cluster.local", TYPE.TXT, ok({ type: TYPE.TXT, text: "1.1.0" })],
    ["7.0.96.10.in-addr.arpa", TYPE.PTR, ok({ type: TYPE.PTR, target: "web.default.svc.cluster.local" })],
    ["5.0.244.10.in-addr.arpa", TYPE.PTR, ok({ type: TYPE.PTR, target: "db-0.db.default.svc.cluster.local" })],
    [`7.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, TYPE.PTR, ok({ type: TYPE.PTR, target: "web.default.svc.cluster.local" })],
    ["9.9.9.9.in-addr.arpa", TYPE.PTR, "forward"],
    ["example.com", TYPE.A, "forward"],
    ["notcluster.local", TYPE.A, "forward"],
  ])("%s type %i", (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected);
  });

  it("answers SRV with a port and a target per endpoint, and their addresses beside", () => {
    const resolution = resolve(view, ZONE, { name: "_sql._tcp.db.default.svc.cluster.local", type: TYPE.SRV });
    expect(resolution).toMatchObject({ kind: "answer" });
    if (resolution.kind !== "answer") return;
    expect(resolution.answer.answers.map((r) => r.data)).toEqual([
      { type: TYPE.SRV, priority: 0, weight: 50, port: 5432, target: "db-0.db.default.svc.cluster.local" },
      { type: TYPE.SRV, priority: 0, weight: 50, port: 5432, target: "10-244-0-6.db.default.svc.cluster.local" },
    ]);
    expect(resolution.answer.additional.map((r) => r.name)).toEqual([
      "db-0.db.default.svc.cluster.local",
      "10-244-0-6.db.default.svc.cluster.local",
    ]);
    expect(ask("_sql._udp.db.default.svc.cluster.local", TYPE.SRV)).toEqual(nx);
    expect(ask("_http._tcp.web.default.svc.cluster.local", TYPE.SRV)).toEqual(
      ok({ type: TYPE.SRV, priority: 0, weight: 100, port: 80, target: "web.default.svc.cluster.local" }),
    );
  });
});
