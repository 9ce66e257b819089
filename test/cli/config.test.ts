import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { expectFailure, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

const HEAD = "apiVersion: k8ts.dev/v1\nkind: Cluster\nnode: simulated\n";

describe("configuration files that cannot be used", () => {
  it.each<[what: string, text: string, message: RegExp]>([
    ["broken YAML", "apiVersion: [", /not valid YAML/],
    ["tabs for indentation", "apiVersion: k8ts.dev/v1\n\tkind: Cluster", /not valid YAML/],
    ["a key given twice", `${HEAD}apiPort: 1\napiPort: 2`, /not valid YAML.*unique/],
    ["two documents", `${HEAD}---\n${HEAD}`, /not valid YAML/],
    ["an empty file", "", /does not hold an object/],
    ["a list", "- a\n- b", /does not hold an object/],
    ["a number", "42", /does not hold an object/],
    ["another kind", "apiVersion: v1\nkind: Pod", /"Pod" of "v1", not a cluster configuration/],
    ["a kind cluster's file", "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4", /"kind.x-k8s.io\/v1alpha4"/],
    ["no kind", "apiPort: 6443", /null of null, not a cluster configuration/],
    ["an unknown field", `${HEAD}apiport: 6443`, /unknown field "apiport"/],
    ["a field of the prototype", `${HEAD}constructor: 1`, /unknown field "constructor"/],
    ["text for a number", `${HEAD}apiPort: "6443"`, /apiPort is "6443", expected a port/],
    ["a port out of range", `${HEAD}apiPort: 65536`, /apiPort is 65536, expected a port/],
    ["null", `${HEAD}apiPort:`, /apiPort is null, expected a port/],
    [
      "a node that is neither",
      `${HEAD.replace("simulated", "fake")}`,
      /node is "fake", expected "real" or "simulated"/,
    ],
    ["a range that is none", `${HEAD}podCidr: 10.244.0.0`, /podCidr is "10.244.0.0", expected an IPv4 range/],
    ["ranges that overlap", `${HEAD}podCidr: 10.50.0.0/16\nserviceCidr: 10.50.128.0/20`, /overlap/],
    ["more nodes than addresses", `${HEAD}podCidr: 10.50.0.0/22\nsimulatedNodes: 5`, /room for 4 nodes/],
    ["an address that is none", `${HEAD}apiAddress: localhost`, /apiAddress is "localhost", expected an IPv4 address/],
    ["a bad name", `${HEAD}name: Not_OK`, /name is "Not_OK", expected a DNS name/],
    ["a bad node name", `${HEAD}nodeName: -x-`, /nodeName is "-x-", expected a DNS name/],
  ])("%s", async (_what, text, message) => {
    const file = sandbox.write("cluster.yaml", text);
    expectFailure(await sandbox.k8ts(`up --config ${file}`), 2, message);
    expect((await sandbox.k8ts("list -o json")).stdout).toBe("[]\n");
  });

  it("a file that is not there, a folder, another name than the command line's", async () => {
    expectFailure(
      await sandbox.k8ts("up --config /nowhere.yaml"),
      2,
      /configuration file \/nowhere.yaml does not exist/,
    );
    mkdirSync(`${sandbox.dir}/folder`, { recursive: true });
    expectFailure(await sandbox.k8ts(`up --config ${sandbox.dir}/folder`), 2, /cannot read the configuration file/);
    const file = sandbox.write("named.yaml", `${HEAD}name: one`);
    expectFailure(await sandbox.k8ts(`up two --config ${file}`), 2, /"two", the configuration file "one"/);
  });
});

describe("a configuration file", () => {
  it("makes the cluster it describes; flags win; changes later are refused", async () => {
    const file = sandbox.write(
      "good.yaml",
      `${HEAD}name: good\nnodeName: a.example\nsimulatedNodes: 2\npodCidr: 10.60.0.0/16\nserviceCidr: 10.61.0.0/16\napiAddress: 127.0.0.1\n`,
    );
    const up = await sandbox.k8ts(`up --config ${file} --simulated-nodes 3 -o json`);
    expect(up).toMatchObject({ code: 0 });
    expect(JSON.parse(up.stdout)).toMatchObject({
      name: "good",
      state: "running",
      context: "k8ts-good",
      node: "simulated",
    });
    expect(sandbox.spec("good")).toMatchObject({ simulatedNodes: 3, podCidr: "10.60.0.0/16", nodeName: "a.example" });
    const nodes = JSON.parse((await sandbox.api("good", "GET", "/api/v1/nodes")).text) as { items: unknown[] };
    expect(nodes.items).toHaveLength(3);
    expectFailure(
      await sandbox.k8ts(`up --config ${file}`),
      2,
      /good exists with simulatedNodes 3, which cannot become 2/,
      /k8ts delete/,
    );
    expectFailure(
      await sandbox.k8ts("up good --api-port 1234"),
      2,
      /exists with apiPort \d+, which cannot become 1234/,
    );
    expectFailure(await sandbox.k8ts("up good --kubeconfig /tmp/elsewhere"), 2, /cannot become "\/tmp\/elsewhere"/);
    expect(await sandbox.k8ts("status good")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("delete good --purge")).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("ports", () => {
  let blocker: Server | undefined;
  afterEach(() => blocker?.close());
  const block = (port: number): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer();
      blocker = server;
      server.listen(port, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });

  it("that are taken are refused at up, and nothing is made", async () => {
    const port = await block(0);
    expectFailure(
      await sandbox.k8ts(`up ports --simulated --api-port ${port}`),
      2,
      `port ${port} is taken`,
      /--api-port/,
    );
    expect((await sandbox.k8ts("list -o json")).stdout).toBe("[]\n");
  });

  it("that are taken at start are named, with what to do; when they are free again, it starts", async () => {
    expect(await sandbox.k8ts("up ports --simulated")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("stop ports")).toMatchObject({ code: 0 });
    const { apiPort } = sandbox.spec("ports");
    await block(apiPort);
    expectFailure(
      await sandbox.k8ts("start ports"),
      1,
      `port ${apiPort} is taken by another process`,
      /ss -ltnp.*k8ts start/,
    );
    expect(await sandbox.k8ts("status ports")).toMatchObject({ code: 3 });
    blocker?.close();
    expect(await sandbox.k8ts("start ports")).toMatchObject({ code: 0 });
    expect(await sandbox.k8ts("delete ports --purge")).toMatchObject({ code: 0 });
  });
});
