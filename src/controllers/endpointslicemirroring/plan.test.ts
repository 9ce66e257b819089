import { describe, expect, it } from "vitest";
import type { corev1, discoveryv1 } from "../../api/index.ts";
import { meta } from "../fixtures/objects.ts";
import { planMirror } from "./plan.ts";

function endpoints(
  subsets: corev1.EndpointSubset[],
  more: Partial<corev1.Endpoints["metadata"]> = {},
): corev1.Endpoints {
  return {
    kind: "Endpoints",
    apiVersion: "v1",
    metadata: meta("web", { labels: { a: "b" }, annotations: { note: "x" }, ...more }),
    subsets,
  };
}

function stored(slices: readonly unknown[]): discoveryv1.EndpointSlice[] {
  return (slices as discoveryv1.EndpointSlice[]).map((slice, i) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `web-${i}`, uid: `uid-web-${i}`, resourceVersion: "1" },
  }));
}

const ports = [{ name: "http", port: 80, protocol: "TCP" as const }];

describe("planMirror", () => {
  it("makes a slice for each address family", () => {
    const plan = planMirror(
      endpoints([{ addresses: [{ ip: "10.0.0.1" }, { ip: "fd00::1", hostname: "h" }], ports }]),
      [],
      1000,
    );
    expect(plan.create.map((s) => [s.addressType, s.endpoints])).toEqual([
      ["IPv4", [{ addresses: ["10.0.0.1"], conditions: { ready: true } }]],
      ["IPv6", [{ addresses: ["fd00::1"], conditions: { ready: true }, hostname: "h" }]],
    ]);
    expect(plan.create[0]?.metadata).toMatchObject({
      generateName: "web-",
      labels: {
        a: "b",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
      },
      annotations: { note: "x" },
      ownerReferences: [{ kind: "Endpoints", name: "web" }],
    });
  });

  it("keeps what is right, updates what is not, removes what is too much", () => {
    const first = endpoints([{ addresses: [{ ip: "10.0.0.1" }], ports }]);
    const existing = stored(planMirror(first, [], 1000).create);
    expect(planMirror(first, existing, 1000)).toEqual({ create: [], update: [], remove: [], warnings: [] });
    const changed = planMirror(endpoints([{ notReadyAddresses: [{ ip: "10.0.0.1" }], ports }]), existing, 1000);
    expect(changed.update[0]?.endpoints[0]?.conditions).toEqual({ ready: false });
    expect(changed.update[0]?.metadata).toMatchObject({ name: "web-0", resourceVersion: "1" });
    const moved = planMirror(
      endpoints([{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 81, protocol: "TCP" }] }]),
      existing,
      1000,
    );
    expect([moved.create.length, moved.update.length, moved.remove.length]).toEqual([0, 1, 0]);
    expect(planMirror(endpoints([]), existing, 1000).remove).toEqual(existing);
    const reborn = planMirror(
      endpoints([{ addresses: [{ ip: "10.0.0.1" }], ports }], { uid: "again" }),
      existing,
      1000,
    );
    expect(reborn.update[0]?.metadata.ownerReferences?.[0]?.uid).toBe("again");
  });

  it("warns of invalid and too many addresses", () => {
    const plan = planMirror(
      endpoints([{ addresses: [{ ip: "nonsense" }, { ip: "10.0.0.1" }, { ip: "10.0.0.2" }], ports }]),
      [],
      1,
    );
    expect(plan.create[0]?.endpoints).toHaveLength(1);
    expect(plan.warnings.map((w) => w.message)).toEqual([
      "A max of 1 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped",
    ]);
    const bad = planMirror(endpoints([{ addresses: [{ ip: "nonsense" }], ports }]), [], 10);
    expect(bad.warnings.map((w) => w.reason)).toEqual(["InvalidIPAddress"]);
  });
});
