import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type certificatesv1, resources } from "../../api/index.ts";
import { createAuthority, type ParsedRequest, SeededRandom } from "../../kit/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { at, EPOCH, meta } from "../fixtures/objects.ts";
import { uselessAt } from "./cleaner.ts";
import { CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY, refusal } from "./requests.ts";
import { signed, validity } from "./signer.ts";

type SigningRequest = certificatesv1.CertificateSigningRequest;
const HOUR = 3_600_000;

function requestOf(
  signerName: string,
  usages: readonly string[],
  status: SigningRequest["status"] = {},
): SigningRequest {
  const spec = { request: "", signerName, usages } as SigningRequest["spec"];
  return { kind: "CertificateSigningRequest", apiVersion: "certificates.k8s.io/v1", metadata: meta("r"), spec, status };
}

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const node: ParsedRequest = {
  subject: { commonName: "system:node:n1", organizations: ["system:nodes"] },
  dnsNames: [],
  ipAddresses: [],
  emailAddresses: [],
  uris: [],
  publicKey,
};

describe("refusal", () => {
  const client = ["digital signature", "key encipherment", "client auth"];
  const server = ["digital signature", "server auth"];
  const named = { ...node, dnsNames: ["n1"] };
  const someone = { ...node, subject: { commonName: "jane", organizations: ["devs"] } };
  const cases: readonly (readonly [string, readonly string[], ParsedRequest, string | undefined])[] = [
    [KUBELET_CLIENT, client, node, undefined],
    [KUBELET_CLIENT, ["digital signature", "client auth"], node, undefined],
    [KUBELET_CLIENT, server, node, "usages did not match [client auth digital signature key encipherment]"],
    [KUBELET_CLIENT, client, named, "DNS subjectAltNames are not allowed"],
    [KUBELET_CLIENT, client, someone, "subject organization is not system:nodes"],
    [KUBELET_SERVING, server, named, undefined],
    [KUBELET_SERVING, server, node, "DNS or IP subjectAltName is required"],
    [KUBELET_SERVING, server, { ...named, uris: ["x:"] }, "URI subjectAltNames are not allowed"],
    [
      KUBELET_SERVING,
      server,
      { ...named, subject: { commonName: "n1", organizations: ["system:nodes"] } },
      "subject common name does not begin with system:node:",
    ],
    [CLIENT, client, someone, undefined],
    [CLIENT, ["server auth"], someone, "invalid usage for client certificate: server auth"],
    [CLIENT, ["digital signature"], someone, "missing required usage for client certificate: client auth"],
    [LEGACY, ["any"], someone, undefined],
  ];
  for (const [signerName, usages, request, expected] of cases) {
    it(`${signerName}: ${expected ?? "none"}`, () =>
      expect(refusal(requestOf(signerName, usages), request)).toBe(expected));
  }
});

describe("validity", () => {
  const span = (seconds: number | undefined, caEnd = Infinity) => {
    const { notBefore, notAfter } = validity(seconds, 24 * HOUR, caEnd, EPOCH);
    return [(notBefore - EPOCH) / 60_000, (notAfter - EPOCH) / 60_000];
  };
  it("is what was asked for, within limits", () => {
    expect(span(undefined)).toEqual([-5, 24 * 60 - 5]);
    expect(span(3600)).toEqual([-5, 60]);
    expect(span(1)).toEqual([-5, 10]);
    expect(span(1e9)).toEqual([-5, 24 * 60 - 5]);
    expect(span(undefined, EPOCH + HOUR)).toEqual([-5, 60]);
    expect(() => span(undefined, EPOCH - 1)).toThrow("refusing to sign");
  });
});

describe("signed", () => {
  it("makes a certificate of the CA", () => {
    const random = new SeededRandom(1);
    const span = { notBefore: EPOCH, notAfter: EPOCH + HOUR };
    const authority = createAuthority("ca", span, random);
    const request = { ...node, dnsNames: ["n1"], ipAddresses: ["10.0.0.1"] };
    const made = new X509Certificate(signed(authority, request, ["digital signature", "server auth"], span, random));
    expect(made.verify(new X509Certificate(authority.cert).publicKey)).toBe(true);
    expect(made.subject).toBe("O=system:nodes\nCN=system:node:n1");
    expect(made.subjectAltName).toBe("DNS:n1, IP Address:10.0.0.1");
    expect(() => signed(authority, request, ["code signing"], span, random)).toThrow("code signing");
  });
});

describe("uselessAt", () => {
  const after = (type: string, certificate?: string) =>
    uselessAt(
      requestOf(LEGACY, [], {
        conditions: [{ type, status: "True", lastUpdateTime: at(0) }],
        ...(certificate === undefined ? {} : { certificate }),
      }),
    ) - EPOCH;
  it("depends on how far it came", () => {
    expect(uselessAt(requestOf(LEGACY, [])) - EPOCH).toBe(24 * HOUR);
    expect(after("Denied")).toBe(HOUR);
    expect(after("Failed")).toBe(HOUR);
    expect(after("Approved")).toBe(24 * HOUR);
    expect(after("Approved", "eA==")).toBe(HOUR);
  });
});

/** A request of `CN=system:node:n1, O=system:nodes` with an EC key, made once with openssl. */
const PKCS10 = [
  "-----BEGIN CERTIFICATE REQUEST-----",
  "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lzdGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggq",
  "hkjOPQMBBwNCAAQaHRAKebEBZv2ASgeWENA9lb+qE9QTcxyXP1uhv+8X4QVMYXN7IKGtJmMMcgeNhqYxc97i+ItBIO6RN9gcA7kg",
  "oAAwCgYIKoZIzj0EAwIDSAAwRQIhAJpjouI3FQA32dGd2pqpTU3oyMWuttrLQYJUs+KRnjXUAiBZPteJeYIMT8HeJH6Cu/tNkdKu",
  "zZ50ENBu7261/jnJyQ==",
  "-----END CERTIFICATE REQUEST-----",
].join("\n");

describe("certificates in a cluster", () => {
  it("are approved for nodes, signed, and tidied up", async () => {
    const now = EPOCH;
    const authority = createAuthority("ca", { notBefore: now - HOUR, notAfter: now + 1e11 }, new SeededRandom(1));
    const names = ["csrapproving", "csrsigning", "csrcleaner"];
    await using cluster = await createCluster({ components: [controllersOf(names, {}, { signer: authority })] });
    const requests = cluster.client.resource(resources.certificatesigningrequests);
    await requests.create({
      metadata: { name: "n1" },
      spec: {
        request: Buffer.from(PKCS10).toString("base64"),
        signerName: KUBELET_CLIENT,
        usages: ["digital signature", "client auth"],
      },
    });
    await cluster.settle();
    const { status } = await requests.get({ name: "n1" });
    expect(status.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual(["Approved AutoApproved"]);
    const made = new X509Certificate(Buffer.from(status.certificate ?? "", "base64"));
    expect(made.subject).toBe("O=system:nodes\nCN=system:node:n1");
    await cluster.advance(HOUR + 2000);
    expect((await requests.list()).items).toEqual([]);
  });
});
