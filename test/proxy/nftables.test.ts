import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { corev1, discoveryv1 } from "../../src/api/index.ts";
import { serviceRules } from "../../src/proxy/model.ts";
import { Ruleset } from "../../src/proxy/nftables/ruleset.ts";
import { Lab, whyNoNamespaces } from "../support/netns.ts";

const SERVER = (name: string): string =>
  `require("http").createServer((q, r) => r.end(JSON.stringify(["${name}", q.socket.remoteAddress]))).listen(8080, "0.0.0.0", () => console.log("up"))`;

const UDP_ECHO = `
  const s = require("dgram").createSocket("udp4");
  s.on("message", (m, r) => s.send("echo " + m, r.port, r.address));
  s.bind(9053, () => console.log("up"));`;

const UDP_ASK = (address: string, port: number): string => `
  const s = require("dgram").createSocket("udp4");
  const end = (text) => { console.log(JSON.stringify(text)); s.close(); clearTimeout(t); };
  const t = setTimeout(() => end("timeout"), 2000);
  s.on("message", (m) => end(m.toString()));
  s.on("error", (e) => end(e.code));
  s.connect(${port}, "${address}", () => s.send("hello", (e) => e && end(e.code)));`;

/** Asks `count` times over fresh connections; prints name → count, the client addresses seen, and errors. */
const ASK = (url: string, count: number): string => `
  const http = require("http");
  const out = { hits: {}, clients: [], errors: 0 };
  const one = () => new Promise((done) => {
    const q = http.get("${url}", { agent: false, timeout: 2000 }, (r) => {
      let text = ""; r.on("data", (c) => text += c); r.on("end", () => {
        const [name, client] = JSON.parse(text);
        out.hits[name] = (out.hits[name] ?? 0) + 1;
        if (!out.clients.includes(client)) out.clients.push(client);
        done();
      });
    });
    q.on("error", () => { out.errors++; done(); });
    q.on("timeout", () => q.destroy());
  });
  (async () => { for (let i = 0; i < ${count}; i++) await one(); console.log(JSON.stringify(out)); })();`;

interface Result {
  hits: Record<string, number>;
  clients: string[];
  errors: number;
}

const why = whyNoNamespaces();

