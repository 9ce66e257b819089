import { describe, expect, it } from "vitest";
import { cniConfig, type HostPort, nodeTable } from "./cni.ts";

const names = { bridge: "k8ts-x", table: "k8ts-x-pods" };
const port = (more: Partial<HostPort>): HostPort => ({
  protocol: "tcp",
  hostPort: 80,
  podIP: "10.244.0.2",
  containerPort: 8080,
  ...more,
});

describe("nodeTable", () => {
  it.each<[string, HostPort[], string]>([
    ["all addresses", [port({})], "add element ip k8ts-x-pods host_ports_tcp { 80 : 10.244.0.2 . 8080 }"],
    [
      "one address",
      [port({ hostIP: "127.0.0.1" })],
      "add element ip k8ts-x-pods host_ports_at_tcp { 127.0.0.1 . 80 : 10.244.0.2 . 8080 }",
    ],
    [
      "another protocol",
      [port({ protocol: "udp" })],
      "add element ip k8ts-x-pods host_ports_udp { 80 : 10.244.0.2 . 8080 }",
    ],
    [
      "one port at several addresses",
      [port({ hostIP: "10.0.0.1" }), port({ hostIP: "10.0.0.2", podIP: "10.244.0.3" })],
      "host_ports_at_tcp { 10.0.0.1 . 80 : 10.244.0.2 . 8080, 10.0.0.2 . 80 : 10.244.0.3 . 8080 }",
    ],
    ["a port claimed twice", [port({}), port({ podIP: "10.244.0.9" })], "host_ports_tcp { 80 : 10.244.0.9 . 8080 }"],
  ])("leads a host port to its pod: %s", (_, ports, expected) => {
    expect(nodeTable(names, "10.244.0.0/16", ports)).toContain(expected);
  });

  it("masquerades what leaves the cluster", () => {
    expect(nodeTable(names, "10.244.0.0/16", [])).toContain(
      "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade",
    );
  });
});

it("connects pods to one bridge with addresses of the node's range", () => {
  expect(cniConfig(names, ["10.244.3.0/24"], "/data")).toMatchObject({
    name: "k8ts-x",
    plugins: [
      {
        type: "bridge",
        bridge: "k8ts-x",
        ipam: { ranges: [[{ subnet: "10.244.3.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
    ],
  });
});
