import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { type Env, RealClock, createEnv, nextTurn, silent } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import type { ConnectionConfig } from "../connection-config.ts";
import { networkTransport } from "../network-transport.ts";
import type { StreamTransport, WatchEvent } from "../transport.ts";
import {
  type Handler,
  type Protocol,
  type Request,
  authority,
  clientPair,
  json,
  serve,
} from "./test-server.fixture.ts";

const dir = mkdtempSync(join(tmpdir(), "k8ts-net-"));
const cleanups: (() => unknown)[] = [];
const real = new RealClock();
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));

/** Waits are noted and not waited for. */
class HastyClock extends RealClock {
  readonly waits: number[] = [];
  /** How much later it is than the machine's clock says. */
  ahead = 0;
  override monotonic(): number {
    return super.monotonic() + this.ahead;
  }
  override sleep(ms: number): Promise<void> {
    this.waits.push(ms);
    return nextTurn();
  }
}

function testTransport(config: ConnectionConfig): {
  transport: StreamTransport;
  waits: number[];
  env: Env;
  clock: HastyClock;
} {
  const clock = new HastyClock();
  const env = createEnv({ clock, log: silent });
  const transport = networkTransport(config, env);
  cleanups.push(() => transport.close());
  return { transport, waits: clock.waits, env, clock };
}

async function setup(
  protocol: Protocol,
  handler: Handler,
  config: Partial<ConnectionConfig> = {},
  options: Parameters<typeof serve>[2] = {},
) {
  const server = await serve(protocol, handler, options);
  cleanups.push(() => server[Symbol.asyncDispose]());
  return { server, ...testTransport({ server: server.url, caData: authority.cert, ...config }) };
}

const get = (path: string, more: object = {}) => ({ method: "GET", path, ...more }) as const;

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

const event = (n: number, more = ""): string =>
  `${JSON.stringify({ type: "ADDED", object: { metadata: { name: `p${n}`, resourceVersion: String(n) }, more } })}\n`;

