import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createAuthority, issue, type KeyPair, nextTurn, SeededRandom } from "../../kit/index.ts";
import { decodeProtobuf } from "../../machinery/index.ts";
import { createCluster, type TestCluster } from "../../testing/index.ts";
import { certificateAuthenticator } from "../authn/index.ts";
import type { Listener } from "./listener.ts";

const random = new SeededRandom(3);
const span = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2120, 0, 1) };
const ca = createAuthority("ca", span, random);
const otherCa = createAuthority("other", span, random);
const papers = (authority: KeyPair, commonName: string, organizations: string[] = []): KeyPair =>
  issue(
    authority,
    { subject: { commonName, organizations }, names: ["127.0.0.1"], usages: ["client", "server"], ...span },
    random,
  );
const serving = papers(ca, "server");
const ann = papers(ca, "ann", ["staff", "admins"]);
const stranger = papers(otherCa, "ann", ["admins"]);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

let cluster: TestCluster;
let listener: Listener;

beforeEach(async () => {
  cluster = await createCluster({
    components: [],
    apiServer: {
      authenticators: [certificateAuthenticator()],
      authorizers: [
        {
          name: "staff",
          authorize: ({ user }) => ({ decision: user.groups.includes("staff") ? "allow" : "no opinion" }),
        },
        {
          name: "tests",
          authorize: ({ user }) => ({ decision: user.groups.includes("system:masters") ? "allow" : "no opinion" }),
        },
      ],
    },
  });
  const { cert, key } = serving;
  listener = await cluster.server.listen({ host: "127.0.0.1", port: 0, cert, key, clientCa: ca.cert });
});

afterEach(() => cluster[Symbol.asyncDispose]());

/** One request over HTTP/2, on a connection of its own. */
function ask(
  path: string,
  { method = "GET", headers = {}, body }: Ask = {},
  client: KeyPair | null = ann,
): Promise<Answer> {
  const session = open(client);
  return new Promise<Answer>((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    const chunks: Buffer[] = [];
    let head: Record<string, unknown> = {};
    stream.on("response", (h) => (head = h));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => resolve({ status: Number(head[":status"]), headers: head, body: Buffer.concat(chunks) }));
    stream.on("error", reject);
    stream.end(body);
  }).finally(() => session.close());
}

function open(client: KeyPair | null): ClientHttp2Session {
  return connectHttp2(`https://127.0.0.1:${listener.port}`, {
    ca: ca.cert,
    ...(client && { cert: client.cert, key: client.key }),
  });
}

function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>;
}

const MAPS = "/api/v1/namespaces/default/configmaps";
const JSON_TYPE = { "content-type": "application/json" };
const map = (name: string, data: object = {}): string => JSON.stringify({ metadata: { name }, data });

