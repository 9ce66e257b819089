import { describe, expect, it } from "vitest";
import { type networkingv1, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { at, meta } from "../fixtures/objects.ts";
import { isDispensable } from "./index.ts";

const labels = { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" };

describe("isDispensable", () => {
  const range = (name: string, cidrs: string[], parts = {}) =>
    ({ metadata: meta(name, parts), spec: { cidrs }, status: {} }) as unknown as networkingv1.ServiceCIDR;
  const address = (name: string) => ({ metadata: meta(name, { labels }) }) as unknown as networkingv1.IPAddress;
  const own = range("own", ["10.1.0.0/24"]);
  const cases: readonly (readonly [string, networkingv1.ServiceCIDR[], string[], boolean])[] = [
    ["without addresses", [], [], true],
    ["with an address", [], ["10.1.0.7"], false],
    ["with an address of another", [], ["10.2.0.7"], true],
    ["with an address that another has too", [range("b", ["10.1.0.0/28"])], ["10.1.0.7"], true],
    ["within another", [range("b", ["10.0.0.0/8"])], ["10.1.0.7"], true],
    [
      "within another that goes as well",
      [range("b", ["10.0.0.0/8"], { deletionTimestamp: at(0) })],
      ["10.1.0.7"],
      false,
    ],
  ];
  for (const [name, others, addresses, expected] of cases) {
    it(name, () => expect(isDispensable(own, [own, ...others], addresses.map(address))).toBe(expected));
  }
});

describe("ServiceCIDRs in a cluster", () => {
  it("stay while their addresses are used", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["service-cidr-controller"])] });
    const ranges = cluster.client.resource(resources.servicecidrs);
    const addresses = cluster.client.resource(resources.ipaddresses);
    await ranges.create({ metadata: { name: "more" }, spec: { cidrs: ["10.9.0.0/24"] } });
    const parentRef = { resource: "services", namespace: "default", name: "s" };
    await addresses.create({ metadata: { name: "10.9.0.5", labels }, spec: { parentRef } });
    await cluster.settle();
    const ready = async () => (await ranges.get({ name: "more" })).status.conditions?.[0]?.status;
    expect(await ready()).toBe("True");
    await ranges.delete({ name: "more" });
    await cluster.advance(60_000);
    expect(await ready()).toBe("False");
    await addresses.delete({ name: "10.9.0.5" });
    await cluster.advance(11_000);
    expect((await ranges.list()).items.filter(({ metadata }) => metadata.name === "more")).toEqual([]);
  });
});
