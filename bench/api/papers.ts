import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createAuthority, type Env, issue } from "../../src/kit/index.ts";

/** Certificates of one server under test. */
export interface Papers {
  readonly ca: string;
  readonly serving: { readonly cert: string; readonly key: string };
  readonly serviceAccountKey: string;
  /** Writes a kubeconfig (in JSON) of somebody in a group. */
  kubeconfig(file: string, commonName: string, organization: string, port: number): void;
}

/** Makes an authority, and what a server and its users need of it. */
export function makePapers(env: Env): Papers {
  const now = env.clock.now();
  const span = { notBefore: now - 60_000, notAfter: now + 86_400_000 };
  const ca = createAuthority("k8ts-bench", span, env.random);
  const names = ["localhost", "127.0.0.1"];
  const serving = issue(ca, { subject: { commonName: "apiserver" }, names, usages: ["server"], ...span }, env.random);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    ca: ca.cert,
    serving,
    serviceAccountKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    kubeconfig(file, commonName, organization, port) {
      const subject = { commonName, organizations: [organization] };
      const papers = issue(ca, { subject, usages: ["client"], ...span }, env.random);
      const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": base64(ca.cert) };
      const user = { "client-certificate-data": base64(papers.cert), "client-key-data": base64(papers.key) };
      const config = {
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "k8ts", cluster }],
        users: [{ name: commonName, user }],
        contexts: [{ name: "k8ts", context: { cluster: "k8ts", user: commonName } }],
        "current-context": "k8ts",
      };
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    },
  };
}
