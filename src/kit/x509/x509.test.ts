import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../random.ts";
import { createAuthority, issue, parseRequest, subjectOf } from "./index.ts";

const random = new SeededRandom(1);
const span = { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2056, 0, 1) };
const authority = createAuthority("kubernetes", span, random);

describe("certificates", () => {
  it("issues what Node accepts as signed by the authority", () => {
    const pair = issue(
      authority,
      {
        subject: { commonName: "kube-apiserver", organizations: ["system:masters", "a"] },
        names: ["kubernetes.default.svc", "10.96.0.1", "fd00::1"],
        usages: ["server", "client"],
        ...span,
      },
      random,
    );
    const cert = new X509Certificate(pair.cert);
    const ca = new X509Certificate(authority.cert);
    expect(ca.ca).toBe(true);
    expect(cert.verify(ca.publicKey)).toBe(true);
    expect(cert.checkIssued(ca)).toBe(true);
    expect(cert.checkHost("kubernetes.default.svc")).toBe("kubernetes.default.svc");
    expect(cert.checkIP("10.96.0.1")).toBe("10.96.0.1");
    expect(cert.checkIP("fd00::1")).toBe("fd00::1");
    expect(subjectOf(cert.raw)).toEqual({ commonName: "kube-apiserver", organizations: ["a", "system:masters"] });
  });

  it("issues what openssl verifies", () => {
    const dir = mkdtempSync(join(tmpdir(), "k8ts-x509-"));
    try {
      const pair = issue(authority, { subject: { commonName: "x" }, usages: ["client"], ...span }, random);
      writeFileSync(join(dir, "ca.pem"), authority.cert);
      writeFileSync(join(dir, "leaf.pem"), pair.cert);
      const out = execFileSync("openssl", [
        "verify",
        "-x509_strict",
        "-CAfile",
        join(dir, "ca.pem"),
        join(dir, "leaf.pem"),
      ]);
      expect(out.toString()).toContain("OK");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("reads requests that openssl made, and refuses ones with a broken signature", () => {
    const dir = mkdtempSync(join(tmpdir(), "k8ts-x509-"));
    try {
      const csr = join(dir, "csr.pem");
      execFileSync(
        "openssl",
        [
          "req",
          "-new",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-keyout",
          join(dir, "k"),
          "-out",
          csr,
        ].concat(["-subj", "/O=system:nodes/CN=system:node:n1", "-addext", "subjectAltName=DNS:n1,IP:10.0.0.7"]),
        { stdio: "pipe" },
      );
      const pem = execFileSync("cat", [csr]).toString();
      expect(parseRequest(pem)).toMatchObject({
        subject: { commonName: "system:node:n1", organizations: ["system:nodes"] },
        dnsNames: ["n1"],
        ipAddresses: ["10.0.0.7"],
      });
      const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
      der[40] = (der[40] ?? 0) ^ 1;
      const broken = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
      expect(() => parseRequest(broken)).toThrow(/signature|malformed|DER/i);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it.each(["", "not pem", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"])(
    "refuses %j",
    (text) => {
      expect(() => parseRequest(text)).toThrow();
    },
  );
});
