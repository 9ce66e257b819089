import type { ApiServer } from "../apiserver/index.ts";
import { createAuthority, issue, RealClock, SystemRandom } from "../kit/index.ts";

/** How clients outside the process reach a cluster inside it. */
export interface NetworkAccess {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** The text of a kubeconfig for a cluster administrator. */
  readonly kubeconfig: string;
}

const DAY_MS = 24 * 3_600_000;

/**
 * Serves on a free port of 127.0.0.1 with a certificate authority of its own. Certificates are valid by the machine's clock,
 * because the clients live by it.
 */
export async function listenOnLoopback(server: ApiServer): Promise<NetworkAccess> {
  const random = new SystemRandom();
  const now = new RealClock().now();
  const span = { notBefore: now - DAY_MS, notAfter: now + 30 * DAY_MS };
  const authority = createAuthority("k8ts-testing", span, random);
  const papers = issue(
    authority,
    { subject: { commonName: "kube-apiserver" }, names: ["127.0.0.1", "localhost"], usages: ["server"], ...span },
    random,
  );
  const subject = { commonName: "kubernetes-admin", organizations: ["system:masters"] };
  const admin = issue(authority, { subject, usages: ["client"], ...span }, random);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0, ...papers, clientCa: authority.cert });
  const url = `https://127.0.0.1:${port}`;
  return { url, kubeconfig: kubeconfigText(url, authority.cert, admin) };
}

/** A kubeconfig is YAML, and JSON is YAML. */
function kubeconfigText(server: string, ca: string, admin: { readonly cert: string; readonly key: string }): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const name = "k8ts-testing";
  const user = { "client-certificate-data": base64(admin.cert), "client-key-data": base64(admin.key) };
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster: { server, "certificate-authority-data": base64(ca) } }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    },
    null,
    2,
  )}\n`;
}