describe("who asks", () => {
  it("is told by the client certificate", async () => {
    expect((await ask(MAPS)).status).toBe(200);
    const refused = await ask(MAPS, {}, papers(ca, "bob"));
    expect(refused.status).toBe(403);
    expect(json(refused)["message"]).toBe(
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
  });

  it("is nobody without one, and an error with one that is not ours", async () => {
    const anonymous = await ask(MAPS, {}, null);
    expect(json(anonymous)["message"]).toContain('User "system:anonymous"');
    expect((await ask(MAPS, {}, stranger)).status).toBe(401);
  });

  it("is an error with credentials that nobody knows", async () => {
    const answer = await ask(MAPS, { headers: { authorization: "Bearer x" } }, null);
    expect([answer.status, json(answer)["reason"]]).toEqual([401, "Unauthorized"]);
  });
});

describe("bodies", () => {
  it("are read in JSON and YAML, and refused in other types", async () => {
    const post = (type: string, body: string) => ask(MAPS, { method: "POST", headers: { "content-type": type }, body });
    expect((await post("application/json; charset=utf-8", map("a"))).status).toBe(201);
    expect((await post("application/yaml", "metadata: {name: b}\n")).status).toBe(201);
    expect((await post("text/xml", "<a/>")).status).toBe(415);
    expect((await post("application/json", "{")).status).toBe(400);
    expect((await post("application/json", "[]")).status).toBe(400);
  });

  it("may not be larger than 3 MiB, whether they say so or not", async () => {
    const body = map("a", { x: "y".repeat(3 * 1024 * 1024) });
    const declared = await ask(MAPS, {
      method: "POST",
      headers: { ...JSON_TYPE, "content-length": String(body.length) },
      body,
    });
    expect([declared.status, json(declared)["message"]]).toEqual([413, "Request entity too large: limit is 3145728"]);
    expect((await ask(MAPS, { method: "POST", headers: JSON_TYPE, body })).status).toBe(413);
    expect((await ask(MAPS)).status).toBe(200);
  });
});

describe("answers", () => {
  beforeEach(async () => {
    const maps = cluster.client.resource(resources.configmaps);
    for (const name of ["a", "b"]) await maps.create({ metadata: { name, namespace: "default" }, data: { k: name } });
  });

  it("come as JSON by default", async () => {
    const answer = await ask(`${MAPS}/a`);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-cache, private" });
    expect(answer.headers["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
    const stored = await cluster.client.resource(resources.configmaps).get({ name: "a", namespace: "default" });
    expect(json(answer)).toEqual(stored);
  });

  it("come as a Table with upstream's columns", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const table = json(await ask(MAPS, { headers: { accept } })) as {
      kind: string;
      columnDefinitions: { name: string }[];
      rows: { cells: unknown[]; object: { kind: string } }[];
    };
    expect(table.kind).toBe("Table");
    expect(table.columnDefinitions.map((c) => c.name)).toEqual(["Name", "Data", "Age"]);
    expect(table.rows.map((r) => r.cells)).toEqual([
      ["a", 1, "0s"],
      ["b", 1, "0s"],
    ]);
    expect(table.rows[0]?.object.kind).toBe("PartialObjectMetadata");
  });

  it("come as YAML, bare metadata and protobuf", async () => {
    expect((await ask(`${MAPS}/a`, { headers: { accept: "application/yaml" } })).body.toString()).toContain(
      "kind: ConfigMap\n",
    );
    const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const bare = json(await ask(MAPS, { headers: { accept } }));
    expect(bare).toMatchObject({
      kind: "PartialObjectMetadataList",
      items: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }],
    });
    const proto = await ask(MAPS, { headers: { accept: "application/vnd.kubernetes.protobuf" } });
    expect(decodeProtobuf(proto.body)).toMatchObject({
      kind: "ConfigMapList",
      items: [{ data: { k: "a" } }, { data: { k: "b" } }],
    });
  });

  it("are refused when the client accepts nothing that there is", async () => {
    expect((await ask(MAPS, { headers: { accept: "text/html" } })).status).toBe(406);
  });

  it("have items without kind in lists of built-in kinds", async () => {
    const list = json(await ask(MAPS)) as { kind: string; items: object[] };
    expect(list.kind).toBe("ConfigMapList");
    expect(list.items[0]).not.toHaveProperty("kind");
  });

  it("carry warnings", async () => {
    const body = JSON.stringify({ metadata: { name: "w" }, nonsense: 1 });
    const answer = await ask(MAPS, { method: "POST", headers: JSON_TYPE, body });
    expect(answer.headers["warning"]).toBe('299 - "unknown field \\"nonsense\\""');
  });

  it("are complete when they are large", async () => {
    const maps = cluster.client.resource(resources.configmaps);
    for (let i = 0; i < 30; i++) {
      await maps.create({ metadata: { name: `large-${i}`, namespace: "default" }, data: { x: "y".repeat(100_000) } });
    }
    const list = json(await ask(MAPS)) as { items: { data?: { x?: string } }[] };
    expect(list.items.filter((item) => item.data?.x?.length === 100_000)).toHaveLength(30);
    const plain = await ask(`${MAPS}/large-1`, { headers: { "accept-encoding": "gzip" } });
    expect(plain.headers["content-encoding"]).toBeUndefined();
  });
});

