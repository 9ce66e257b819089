import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createStandardApiServer } from "../src/apiserver/index.ts";
import { resources } from "../src/api/index.ts";
import { createAuthority, createEnv, issue, silent } from "../src/kit/index.ts";

/**
 * An API server alone, for benchmarks and for trying clients: `api-serve.ts [--port N] [--kubeconfig FILE] [--store memory|DIR]
 * [--log]`. It writes two kubeconfigs: FILE of an administrator, and FILE.user of somebody who has all rights by RBAC.
 */
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    kubeconfig: { type: "string", default: "/tmp/k8ts-api.kubeconfig" },
    store: { type: "string", default: "memory" },
    log: { type: "boolean", default: false },
  },
});
const env = createEnv(values.log ? {} : { log: silent });
const span = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
const ca = createAuthority("k8ts-bench", span, env.random);
const names = ["localhost", "127.0.0.1"];
const serving = issue(ca, { subject: { commonName: "apiserver" }, names, usages: ["server"], ...span }, env.random);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

async function openStore() {
  if (values.store === "memory") return (await import("../src/store/memory/index.ts")).createMemoryStore(env);
  return (await import("../src/store/embedded/index.ts")).openEmbeddedStore({ path: values.store, env });
}

const store = await openStore();
const { server, component, clientFor } = createStandardApiServer({
  store,
  env,
  serviceAccountKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  issuer: "https://kubernetes.default.svc.cluster.local",
  serviceCidrs: ["10.96.0.0/16"],
});
const stop = new AbortController();
const running = component.run(stop.signal);
running.catch(() => undefined);
await Promise.race([component.ready?.(), running]);
const listener = await server.listen({
  host: "127.0.0.1",
  port: Number(values.port),
  cert: serving.cert,
  key: serving.key,
  clientCa: ca.cert,
});
const ready = Math.round(performance.now());
await clientFor({ name: "bench", groups: ["system:masters"] })
  .resource(resources.clusterrolebindings)
  .create({
    metadata: { name: "bench" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "bench" }],
  })
  .catch(() => undefined);
writeKubeconfig(values.kubeconfig, "admin", "system:masters");
writeKubeconfig(`${values.kubeconfig}.user`, "bench", "bench");
console.log(`serving on ${listener.port} after ${ready} ms; kubeconfig ${values.kubeconfig}`);
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
process.on("message", (message) => {
  if (message === "usage") process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage().rss });
});
await running;
await store.close();
// The channel to the benchmark would keep the process alive.
process.disconnect?.();

function writeKubeconfig(file: string, commonName: string, organization: string): void {
  const papers = issue(
    ca,
    { subject: { commonName, organizations: [organization] }, usages: ["client"], ...span },
    env.random,
  );
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const cluster = { server: `https://127.0.0.1:${listener.port}`, "certificate-authority-data": base64(ca.cert) };
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
}
