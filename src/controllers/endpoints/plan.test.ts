import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { at, meta, pod } from "../fixtures/objects.ts";
import { planEndpoints, subsetsOf } from "./plan.ts";
import { repackSubsets, truncateSubsets } from "./subsets.ts";

function service(spec: Partial<corev1.ServiceSpec> = {}): corev1.Service {
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: meta("web", { labels: { team: "x" } }),
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

const on = (name: string, ip: string, ready: boolean, more: object = {}) =>
  pod(name, { ready: ready ? 0 : false, status: { podIP: ip, podIPs: [{ ip }] }, ...more });

describe("subsetsOf", () => {
  it("groups addresses by port and readiness", () => {
    const pods = [on("b", "10.0.0.2", true), on("a", "10.0.0.1", true), on("c", "10.0.0.3", false)];
    const subsets = subsetsOf(service(), pods);
    expect(subsets).toHaveLength(1);
    expect(subsets[0]?.addresses?.map((a) => a.ip)).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(subsets[0]?.notReadyAddresses?.map((a) => a.ip)).toEqual(["10.0.0.3"]);
    expect(subsets[0]?.ports).toEqual([{ name: "http", port: 8080, protocol: "TCP" }]);
    expect(subsets[0]?.addresses?.[0]).toEqual({
      ip: "10.0.0.1",
      nodeName: "node-1",
      targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "uid-a" },
    });
  });

  it("leaves out terminating pods unless unready ones are published", () => {
    const dying = on("a", "10.0.0.1", false, { metadata: { deletionTimestamp: at(0) } });
    expect(subsetsOf(service(), [dying])).toEqual([]);
    expect(subsetsOf(service({ publishNotReadyAddresses: true }), [dying])[0]?.addresses).toHaveLength(1);
  });

  it("has no ports for a headless Service without ports, and nothing for others", () => {
    const one = [on("a", "10.0.0.1", true)];
    expect(subsetsOf(service({ clusterIP: "None", ports: [] }), one)).toEqual([
      { addresses: [expect.objectContaining({ ip: "10.0.0.1" })] },
    ]);
    expect(subsetsOf(service({ ports: [] }), one)).toEqual([]);
  });
});

describe("planEndpoints", () => {
  const pods = [on("a", "10.0.0.1", true)];

  it("creates, then has nothing to do", () => {
    const made = planEndpoints(service(), pods, undefined, at(0));
    expect(made?.metadata).toEqual({
      name: "web",
      namespace: "default",
      labels: { team: "x", "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": at(0) },
    });
    const current = { kind: "Endpoints", apiVersion: "v1", ...made } as corev1.Endpoints;
    expect(planEndpoints(service(), pods, current, undefined)).toBeUndefined();
    expect(planEndpoints(service({ clusterIP: "None" }), [], current, undefined)?.metadata.labels).toMatchObject({
      "service.kubernetes.io/headless": "",
    });
  });

  it("says when there are too many", () => {
    const many = Array.from({ length: 1001 }, (_, i) => on(`p${i}`, `10.1.${i >> 8}.${i & 255}`, true));
    const made = planEndpoints(service(), many, undefined, undefined);
    expect(made?.metadata.annotations).toEqual({ "endpoints.kubernetes.io/over-capacity": "truncated" });
    expect(made?.subsets?.[0]?.addresses).toHaveLength(1000);
  });
});

describe("subsets", () => {
  const a = { ip: "10.0.0.1" };
  const b = { ip: "10.0.0.2" };
  const p = (port: number) => ({ port, protocol: "TCP" as const });

  it("merge ports of the same addresses and addresses of the same ports", () => {
    expect(
      repackSubsets([
        { addresses: [b], ports: [p(2)] },
        { addresses: [a], ports: [p(1), p(2)] },
        { addresses: [b], ports: [p(1)] },
      ]),
    ).toEqual([{ addresses: [a, b], ports: [p(1), p(2)] }]);
  });

  it("let not ready win", () => {
    expect(repackSubsets([{ addresses: [a], notReadyAddresses: [a], ports: [p(1)] }])).toEqual([
      { notReadyAddresses: [a], ports: [p(1)] },
    ]);
  });

  it("are cut in proportion, unready ones first", () => {
    const ips = (n: number) => Array.from({ length: n }, (_, i) => ({ ip: `10.0.0.${i}` }));
    const cut = truncateSubsets([{ addresses: ips(4), notReadyAddresses: ips(4) }, { notReadyAddresses: ips(4) }], 8);
    expect(cut.map((s) => [s.addresses?.length ?? 0, s.notReadyAddresses?.length ?? 0])).toEqual([
      [4, 2],
      [0, 2],
    ]);
    const hard = truncateSubsets([{ addresses: ips(6), notReadyAddresses: ips(4) }, { addresses: ips(6) }], 8);
    expect(hard.map((s) => [s.addresses?.length ?? 0, s.notReadyAddresses?.length ?? 0])).toEqual([
      [4, 0],
      [4, 0],
    ]);
  });
});
