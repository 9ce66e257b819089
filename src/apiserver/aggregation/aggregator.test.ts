import { afterEach, beforeEach, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import type { ApiRequest } from "../../client/index.ts";
import { createAuthority, issue, nextTurn, SeededRandom } from "../../kit/index.ts";
import { statusErrorIn } from "../../machinery/index.ts";
import { createCluster, type TestCluster } from "../../testing/index.ts";
import { requestHeaderAuthenticator } from "../authn/index.ts";

const random = new SeededRandom(5);
const span = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2120, 0, 1) };
const ca = createAuthority("ca", span, random);
const subject = { commonName: "front-proxy" };
const names = ["remote.default.svc"];
const papers = issue(ca, { subject, names, usages: ["client", "server"], ...span }, random);
const GROUP = "remote.example.com";
const PATH = `/apis/${GROUP}/v1/namespaces/default/things`;

let front: TestCluster;
let back: TestCluster;
let port: number;

beforeEach(async () => {
  front = await createCluster({ components: [], apiServer: { aggregation: papers } });
  back = await createCluster({
    components: [],
    apiServer: {
      authenticators: [requestHeaderAuthenticator()],
      authorizers: [
        {
          name: "masters",
          authorize: ({ user }) => ({ decision: user.groups.includes("system:masters") ? "allow" : "no opinion" }),
        },
      ],
    },
  });
  await back.client.resource(resources.customresourcedefinitions).create({
    metadata: { name: `things.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  });
  await back.settle();
  const listener = await back.server.listen({
    host: "localhost",
    port: 0,
    cert: papers.cert,
    key: papers.key,
    frontProxyCa: ca.cert,
  });
  ({ port } = listener);
});

afterEach(async () => {
  await front[Symbol.asyncDispose]();
  await back[Symbol.asyncDispose]();
});

function send(method: ApiRequest["method"], path: string, body?: unknown) {
  return front.client.transport.request({ method, path, ...(body !== undefined && { body }) });
}

async function register(): Promise<void> {
  await front.client.resource(resources.services).create({
    metadata: { name: "remote", namespace: "default" },
    spec: { type: "ExternalName", externalName: "localhost" },
  });
  await front.client.resource(resources.apiservices).create({
    metadata: { name: `v1.${GROUP}` },
    spec: {
      group: GROUP,
      version: "v1",
      service: { namespace: "default", name: "remote", port },
      caBundle: Buffer.from(ca.cert).toString("base64"),
      groupPriorityMinimum: 100,
      versionPriority: 10,
    },
  });
}

async function available(): Promise<{ status: string; reason?: string } | undefined> {
  const service = await front.client.resource(resources.apiservices).get({ name: `v1.${GROUP}` });
  return service.status.conditions?.find((one) => one.type === "Available");
}

async function whenAvailable(status: string): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if ((await available())?.status === status) return;
    await nextTurn();
  }
  throw new Error(`Available never became ${status}: ${JSON.stringify(await available())}`);
}

it("keeps an APIService for what is served here", async () => {
  const services = await front.client.resource(resources.apiservices).list();
  const apps = services.items.find((one) => one.metadata.name === "v1.apps");
  expect(apps?.spec).toMatchObject({ group: "apps", version: "v1", groupPriorityMinimum: 17_800, versionPriority: 15 });
  expect(apps?.status.conditions?.[0]).toMatchObject({ type: "Available", status: "True", reason: "Local" });
  expect(services.items.map((one) => one.metadata.name)).toContain("v1.");
});

it("passes requests on in the user's name, once the other server answers", async () => {
  await register();
  await whenAvailable("True");
  const thing = { apiVersion: `${GROUP}/v1`, kind: "Thing", metadata: { name: "t", namespace: "default" } };
  const made = await send("POST", PATH, thing);
  expect(made).toMatchObject({ status: 201, body: { metadata: { name: "t" } } });
  expect((await send("GET", `${PATH}/t`)).body).toMatchObject({ kind: "Thing" });
  const nobody = front.clientFor("nobody").transport.request({ method: "GET", path: `${PATH}/t` });
  const refused = statusErrorIn(await nobody.catch((error: unknown) => error));
  expect(refused?.message).toContain('User "nobody" cannot get resource "things"');
});

it("shows the other server's resources in discovery", async () => {
  await register();
  await whenAvailable("True");
  const groups = (await send("GET", "/apis")).body as { groups: { name: string }[] };
  expect(groups.groups.at(-1)?.name).toBe(GROUP);
  const list = (await send("GET", `/apis/${GROUP}/v1`)).body as { resources: { name: string }[] };
  expect(list.resources.map((one) => one.name)).toContain("things");
});

it("says when there is nobody to ask", async () => {
  await register();
  await whenAvailable("True");
  await front.client.resource(resources.services).delete({ name: "remote", namespace: "default" });
  await front.advance(31_000);
  await whenAvailable("False");
  expect((await available())?.reason).toBe("ServiceNotFound");
  const failed = statusErrorIn(await send("GET", PATH).catch((error: unknown) => error));
  expect(failed?.code).toBe(503);
});
