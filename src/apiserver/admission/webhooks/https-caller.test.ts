import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority, issue, SeededRandom } from "../../../kit/index.ts";
import type { HookAddress } from "./caller.ts";
import { httpsCaller } from "./https-caller.ts";

const random = new SeededRandom(1);
const span = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2100, 0, 1) };
const authority = createAuthority("hooks", span, random);
const other = createAuthority("others", span, random);
const pair = issue(
  authority,
  { subject: { commonName: "hook" }, names: ["hook.sys.svc"], usages: ["server"], ...span },
  random,
);

const sockets = new Set<string>();
const server = createServer({ cert: pair.cert, key: pair.key }, (incoming, outgoing) => {
  sockets.add(`${incoming.socket.remotePort}`);
  let body = "";
  incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
  incoming.on("end", () => {
    if (incoming.url?.startsWith("/hang")) return;
    if (incoming.url?.startsWith("/away"))
      return void outgoing.writeHead(302, { location: "https://elsewhere/" }).end();
    outgoing.end(`${incoming.method} ${incoming.url} ${incoming.headers.host} ${body}`);
  });
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function at(path: string, more: Partial<HookAddress> = {}): HookAddress {
  const url = new URL(`https://hook.sys.svc${path}`);
  return { url, host: "127.0.0.1", port, serverName: "hook.sys.svc", ca: authority.cert, ...more };
}
const body = Buffer.from("{}");
const never = new AbortController().signal;

describe("a webhook over TLS", () => {
  it("is asked on one connection", async () => {
    const caller = httpsCaller();
    for (let i = 0; i < 3; i++) {
      const { status, body: answer } = await caller.post(at("/x?timeout=1s"), body, never);
      expect([status, Buffer.from(answer).toString()]).toEqual([200, "POST /x?timeout=1s hook.sys.svc {}"]);
    }
    expect(sockets.size).toBe(1);
  });

  it("leads nowhere else", async () => {
    expect((await httpsCaller().post(at("/away"), body, never)).status).toBe(302);
  });

  it.each<[string, (path: string) => HookAddress, string]>([
    [
      "of another authority",
      (path) => at(path, { ca: other.cert }),
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ],
    [
      "of another name",
      (path) => at(path, { serverName: "x.sys.svc" }),
      "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match x.sys.svc",
    ],
    ["where nobody listens", (path) => at(path, { port: 1 }), "dial tcp 127.0.0.1:1: connect: connection refused"],
  ])("%s is not believed", async (_, address, words) => {
    await expect(httpsCaller().post(address("/x"), body, never)).rejects.toThrow(words);
  });

  it("is given up in time", async () => {
    const stop = new AbortController();
    const pending = httpsCaller().post(at("/hang"), body, stop.signal);
    stop.abort();
    await expect(pending).rejects.toThrow(`Post "https://hook.sys.svc:${port}/hang": context deadline exceeded`);
  });
});
