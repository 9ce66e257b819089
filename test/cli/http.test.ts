import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiOptions, isAlive, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
const MAPS = "/api/v1/namespaces/default/configmaps";
const LIMIT = 3 * 1024 * 1024;

beforeAll(async () => {
  expect(await sandbox.k8ts("up http --simulated")).toMatchObject({ code: 0 });
});
afterAll(() => {
  // Whatever was sent, the server lives.
  expect(isAlive(sandbox.pid("http"))).toBe(true);
  expect(sandbox.log("http")).not.toContain("nobody looked");
  sandbox.dispose();
});

/** A ConfigMap of exactly so many bytes. */
function sized(name: string, bytes: number): string {
  const shell = JSON.stringify({ metadata: { name }, data: { x: "" } });
  return JSON.stringify({ metadata: { name }, data: { x: "x".repeat(bytes - shell.length) } });
}

async function status(
  method: string,
  path: string,
  options: ApiOptions,
): Promise<{ code: number; reason: string; message: string }> {
  const reply = await sandbox.api("http", method, path, options);
  const body = JSON.parse(reply.text) as { kind: string; code: number; reason: string; message: string };
  expect(body).toMatchObject({ kind: "Status", code: reply.status });
  expect(body.message).not.toMatch(/\bat .*\.(ts|js|cjs):|node:internal/);
  return body;
}

const json = { "content-type": "application/json" };

describe("bodies that cannot be used", () => {
  it.each<[what: string, body: string | Uint8Array, message: RegExp]>([
    ["nothing", "", /./],
    ["half an object", '{"metadata":{', /./],
    ["no JSON", "hello", /./],
    ["something after the end", "{}}", /./],
    ["a list", "[]", /./],
    ["a string", '"x"', /./],
    ["null", "null", /./],
    ["another kind", '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}', /./],
    ["a wrong type", '{"metadata":{"name":"x"},"data":{"a":1}}', /./],
    ["bytes that are no text", Buffer.from([0x7b, 0xff, 0xfe, 0x00]), /./],
    ["deep nesting", `{"metadata":{"name":"x"},"data":${"[".repeat(100_000)}`, /./],
  ])("%s: 400", async (_what, body, message) => {
    const answer = await status("POST", MAPS, { body, headers: json });
    expect(answer).toMatchObject({ code: 400, reason: "BadRequest" });
    expect(answer.message).toMatch(message);
    expect(answer.message.length).toBeLessThan(1000);
  });

  it("413 for one byte more than 3 MiB; the limit itself is read", async () => {
    expect(await status("POST", MAPS, { body: sized("big", LIMIT + 1), headers: json })).toMatchObject({
      code: 413,
      reason: "RequestEntityTooLarge",
    });
    // Read whole, and refused for what it holds: a ConfigMap may have 1 MiB.
    expect(await status("POST", MAPS, { body: sized("big", LIMIT), headers: json })).toMatchObject({ code: 422 });
    expect(await sandbox.api("http", "POST", MAPS, { body: sized("fits", 1_000_000), headers: json })).toMatchObject({
      status: 201,
    });
  });

  it("413 for an endless body without a length", async () => {
    const answer = await raw("POST", "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n", (socket) => {
      const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
      for (let i = 0; i < 64; i++) socket.write(chunk);
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  it("415 for media types that are not spoken", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "nonsense",
    ]) {
      expect(await status("POST", MAPS, { body: "a=b", headers: { "content-type": type } })).toMatchObject({
        code: 415,
        reason: "UnsupportedMediaType",
      });
    }
    expect(await status("PATCH", `${MAPS}/fits`, { body: "{}", headers: json })).toMatchObject({ code: 415 });
    expect(
      await status("PATCH", `${MAPS}/fits`, { body: "<a/>", headers: { "content-type": "application/xml-patch+xml" } }),
    ).toMatchObject({ code: 415 });
  });

  it("406 for answers that cannot be given", async () => {
    for (const accept of ["application/xml", "text/html", "image/png", "application/json;as=Poem;g=meta.k8s.io;v=v1"]) {
      expect((await sandbox.api("http", "GET", "/api/v1/namespaces", { headers: { accept } })).status).toBe(406);
    }
  });

  it("patches that are none: 400 or 422", async () => {
    for (const [type, body] of [
      ["application/json-patch+json", "{}"],
      ["application/json-patch+json", '[{"op":"fly","path":"/a"}]'],
      ["application/json-patch+json", '[{"op":"remove","path":"/nowhere/at/all"}]'],
      ["application/merge-patch+json", "["],
      ["application/strategic-merge-patch+json", '"x"'],
      ["application/apply-patch+yaml", "a: ["],
    ] as const) {
      const answer = await status("PATCH", `${MAPS}/fits?fieldManager=t`, { body, headers: { "content-type": type } });
      expect({ type, body, code: answer.code }).toMatchObject({
        code: expect.toSatisfy((c: number) => c === 400 || c === 422) as number,
      });
    }
  });

  it("malformed YAML: 400", async () => {
    expect(
      await status("POST", MAPS, { body: "metadata: [", headers: { "content-type": "application/yaml" } }),
    ).toMatchObject({ code: 400 });
  });

  it("a compressed body that would burst is not unpacked without bound", async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20, 0x20));
    const reply = await sandbox.api("http", "POST", MAPS, {
      body: bomb,
      headers: { ...json, "content-encoding": "gzip" },
    });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.status).toBeLessThan(500);
  });
});

