import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { silent, testEnv } from "../../kit/index.ts";
import { forbidden } from "../../machinery/index.ts";
import { lookupOf } from "../admission/testing.ts";
import type { Attributes, Credentials } from "../seams/index.ts";
import {
  bearerAuthenticator,
  bootstrapTokenAuthenticator,
  certificateAuthenticator,
  impersonate,
  requestHeaderAuthenticator,
  staticTokenAuthenticator,
} from "./index.ts";
import { parseCsv } from "./static-tokens.ts";

const withToken = (authorization: string): Credentials => ({ headers: { authorization } });

describe("certificates", () => {
  const certificate = { commonName: "ann", organizations: ["dev"], fingerprint: "ab" };
  it("name user and groups", () => {
    expect(certificateAuthenticator().authenticate({ headers: {}, certificate })).toEqual({
      name: "ann",
      groups: ["dev", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=ab"] },
    });
  });

  it.each([undefined, { ...certificate, commonName: "" }, { ...certificate, frontProxy: true }])(
    "say nothing: %j",
    (shown) => {
      expect(
        certificateAuthenticator().authenticate({ headers: {}, ...(shown && { certificate: shown }) }),
      ).toBeUndefined();
    },
  );
});

describe("request headers", () => {
  const certificate = { commonName: "proxy", organizations: [], fingerprint: "", frontProxy: true };
  const headers = {
    "x-remote-user": "ann",
    "x-remote-group": "a, b",
    "x-remote-uid": "u",
    "x-remote-extra-acme.com%2fproject": "x, y",
  };
  it("are believed from the proxy", () => {
    expect(requestHeaderAuthenticator().authenticate({ headers, certificate })).toEqual({
      name: "ann",
      uid: "u",
      groups: ["a", "b", "system:authenticated"],
      extra: { "acme.com/project": ["x", "y"] },
    });
  });

  it("are not believed from others", () => {
    const other = { ...certificate, frontProxy: false };
    expect(requestHeaderAuthenticator().authenticate({ headers, certificate: other })).toBeUndefined();
    expect(requestHeaderAuthenticator(["front"]).authenticate({ headers, certificate })).toBeUndefined();
    expect(requestHeaderAuthenticator().authenticate({ headers: {}, certificate })).toBeUndefined();
  });
});

describe("bearer tokens", () => {
  const setUp = () => {
    const { clock } = testEnv();
    let asked = 0;
    const authenticator = bearerAuthenticator(
      [
        {
          name: "strict",
          authenticateToken: (t) => (t === "bad" ? Promise.reject(new Error("x")) : Promise.resolve(undefined)),
        },
        {
          name: "known",
          authenticateToken: (token) => {
            asked++;
            return Promise.resolve(token === "good" ? { name: "ann", groups: [] } : undefined);
          },
        },
      ],
      clock,
    );
    return { clock, authenticator, asked: () => asked };
  };

  it("are remembered for a while", async () => {
    const { authenticator, clock, asked } = setUp();
    for (const header of ["Bearer good", "bearer good"]) {
      expect(await authenticator.authenticate(withToken(header))).toEqual({ name: "ann", groups: [] });
    }
    expect(asked()).toBe(1);
    await clock.advance(10_001);
    await authenticator.authenticate(withToken("Bearer good"));
    expect(asked()).toBe(2);
  });

  it("come with a WebSocket's protocols, too", async () => {
    const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from("good").toString("base64url")}`;
    const credentials = { headers: { "sec-websocket-protocol": `v5.channel.k8s.io, ${protocol}` } };
    expect(await setUp().authenticator.authenticate(credentials)).toMatchObject({ name: "ann" });
  });

  it.each(["Bearer bad", "Bearer other"])("are refused: %s", async (header) => {
    await expect(Promise.resolve(setUp().authenticator.authenticate(withToken(header)))).rejects.toMatchObject({
      code: 401,
    });
  });

  it.each(["Basic x", "Bearer", "Bearer  good", ""])("are not there: %j", async (header) => {
    expect(await setUp().authenticator.authenticate(withToken(header))).toBeUndefined();
  });
});

describe("bootstrap tokens", () => {
  const now = Date.UTC(2026, 0, 1);
  const secret = (fields: Record<string, string>, metadata: object = {}): object => ({
    metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system", ...metadata },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(
      Object.entries({
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        ...fields,
      }).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    ),
  });
  const ask = (token: string, stored: object) =>
    bootstrapTokenAuthenticator(lookupOf([resources.secrets, stored]), testEnv({ now }).clock).authenticateToken(token);

  it("stand for a node that joins", async () => {
    const stored = secret({
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      expiration: "2026-01-01T01:00:00Z",
    });
    expect(await ask("abcdef.0123456789abcdef", stored)).toEqual({
      name: "system:bootstrap:abcdef",
      groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"],
    });
  });

  it.each<[string, string, object]>([
    ["another secret", "abcdef.0123456789abcdee", secret({})],
    ["no such token", "ghijkl.0123456789abcdef", secret({})],
    ["not such a token", "abcdef", secret({})],
    ["expired", "abcdef.0123456789abcdef", secret({ expiration: "2025-12-31T00:00:00Z" })],
    ["who knows when it expires", "abcdef.0123456789abcdef", secret({ expiration: "soon" })],
    ["for signing only", "abcdef.0123456789abcdef", secret({ "usage-bootstrap-authentication": "false" })],
    ["with a group above it", "abcdef.0123456789abcdef", secret({ "auth-extra-groups": "system:masters" })],
    ["on its way out", "abcdef.0123456789abcdef", secret({}, { deletionTimestamp: "2026-01-01T00:00:00Z" })],
  ])("are worth nothing: %s", async (_, token, stored) => {
    expect(await ask(token, stored)).toBeUndefined();
  });
});

describe("static tokens", () => {
  it("come from a file", async () => {
    const text = 't1,ann,1\n"t2","bob, b.",2,"dev,ops"\n,x,3\n';
    const authenticator = staticTokenAuthenticator(text, "tokens.csv", silent);
    expect(await authenticator.authenticateToken("t1")).toEqual({
      name: "ann",
      uid: "1",
      groups: ["system:authenticated"],
    });
    expect(await authenticator.authenticateToken("t2")).toEqual({
      name: "bob, b.",
      uid: "2",
      groups: ["dev", "ops", "system:authenticated"],
    });
    expect(await authenticator.authenticateToken("")).toBeUndefined();
  });

  it("need three columns", () => {
    const message = "token file 'x' must have at least 3 columns (token, user name, user uid), found 2";
    expect(() => staticTokenAuthenticator("a,b", "x", silent)).toThrow(message);
  });

  it.each([
    ["", []],
    ['a,"b""c",d\r\n\ne', [["a", 'b"c', "d"], ["e"]]],
    ['"x\ny",', [["x\ny", ""]]],
  ])("are read from %j", (text, records) => {
    expect(parseCsv(text)).toEqual(records);
  });
});

describe("impersonation", () => {
  const asking = { name: "root", groups: [] };
  const act = async (headers: Record<string, string>, may: (asked: Attributes) => boolean = () => true) => {
    const asked: string[] = [];
    const user = await impersonate(headers, asking, (attributes) => {
      const { group, resource, subresource, namespace, name } = attributes;
      asked.push([group, resource, subresource, namespace, name].join("|"));
      return may(attributes) ? Promise.resolve() : Promise.reject(forbidden(undefined, "", "no"));
    });
    return { user, asked };
  };

  it.each<[Record<string, string>, object | undefined, string[]]>([
    [{}, undefined, []],
    [{ "impersonate-user": "ann" }, { name: "ann", groups: ["system:authenticated"] }, ["|users|||ann"]],
    [
      { "impersonate-user": "system:anonymous" },
      { name: "system:anonymous", groups: ["system:unauthenticated"] },
      ["|users|||system:anonymous"],
    ],
    [
      { "impersonate-user": "system:serviceaccount:ns:sa" },
      {
        name: "system:serviceaccount:ns:sa",
        groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
      },
      ["|serviceaccounts||ns|sa"],
    ],
    [
      {
        "impersonate-user": "ann",
        "impersonate-group": "a, b",
        "impersonate-uid": "u",
        "impersonate-extra-acme.com%2fproject": "x, y",
      },
      { name: "ann", uid: "u", groups: ["a", "b", "system:authenticated"], extra: { "acme.com/project": ["x", "y"] } },
      [
        "|users|||ann",
        "|groups|||a",
        "|groups|||b",
        "authentication.k8s.io|userextras|acme.com/project||x",
        "authentication.k8s.io|userextras|acme.com/project||y",
        "authentication.k8s.io|uids|||u",
      ],
    ],
  ])("%j", async (headers, user, asked) => {
    expect(await act(headers)).toEqual({ user, asked });
  });

  it("is of a user, or of nothing", async () => {
    await expect(act({ "impersonate-group": "a" })).rejects.toThrow(
      "requested [{Group  a    }] without impersonating a user",
    );
  });

  it("needs every right", async () => {
    const headers = { "impersonate-user": "ann", "impersonate-group": "system:masters" };
    await expect(act(headers, ({ name }) => name !== "system:masters")).rejects.toMatchObject({ code: 403 });
  });
});
