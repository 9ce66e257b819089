import { describe } from "vitest";
import { SeededRandom, createAuthority, createEnv, issue, silent } from "../kit/index.ts";
import { createCluster } from "../testing/index.ts";
import { describeTransport } from "./conformance.ts";
import { networkTransport } from "./network-transport.ts";

describeTransport("in process", async () => {
  const cluster = await createCluster({ components: [] });
  return {
    transport: cluster.client.transport,
    env: cluster.env,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
});

const random = new SeededRandom(1);
const span = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2120, 0, 1) };
const authority = createAuthority("test", span, random);
const subject = { commonName: "kube-apiserver" };
const papers = issue(authority, { subject, names: ["127.0.0.1"], usages: ["server"], ...span }, random);
const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };

describe.each([{ http1: false }, { http1: true }])("network $http1", ({ http1 }) =>
  describeTransport(http1 ? "network, HTTP/1.1" : "network, HTTP/2", async () => {
    const cluster = await createCluster({
      components: [],
      apiServer: { authenticators: [{ name: "everybody", authenticate: () => admin }] },
    });
    const listener = await cluster.server.listen({ host: "127.0.0.1", port: 0, cert: papers.cert, key: papers.key });
    const server = `https://127.0.0.1:${listener.port}`;
    const transport = networkTransport({ server, caData: authority.cert, http1 }, createEnv({ log: silent }));
    return {
      transport,
      [Symbol.asyncDispose]: async () => {
        await transport.close();
        await cluster[Symbol.asyncDispose]();
      },
    };
  }),
);