describe.each(["http", "https/1.1", "h2"] as const)("network transport over %s", (protocol) => {
  it("sends and receives JSON", async () => {
    const seen: unknown[] = [];
    const { transport } = await setup(protocol, (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { "content-type": type, accept, "user-agent": agent } = request.headers;
        seen.push([request.method, request.url, type, accept, agent, body]);
        json(response, 201, { hello: "wörld" }, { warning: '299 - "old"' });
      });
    });
    const query = { a: "x y", b: undefined, c: ["1", "2"] };
    const answer = await transport.request({ method: "POST", path: "/api/v1/x", query, body: { n: 1 } });
    expect(answer).toMatchObject({ status: 201, body: { hello: "wörld" }, headers: { warning: '299 - "old"' } });
    expect(seen).toEqual([
      [
        "POST",
        "/api/v1/x?a=x%20y&c=1&c=2",
        "application/json",
        "application/json",
        expect.stringContaining("k8ts"),
        '{"n":1}',
      ],
    ]);
  });

  it("turns failures into StatusErrors, with or without a Status", async () => {
    const { transport } = await setup(protocol, (request, response) => {
      if (request.url.startsWith("/status")) {
        const details = { name: "x" };
        json(response, 404, {
          kind: "Status",
          status: "Failure",
          code: 404,
          reason: "NotFound",
          message: "no x",
          details,
        });
      } else {
        (response as ServerResponse).writeHead(503, { "content-type": "text/plain" });
        (response as ServerResponse).end("try later");
      }
    });
    const error: unknown = await transport.request(get("/status")).catch((e: unknown) => e);
    expect(isNotFound(error)).toBe(true);
    expect(error).toMatchObject({ message: "no x", status: { details: { name: "x" } } });
    await expect(transport.request(get("/text"))).rejects.toMatchObject({
      code: 503,
      reason: "ServiceUnavailable",
      message: "the server is currently unable to handle the request",
    });
    await expect(all(transport.watch(get("/status")))).rejects.toMatchObject({ reason: "NotFound" });
    await expect(transport.stream(get("/status"))).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("reads watch events however the bytes are cut", async () => {
    const text = [1, 2, 3].map((n) => event(n, "ü".repeat(50))).join("");
    const bytes = Buffer.from(text);
    const { transport } = await setup(protocol, (request, response) => {
      expect(request.url).toBe("/w?resourceVersion=5&watch=true");
      const r = response as ServerResponse;
      void (async () => {
        for (let i = 0; i < bytes.length; i += 37) {
          r.write(bytes.subarray(i, i + 37));
          await nextTurn();
        }
        r.end();
      })();
    });
    const events = await all(transport.watch(get("/w", { query: { resourceVersion: "5" } })));
    expect(events.map((e) => (e.object as { metadata: { name: string } }).metadata.name)).toEqual(["p1", "p2", "p3"]);
  });

  it("throws the Status of an ERROR event, and says when a watch broke off", async () => {
    const { transport } = await setup(protocol, (request, response) => {
      const r = response as ServerResponse;
      r.write(event(1));
      if (request.url.startsWith("/expired")) {
        r.end(
          `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "old" } })}\n`,
        );
      } else if (request.url.startsWith("/half")) r.end('{"type":"ADD');
      else real.setTimer(20, () => ("stream" in response ? response.stream.close(2) : r.destroy()));
    });
    const read = async (path: string): Promise<[number, unknown]> => {
      let count = 0;
      try {
        for await (const _ of transport.watch(get(path))) count++;
        return [count, "ended"];
      } catch (error) {
        return [count, error];
      }
    };
    expect(await read("/expired")).toMatchObject([1, { reason: "Expired" }]);
    expect(await read("/half")).toMatchObject([1, { code: "ConnectionFailed" }]);
    expect(await read("/cut")).toMatchObject([1, { code: "ConnectionFailed" }]);
  });

  it("ends a watch on the server when the reader leaves or aborts", async () => {
    const closed: string[] = [];
    const { transport } = await setup(protocol, (request, response) => {
      (response as ServerResponse).write(event(1));
      (response as ServerResponse).on("close", () => closed.push(request.url.slice(0, 2)));
    });
    for await (const _ of transport.watch(get("/a"))) break;
    const abort = new AbortController();
    const reason = new Error("enough");
    const seen: WatchEvent[] = [];
    const reading = (async () => {
      for await (const e of transport.watch(get("/b", { signal: abort.signal }))) {
        seen.push(e);
        real.setTimer(5, () => abort.abort(reason));
      }
    })();
    await expect(reading).rejects.toBe(reason);
    await expect.poll(() => closed).toEqual(["/a", "/b"]);
    await expect(all(transport.watch(get("/c", { signal: abort.signal })))).rejects.toBe(reason);
    await expect(transport.request(get("/d", { signal: abort.signal }))).rejects.toBe(reason);
  });

  it("aborts a request that hangs", async () => {
    const { transport } = await setup(protocol, () => undefined);
    const abort = new AbortController();
    const hanging = transport.request({ method: "POST", path: "/", body: {}, signal: abort.signal });
    real.setTimer(20, () => abort.abort(new Error("enough")));
    await expect(hanging).rejects.toThrow("enough");
    const limited = testTransport({
      server: (await setup(protocol, () => undefined)).server.url,
      caData: authority.cert,
      timeout: 20,
    });
    await expect(limited.transport.request(get("/slow"))).rejects.toThrow("GET /slow: no answer within 0.02 s");
  });

  it("holds the server back while nobody reads", async () => {
    let written = 0;
    const { transport } = await setup(protocol, (_, response) => {
      const r = response as ServerResponse;
      const more = (): void => {
        while (written < 64_000_000) {
          const line = event(1, "x".repeat(50_000));
          written += line.length;
          if (!r.write(line)) {
            r.once("drain", more);
            return;
          }
        }
        r.end();
      };
      more();
    });
    let count = 0;
    for await (const _ of transport.watch(get("/w"))) {
      count++;
      if (count !== 1) continue;
      await real.sleep(150);
      expect(written).toBeLessThan(32_000_000);
    }
    expect(count).toBe(Math.ceil(64_000_000 / event(1, "x".repeat(50_000)).length));
  });

  it("waits as long as a 429 says, and does not repeat other refusals", async () => {
    let calls = 0;
    const { transport, waits } = await setup(protocol, (request, response) => {
      calls++;
      if (calls <= 2) json(response, 429, {}, { "retry-after": "3" });
      else if (request.method === "POST")
        json(response, 500, { kind: "Status", status: "Failure" }, { "retry-after": "1" });
      else json(response, 200, { ok: true });
    });
    expect(await transport.request(get("/"))).toMatchObject({ body: { ok: true } });
    expect(waits).toEqual([3000, 3000]);
    await expect(transport.request({ method: "POST", path: "/", body: {} })).rejects.toThrow();
    expect(calls).toBe(4);
  });

  it("repeats a read whose connection broke, and no write", async () => {
    let calls = 0;
    const { transport, waits } = await setup(protocol, (request, response) => {
      calls++;
      if (request.method === "GET" && calls > 2) json(response, 200, { ok: true });
      else request.socket.destroy();
    });
    expect(await transport.request(get("/"))).toMatchObject({ body: { ok: true } });
    expect([calls, waits]).toEqual([3, [20, 200]]);
    calls = 0;
    await expect(transport.request({ method: "POST", path: "/", body: {} })).rejects.toMatchObject({
      code: "ConnectionFailed",
    });
    expect(calls).toBe(1);
  });

  it("streams bytes, with any path below a base path", async () => {
    const { server } = await setup(protocol, (request, response) => {
      (response as ServerResponse).writeHead(200, { "content-type": "text/plain" });
      (response as ServerResponse).write(`${request.url}\n`);
      (response as ServerResponse).end("two\n");
    });
    const { transport } = testTransport({ server: `${server.url}/base/`, caData: authority.cert });
    const { status, headers, body } = await transport.stream(get("/log", { query: { follow: "true" } }));
    expect([status, headers["content-type"]]).toEqual([200, "text/plain"]);
    expect(Buffer.concat(await all(body)).toString()).toBe("/base/log?follow=true\ntwo\n");
    expect((await transport.request(get("/healthz"))).body).toBe("/base/healthz\ntwo\n");
  });

  it("carries a WebSocket both ways, or the refusal", async () => {
    const { server, transport } = await setup(protocol, (_, response) => json(response, 200, {}));
    const sockets = new WebSocketServer({ noServer: true });
    const onUpgrade = (request: Request, socket: never, head: never): void => {
      if (request.url === "/no") {
        const status = JSON.stringify({
          kind: "Status",
          status: "Failure",
          code: 403,
          reason: "Forbidden",
          message: "no",
        });
        (socket as TLSSocket).end(
          `HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: ${status.length}\r\n\r\n${status}`,
        );
        return;
      }
      sockets.handleUpgrade(request as never, socket, head, (ws) => {
        ws.on("message", (data) => ws.send(data, { binary: true }));
        ws.on("close", () => undefined);
      });
    };
    server.server.on("upgrade", onUpgrade as never);
    const socket = await transport.connect(get("/exec"), ["v5.channel.k8s.io", "v4.channel.k8s.io"]);
    expect(socket.protocol).toBe("v5.channel.k8s.io");
    const sent = Array.from({ length: 200 }, (_, i) => Buffer.from([1, i]));
    for (const message of sent) await socket.send(message);
    const got: number[] = [];
    for await (const message of socket.messages) {
      got.push(message[1] ?? -1);
      if (got.length === sent.length) break;
    }
    expect(got).toEqual(sent.map((m) => m[1]));
    expect(await socket.closed).toMatchObject({ code: 1005 });
    await expect(transport.connect(get("/no"), ["v5.channel.k8s.io"])).rejects.toMatchObject({ reason: "Forbidden" });
  });

  it("lets a watch go on while it closes", async () => {
    let finish = (): void => undefined;
    const { transport } = await setup(protocol, (request, response) => {
      if (request.url === "/") return json(response, 200, {});
      (response as ServerResponse).write(event(1));
      finish = () => void (response as ServerResponse).end(event(2));
    });
    await transport.request(get("/"));
    let count = 0;
    for await (const _ of transport.watch(get("/w"))) {
      if (++count > 1) continue;
      await transport.close();
      finish();
    }
    expect(count).toBe(2);
    await expect(transport.request(get("/"))).rejects.toThrow("was closed");
  });

  it("reuses connections", async () => {
    const { server, transport, env } = await setup(protocol, (_, response) => json(response, 200, {}));
    for (let i = 0; i < 10; i++) await transport.request(get("/"));
    const host = `127.0.0.1:${server.port}`;
    expect(env.metrics.expose()).toContain(`rest_client_requests_total{code="200",host="${host}",method="GET"} 10\n`);
    expect(server.connections()).toBeLessThanOrEqual(protocol === "https/1.1" ? 2 : 1);
  });
});