describe("watches", () => {
  it("stream events as lines, each at once", async () => {
    const session = open(ann);
    try {
      const stream = session.request({
        ":path": `${MAPS}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
      });
      const lines: { type: string; object: { metadata: { name?: string; annotations?: object } } }[] = [];
      let rest = "";
      stream.on("data", (chunk: Buffer) => {
        const parts = (rest + chunk.toString()).split("\n");
        rest = parts.pop() ?? "";
        lines.push(...parts.map((line) => JSON.parse(line) as (typeof lines)[number]));
      });
      const until = async (count: number): Promise<void> => {
        while (lines.length < count) await nextTurn();
      };
      await until(1);
      expect(lines[0]).toMatchObject({
        type: "BOOKMARK",
        object: { metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
      });
      await cluster.client.resource(resources.configmaps).create({ metadata: { name: "a", namespace: "default" } });
      await until(2);
      await cluster.client.resource(resources.configmaps).delete({ name: "a", namespace: "default" });
      await until(3);
      expect(lines.slice(1).map((l) => `${l.type} ${l.object.metadata.name}`)).toEqual(["ADDED a", "DELETED a"]);
      stream.close();
    } finally {
      session.close();
    }
  });
});

describe("HTTP/1.1", () => {
  it("is spoken as well", async () => {
    const status = await new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: listener.port, path: MAPS, ca: ca.cert, ...ann, agent: false };
      httpsRequest(options, (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode));
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
  });

  it("passes nothing on after an upgrade that was refused", async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({
        host: "127.0.0.1",
        port: listener.port,
        ca: ca.cert,
        ...ann,
        ALPNProtocols: ["http/1.1"],
      });
      let seen = "";
      socket.on("data", (chunk: Buffer) => (seen += chunk.toString()));
      socket.on("end", () => resolve(seen));
      socket.on("error", reject);
      socket.write(
        `GET ${MAPS} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nGET ${MAPS}/a HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe("discovery and health", () => {
  it("tells of groups, versions and resources", async () => {
    const groups = json(await ask("/apis")) as { groups: { name: string; preferredVersion: { version: string } }[] };
    expect(groups.groups.find((g) => g.name === "autoscaling")?.preferredVersion.version).toBe("v2");
    const core = json(await ask("/api/v1")) as { resources: { name: string; verbs: string[] }[] };
    expect(core.resources.map((r) => r.name)).toContain("pods/log");
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const all = await ask("/apis", { headers: { accept } });
    expect(json(all)["kind"]).toBe("APIGroupDiscoveryList");
    const again = await ask("/apis", { headers: { accept, "if-none-match": String(all.headers["etag"]) } });
    expect(again.status).toBe(304);
  });

  it("answers /readyz check by check", async () => {
    expect((await ask("/readyz")).body.toString()).toBe("ok");
    expect((await ask("/readyz?verbose")).body.toString()).toContain("[+]etcd ok");
    expect((await ask("/livez/ping")).body.toString()).toBe("ok");
    expect((await ask("/livez/nothing")).status).toBe(404);
  });

  it("publishes OpenAPI", async () => {
    const index = json(await ask("/openapi/v3")) as { paths: Record<string, { serverRelativeURL: string }> };
    const document = await ask(index.paths["apis/apps/v1"]?.serverRelativeURL ?? "");
    const { components, paths } = json(document) as { components: { schemas: object }; paths: object };
    expect(components.schemas).toHaveProperty(["io.k8s.api.apps.v1.Deployment"]);
    expect(paths).toHaveProperty(["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]);
    expect(document.headers["cache-control"]).toContain("immutable");
  });

  it("counts requests under the names that upstream has", async () => {
    await ask(MAPS);
    const text = (await ask("/metrics")).body.toString();
    expect(text).toMatch(/apiserver_request_total\{[^}]*resource="configmaps"[^}]*verb="LIST"[^}]*\} \d+/);
  });
});

it("lets requests under way finish when it closes", async () => {
  const session = open(ann);
  const stream = session.request({ ":path": `${MAPS}?watch=true` });
  const ended = new Promise((resolve) => stream.on("end", resolve));
  stream.resume();
  await new Promise((resolve) => stream.on("response", resolve));
  await Promise.all([cluster.server.close(), ended]);
  session.close();
});