describe.skipIf(why !== undefined)(`the nftables proxy on a real kernel${why ? ` (${why})` : ""}`, () => {
  let lab: Lab;
  let node: string;
  let client: string;
  let pods: string[];
  let ruleset: Ruleset;

  const write = (): void => {
    const script = ruleset.script();
    if (script) execFileSync("ip", ["netns", "exec", node, "nft", "-f", "-"], { input: script });
  };
  const service = (name: string, spec: object): corev1.Service =>
    ({
      metadata: { name, namespace: "default" },
      spec: { type: "NodePort", ...spec },
      status: { loadBalancer: {} },
    }) as unknown as corev1.Service;
  const slice = (addresses: readonly string[], nodeName = "n1"): discoveryv1.EndpointSlice =>
    ({
      metadata: { name: "s", namespace: "default" },
      addressType: "IPv4",
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName })),
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
    }) as unknown as discoveryv1.EndpointSlice;
  const set = (name: string, spec: object, addresses: readonly string[], nodeName?: string): void => {
    ruleset.set(`default/${name}`, serviceRules(service(name, spec), [slice(addresses, nodeName)], { nodeName: "n1" }));
    write();
  };
  const web = {
    clusterIP: "10.96.0.7",
    clusterIPs: ["10.96.0.7"],
    ports: [{ port: 80, nodePort: 30080, protocol: "TCP" }],
  };

  beforeAll(async () => {
    lab = new Lab(`k8tsp${process.pid}`);
    node = lab.host("node");
    client = lab.host("client");
    pods = [lab.host("pod1"), lab.host("pod2")];
    lab.link(node, "192.168.77.1/24", client, "192.168.77.2/24");
    pods.forEach((pod, i) => {
      lab.link(node, `10.244.0.${i * 4 + 1}/30`, pod, `10.244.0.${i * 4 + 2}/30`);
      lab.run(pod, "ip", "route", "add", "default", "via", `10.244.0.${i * 4 + 1}`);
    });
    lab.run(node, "sh", "-c", "cd /proc/sys/net/ipv4; echo 1 > ip_forward; echo 1 > conf/all/route_localnet");
    lab.run(node, "ip", "route", "add", "default", "via", "192.168.77.2");
    lab.run(client, "ip", "route", "add", "default", "via", "192.168.77.1");
    ruleset = new Ruleset({
      table: "k8ts-test",
      family: "ip",
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/16",
      choice: "random",
    });
    await Promise.all(pods.map((pod, i) => lab.serve(pod, SERVER(`pod${i + 1}`))));
  }, 60_000);

  afterAll(() => lab[Symbol.dispose]());

  const both = ["10.244.0.2", "10.244.0.6"];

  it("spreads a cluster IP over all backends, from pods, the node and outside", () => {
    set("web", web, both);
    for (const from of [pods[0] as string, node, client]) {
      const result = lab.script<Result>(from, ASK("http://10.96.0.7/", 40));
      expect(result.errors).toBe(0);
      expect(Object.keys(result.hits).toSorted()).toEqual(["pod1", "pod2"]);
    }
  });

  it("keeps a pod's own address towards other pods, and lets it reach itself", () => {
    const result = lab.script<Result>(pods[0] as string, ASK("http://10.96.0.7/", 40));
    expect(result.clients.toSorted()).toEqual(["10.244.0.1", "10.244.0.2"]);
  });

  it("serves node ports from outside and on localhost", () => {
    for (const [from, url] of [
      [client, "http://192.168.77.1:30080/"],
      [node, "http://127.0.0.1:30080/"],
      [node, "http://192.168.77.1:30080/"],
    ] as const) {
      const result = lab.script<Result>(from, ASK(url, 30));
      expect(result).toMatchObject({ errors: 0 });
      expect(Object.keys(result.hits).toSorted()).toEqual(["pod1", "pod2"]);
    }
  });

  it("follows the endpoints with small changes", () => {
    set("web", web, ["10.244.0.6"]);
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 10)).hits).toEqual({ pod2: 10 });
    set("web", web, both);
    expect(Object.keys(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 40)).hits)).toHaveLength(2);
  });

  it("carries UDP and TCP of one Service beside each other", async () => {
    await lab.serve(pods[0] as string, UDP_ECHO);
    const ports = [
      { name: "u", port: 53, protocol: "UDP" },
      { name: "t", port: 53, protocol: "TCP" },
    ];
    const both53 = {
      ...slice(["10.244.0.2"]),
      ports: [
        { name: "u", port: 9053, protocol: "UDP" },
        { name: "t", port: 8080, protocol: "TCP" },
      ],
    };
    const dns = service("dns", { clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"], ports });
    ruleset.set("default/dns", serviceRules(dns, [both53 as unknown as discoveryv1.EndpointSlice], { nodeName: "n1" }));
    write();
    for (const from of [pods[1] as string, node, client]) {
      expect(lab.script<string>(from, UDP_ASK("10.96.0.10", 53))).toBe("echo hello");
      expect(lab.script<Result>(from, ASK("http://10.96.0.10:53/", 2)).errors).toBe(0);
    }
    ruleset.set("default/dns", []);
    write();
  });

  it("refuses at once what has no backend", () => {
    set("web", web, []);
    const started = performance.now();
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 2)).errors).toBe(2);
    expect(lab.script<Result>(pods[0] as string, ASK("http://10.96.0.7/", 2)).errors).toBe(2);
    expect(performance.now() - started).toBeLessThan(1500);
    set("web", web, both);
    expect(lab.script<Result>(pods[0] as string, ASK("http://10.96.0.7:81/", 1)).errors).toBe(1);
  });

  it("keeps the client's address with externalTrafficPolicy Local, and drops where no backend is local", () => {
    const local = { ...web, externalTrafficPolicy: "Local" };
    set("web", local, both);
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 10))).toMatchObject({
      errors: 0,
      clients: ["192.168.77.2"],
    });
    set("web", local, both, "elsewhere");
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 1)).errors).toBe(1);
    set("web", web, both);
  });

  it("sends a client to the same backend with session affinity", () => {
    set("web", { ...web, sessionAffinity: "ClientIP" }, both);
    for (const from of [client, pods[1] as string]) {
      const result = lab.script<Result>(from, ASK("http://10.96.0.7/", 20));
      expect(result.errors).toBe(0);
      expect(Object.keys(result.hits)).toHaveLength(1);
    }
    set("web", web, both);
    expect(Object.keys(lab.script<Result>(client, ASK("http://10.96.0.7/", 40)).hits)).toHaveLength(2);
  });

  it("lets services contradict each other without harm, and shares backends between services", () => {
    const other = {
      clusterIP: "10.96.0.8",
      clusterIPs: ["10.96.0.8"],
      externalIPs: ["192.168.77.1"],
      ports: [{ port: 8088, protocol: "TCP" }],
    };
    set("a", other, ["10.244.0.2"]);
    set("b", { ...other, clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"] }, ["10.244.0.6"]);
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:8088/", 5)).hits).toEqual({ pod1: 5 });
    set("a", { ...other, externalIPs: [] }, []);
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:8088/", 5)).hits).toEqual({ pod2: 5 });
    ruleset.set("default/a", []);
    ruleset.set("default/b", []);
    write();
  });

  it("replaces the table whole without cutting open connections' service", () => {
    ruleset.forget();
    write();
    expect(lab.script<Result>(client, ASK("http://192.168.77.1:30080/", 10)).errors).toBe(0);
  });

  it("leaves nothing of a removed service", () => {
    ruleset.set("default/web", []);
    write();
    const table = lab.run(node, "nft", "list", "table", "ip", "k8ts-test");
    expect(table).not.toContain("10.96.0.7");
    expect(table).not.toContain("aff_");
  });
});