describe("HTTP/2", () => {
  it("opens further connections when the server's limit of streams is reached", async () => {
    const waiting: (() => void)[] = [];
    const { server, transport } = await setup(
      "h2",
      (_, response) => void waiting.push(() => json(response, 200, {})),
      {},
      { maxConcurrentStreams: 2 },
    );
    // The first answer brings the server's settings.
    const first = transport.request(get("/"));
    await expect.poll(() => waiting.length).toBe(1);
    waiting.pop()?.();
    await first;
    const requests = Array.from({ length: 6 }, () => transport.request(get("/")));
    await expect.poll(() => waiting.length).toBe(6);
    expect(server.connections()).toBe(3);
    for (const answer of waiting) answer();
    await Promise.all(requests);
  });
});

describe("trust", () => {
  const ok: Handler = (_, response) => json(response, 200, {});

  it("says why a server is not trusted, or not there", async () => {
    const { server } = await setup("h2", ok);
    const failure = (config: Partial<ConnectionConfig>) =>
      testTransport({ server: server.url, ...config })
        .transport.request(get("/"))
        .then(
          () => "trusted",
          (error: Error) => error.message.replaceAll(String(server.port), "PORT"),
        );
    expect(await failure({})).toBe(
      "cannot reach https://127.0.0.1:PORT: the server's certificate was signed by an authority that the configured CA does not include",
    );
    expect(await failure({ caData: authority.cert, tlsServerName: "other" })).toContain(
      "does not match certificate's altnames",
    );
    expect(await failure({ caData: authority.cert, tlsServerName: "localhost" })).toBe("trusted");
    expect(await failure({ insecureSkipTlsVerify: true })).toBe("trusted");
    expect(await failure({ caFile: "/none/ca.crt" })).toContain("cannot read the certificate authority: ENOENT");
    expect(await failure({ server: "https://127.0.0.1:1" })).toBe(
      "cannot reach https://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1",
    );
    expect(await failure({ server: "ftp://x" })).toBe(
      '"ftp://x" is not the address of a server, expected https://HOST:PORT',
    );
    expect(await failure({ clientCertData: "x" })).toBe("a client certificate is configured, but no client key");
    expect(await failure({ clientCertData: "x", clientKeyData: "y" })).toContain(
      "cannot reach https://127.0.0.1:PORT: ",
    );
  });
});