describe("requests that are none", () => {
  it("answers garbage with 400 and closes", async () => {
    expect(await rawText("hello there\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    expect(await rawText(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(200_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 4\d\d /,
    );
  });

  it("gives up on a body that breaks off", async () => {
    const socket = await dial();
    socket.write(
      `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"meta`,
    );
    socket.destroy();
    expect(await sandbox.api("http", "GET", "/readyz")).toMatchObject({ status: 200 });
  });

  it("knows paths and methods that do not exist", async () => {
    expect(await status("GET", "/api/v1/frobs", {})).toMatchObject({ code: 404 });
    expect(await sandbox.api("http", "GET", "/nowhere")).toMatchObject({ status: 404 });
    expect(await status("PUT", MAPS, { body: "{}", headers: json })).toMatchObject({ code: 405 });
    expect((await sandbox.api("http", "GET", "/api/v1/namespaces/%zz/pods")).status).toBeLessThan(500);
  });

  it("lets nobody in without credentials but for health and version", async () => {
    expect(await sandbox.api("http", "GET", "/readyz", { anonymous: true })).toMatchObject({ status: 200 });
    expect(await sandbox.api("http", "GET", "/version", { anonymous: true })).toMatchObject({ status: 200 });
    expect(await sandbox.api("http", "GET", "/api/v1/secrets", { anonymous: true })).toMatchObject({ status: 403 });
    expect(
      await sandbox.api("http", "GET", "/api/v1/secrets", {
        anonymous: true,
        headers: { authorization: "Bearer nonsense" },
      }),
    ).toMatchObject({ status: 401 });
  });
});

function dial(): Promise<TLSSocket> {
  const read = (file: string): Buffer => readFileSync(sandbox.path("http", "pki", file));
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: "127.0.0.1",
        port: sandbox.spec("http").apiPort,
        ca: read("ca.crt"),
        cert: read("admin.crt"),
        key: read("admin.key"),
      },
      () => resolve(socket),
    );
    socket.once("error", reject);
  });
}

/** What comes back on a connection until it is closed, or for two seconds. */
async function exchange(send: (socket: TLSSocket) => void): Promise<string> {
  const socket = await dial();
  return new Promise((resolve) => {
    let text = "";
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(done, 2000);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\r\n\r\n")) done();
    });
    socket.on("error", done).on("close", done);
    send(socket);
  });
}

function raw(method: string, headers: string, body: (socket: TLSSocket) => void): Promise<string> {
  return exchange((socket) => {
    socket.write(`${method} ${MAPS} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    body(socket);
  });
}

function rawText(text: string): Promise<string> {
  return exchange((socket) => void socket.write(text));
}
