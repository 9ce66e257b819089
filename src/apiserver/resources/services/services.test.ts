import { describe, expect, it } from "vitest";
import { resources } from "../../../api/index.ts";
import { SeededRandom } from "../../../kit/index.ts";
import { isInvalid, StatusError } from "../../../machinery/index.ts";
import { type Edits, StrategyBench } from "../common/testing.ts";
import { createStrategies, type Strategies } from "../index.ts";
import type { ServiceLike } from "./allocators.ts";

const PORT = { port: 80 };

function setup(options: { cidrs?: string[] } = {}): { strategies: Strategies; bench: StrategyBench } {
  const strategies = createStrategies({
    random: new SeededRandom(1),
    nodePortRange: "30000-30009",
    ...(options.cidrs && { serviceCidrs: options.cidrs }),
  });
  const bench = new StrategyBench(resources.services, strategies.for(resources.services), {
    spec: { ports: [PORT], selector: { app: "a" } },
  });
  return { strategies, bench };
}

const specOf = async (bench: StrategyBench, edits: Edits = {}): Promise<Record<string, unknown>> =>
  (await bench.created(edits))["spec"] as Record<string, unknown>;

const message = async (run: Promise<unknown>): Promise<string> => {
  const error = await run.then(
    () => undefined,
    (e: unknown) => e,
  );
  return error instanceof StatusError ? error.message : "no StatusError";
};