describe("credentials", () => {
  const whoAmI: Handler = (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate?.();
    const { authorization, ...headers } = request.headers;
    const as = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("impersonate")));
    json(response, 200, { authorization, cn: peer?.subject?.CN, as });
  };

  it("presents a client certificate, a token, a password, another identity", async () => {
    const pair = clientPair("jane");
    const { server } = await setup("h2", whoAmI, {}, { requestCert: true });
    const who = async (config: Partial<ConnectionConfig>) =>
      (await testTransport({ server: server.url, insecureSkipTlsVerify: true, ...config }).transport.request(get("/")))
        .body;
    expect(await who({ clientCertData: pair.cert, clientKeyData: pair.key })).toMatchObject({ cn: "jane" });
    expect(await who({ token: "t" })).toEqual({ authorization: "Bearer t", as: {} });
    expect(await who({ username: "u", password: "p" })).toMatchObject({ authorization: `Basic ${btoa("u:p")}` });
    const impersonate = { user: "bob", uid: "7", groups: ["a", "b"], extra: { "acme.com/X": ["1"] } };
    expect(await who({ token: "t", impersonate })).toMatchObject({
      as: {
        "impersonate-user": "bob",
        "impersonate-uid": "7",
        "impersonate-group": "a, b",
        "impersonate-extra-acme.com%2fx": "1",
      },
    });
  });

  it("takes a renewed client certificate for new connections", async () => {
    const [clientCertFile, clientKeyFile] = [join(dir, "client.crt"), join(dir, "client.key")];
    const write = (name: string): void => {
      const pair = clientPair(name);
      writeFileSync(clientCertFile, pair.cert);
      writeFileSync(clientKeyFile, pair.key);
    };
    write("jane");
    const config = { clientCertFile, clientKeyFile };
    const { transport, clock, server } = await setup("h2", whoAmI, config, { requestCert: true });
    const who = async () => ((await transport.request(get("/"))).body as { cn: string }).cn;
    expect(await who()).toBe("jane");
    write("joanna");
    expect(await who()).toBe("jane");
    clock.ahead = 61_000;
    expect(await who()).toBe("joanna");
    clock.ahead = 122_000;
    expect([await who(), server.connections()]).toEqual(["joanna", 2]);
  });

  it("sends no credentials over a plain connection", async () => {
    const { transport } = await setup("http", whoAmI, { token: "t", username: "u" });
    expect((await transport.request(get("/"))).body).toEqual({ as: {} });
  });

  it("reads a token file again when it has aged, and at once after a 401", async () => {
    const tokenFile = join(dir, "token");
    writeFileSync(tokenFile, "one\n");
    let valid = "one";
    const { transport } = await setup(
      "h2",
      (request, response) => {
        const { authorization } = request.headers;
        json(response, authorization === `Bearer ${valid}` ? 200 : 401, { kind: "Status", authorization });
      },
      { tokenFile },
    );
    expect((await transport.request(get("/"))).status).toBe(200);
    valid = "two";
    writeFileSync(tokenFile, "two\n");
    expect((await transport.request(get("/"))).status).toBe(200);
    valid = "three";
    await expect(transport.request(get("/"))).rejects.toMatchObject({ code: 401 });
  });

  it("runs a credential plugin, and again after a 401", async () => {
    const plugin = join(dir, "plugin.cjs");
    const state = join(dir, "runs");
    writeFileSync(
      plugin,
      `const fs = require("fs");
       fs.appendFileSync(${JSON.stringify(state)}, process.env.KUBERNETES_EXEC_INFO + "\\n");
       const runs = fs.readFileSync(${JSON.stringify(state)}, "utf8").split("\\n").length - 1;
       const status = { token: process.env.PREFIX + runs };
       console.log(JSON.stringify({ kind: "ExecCredential", apiVersion: "client.authentication.k8s.io/v1", status }));`,
    );
    let valid = "t1";
    const { transport, server } = await setup(
      "h2",
      (request, response) => json(response, request.headers.authorization === `Bearer ${valid}` ? 200 : 401, {}),
      {
        exec: {
          command: process.execPath,
          args: [plugin],
          env: [{ name: "PREFIX", value: "t" }],
          apiVersion: "client.authentication.k8s.io/v1",
          interactiveMode: "Never",
          provideClusterInfo: true,
        },
      },
    );
    await Promise.all([transport.request(get("/")), transport.request(get("/"))]);
    valid = "t2";
    expect((await transport.request(get("/"))).status).toBe(200);
    const { readFileSync } = await import("node:fs");
    const infos = readFileSync(state, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(infos).toHaveLength(2);
    expect(infos[0]).toMatchObject({
      kind: "ExecCredential",
      apiVersion: "client.authentication.k8s.io/v1",
      spec: { interactive: false, cluster: { server: server.url } },
    });
  });

  it("says what is wrong with a credential plugin", async () => {
    const fails = (command: string, args: string[], installHint = "") =>
      testTransport({
        server: "https://127.0.0.1:1",
        exec: { command, args, apiVersion: "client.authentication.k8s.io/v1", interactiveMode: "Never", installHint },
      })
        .transport.request(get("/"))
        .catch((error: Error) => error.message);
    expect(await fails("no-such-plugin", [], "get it there")).toBe(
      'credential plugin "no-such-plugin" failed: executable no-such-plugin not found\n\nget it there',
    );
    expect(await fails(process.execPath, ["-e", "process.exit(4)"])).toContain("exited with code 4");
    expect(await fails(process.execPath, ["-e", "console.log('{}')"])).toContain("it did not print an ExecCredential");
  });
});