describe("allocation", () => {
  it("gives an address of the network", async () => {
    const spec = await specOf(setup().bench);
    expect(spec["clusterIP"]).toMatch(/^10\.96\./);
    expect(spec).toMatchObject({
      clusterIPs: [spec["clusterIP"]],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    });
  });

  it("takes a wanted address once", async () => {
    const { bench } = setup();
    expect(await specOf(bench, { "spec.clusterIP": "10.96.0.10" })).toMatchObject({ clusterIPs: ["10.96.0.10"] });
    expect(await message(bench.created({ "metadata.name": "y", "spec.clusterIP": "10.96.0.10" }))).toBe(
      'Service "y" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    );
  });

  it.each(["10.97.0.1", "10.96.0.0", "10.96.255.255"])("refuses %s", async (ip) => {
    expect(await message(setup().bench.created({ "spec.clusterIP": ip }))).toBe(
      `Service "x" is invalid: spec.clusterIPs: Invalid value: ["${ip}"]: failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
    );
  });

  it("gives node ports, and says when one is taken or out of range", async () => {
    const { bench } = setup();
    const node = { "spec.type": "NodePort" };
    const spec = await specOf(bench, node);
    const port = (spec["ports"] as { nodePort: number }[])[0]?.nodePort ?? 0;
    expect(port).toBeGreaterThanOrEqual(30000);
    const again = { ...node, "metadata.name": "y", "spec.ports": [{ ...PORT, nodePort: port }] };
    expect(await message(bench.created(again))).toBe(
      `Service "y" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: provided port is already allocated`,
    );
    const outside = { ...again, "spec.ports": [{ ...PORT, nodePort: 80 }] };
    expect(await message(bench.created(outside))).toBe(
      'Service "y" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30009',
    );
  });

  it("uses one node port for one port in two protocols", async () => {
    const ports = [
      { name: "a", port: 53, protocol: "TCP" },
      { name: "b", port: 53, protocol: "UDP" },
    ];
    const spec = await specOf(setup().bench, { "spec.type": "NodePort", "spec.ports": ports });
    const [a, b] = spec["ports"] as { nodePort: number }[];
    expect(a?.nodePort).toBe(b?.nodePort);
  });

  it("ends with the range, and goes on when something is given back", async () => {
    const { bench, strategies } = setup();
    const create = (i: number): Promise<unknown> =>
      bench.created({ "metadata.name": `s${i}`, "spec.type": "NodePort" });
    for (let i = 0; i < 10; i++) strategies.services.observe(`ns/s${i}`, (await create(i)) as unknown as ServiceLike);
    expect(await message(create(10))).toBe("Internal error occurred: failed to allocate a nodePort: range is full");
    strategies.services.observe("ns/s3", undefined);
    await expect(create(10)).resolves.toBeDefined();
  });

  it("knows what stored services have", async () => {
    const { bench, strategies } = setup();
    strategies.services.observe("ns/old", { spec: { clusterIPs: ["10.96.0.7"] } });
    await expect(bench.created({ "spec.clusterIP": "10.96.0.7" })).rejects.toSatisfy(isInvalid);
  });

  it("gives nothing to headless services and external names", async () => {
    const { bench } = setup();
    expect(await specOf(bench, { "spec.clusterIP": "None" })).toMatchObject({ clusterIPs: ["None"] });
    const external = await specOf(bench, { "spec.type": "ExternalName", "spec.externalName": "a.b", "spec.ports": [] });
    expect(external).not.toHaveProperty("clusterIP");
  });

  it("gives both families where there are two", async () => {
    const { bench } = setup({ cidrs: ["10.96.0.0/16", "fd00:1::/112"] });
    const spec = await specOf(bench, { "spec.ipFamilyPolicy": "RequireDualStack" });
    expect(spec).toMatchObject({ ipFamilies: ["IPv4", "IPv6"] });
    expect((spec["clusterIPs"] as string[])[1]).toMatch(/^fd00:1::/);
    expect(await message(setup().bench.created({ "spec.ipFamilyPolicy": "RequireDualStack" }))).toBe(
      'Service "x" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
  });
});

describe("create", () => {
  it.each<[string, Edits, string[]]>([
    ["fine", {}, []],
    ["no ports", { "spec.ports": [] }, ["spec.ports: Required value"]],
    [
      "nameless ports",
      { "spec.ports": [{ port: 1 }, { port: 2 }] },
      ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
    ],
    [
      "port",
      { "spec.ports": [{ port: 0 }] },
      [
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
      ],
    ],
    [
      "same ports",
      {
        "spec.ports": [
          { name: "a", port: 1 },
          { name: "b", port: 1 },
        ],
      },
      ['spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}'],
    ],
    [
      "type",
      { "spec.type": "Magic" },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      "headless node port",
      { "spec.type": "NodePort", "spec.clusterIP": "None" },
      ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
    ],
    ["external name", { "spec.type": "ExternalName", "spec.ports": [] }, ["spec.externalName: Required value"]],
    [
      "external IP",
      { "spec.externalIPs": ["127.0.0.1"] },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      "name",
      { "metadata.name": "1a" },
      [
        "metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ["load balancer", { "spec.type": "LoadBalancer", "spec.externalTrafficPolicy": "Local" }, []],
    [
      "source ranges",
      { "spec.loadBalancerSourceRanges": ["10.0.0.0/8"] },
      ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    [
      "distribution",
      { "spec.trafficDistribution": "Anywhere" },
      [
        'spec.trafficDistribution: Unsupported value: "Anywhere": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
  ])("%s", async (_, edits, errors) => expect(await setup().bench.create(edits)).toEqual(errors));
});

describe("update", () => {
  it("keeps what is left out", async () => {
    const { bench } = setup();
    const old = await bench.created({ "spec.type": "NodePort" });
    const before = old["spec"] as { clusterIP: string; ports: { nodePort: number }[] };
    const next = await bench.updated(old, {
      "spec.clusterIP": undefined,
      "spec.clusterIPs": undefined,
      "spec.ports": [PORT],
    });
    expect(next["spec"]).toMatchObject({
      clusterIP: before.clusterIP,
      ports: [{ nodePort: before.ports[0]?.nodePort }],
    });
  });

  it("does not change addresses", async () => {
    const { bench } = setup();
    const errors = await bench.update({ "spec.clusterIP": "10.96.9.9", "spec.clusterIPs": ["10.96.9.9"] });
    expect(errors).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set']);
  });

  it("drops node ports that only the old type had", async () => {
    const { bench } = setup();
    const old = await bench.created({ "spec.type": "NodePort" });
    const next = await bench.updated(old, { "spec.type": "ClusterIP" });
    expect((next["spec"] as { ports: object[] }).ports[0]).not.toHaveProperty("nodePort");
    expect(next["spec"]).not.toHaveProperty("externalTrafficPolicy");
  });

  it("moves to an external name and back", async () => {
    const { bench, strategies } = setup();
    const old = await bench.created();
    strategies.services.observe("ns/x", old as unknown as ServiceLike);
    const external = await bench.updated(old, { "spec.type": "ExternalName", "spec.externalName": "a.b" });
    expect(external["spec"]).not.toHaveProperty("clusterIP");
    strategies.services.observe("ns/x", external as unknown as ServiceLike);
    const back = await bench.updated(external, { "spec.type": "ClusterIP", "spec.externalName": undefined });
    expect((back["spec"] as { clusterIP: string }).clusterIP).toMatch(/^10\.96\./);
  });
});
