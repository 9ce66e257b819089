import { writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { createStandardApiServer } from "../src/apiserver/index.ts";
import { createAuthority, createEnv, issue, silent } from "../src/kit/index.ts";
import { createMemoryStore } from "../src/store/memory/index.ts";

/**
 * An API server alone, on memory, for benchmarks and for trying clients: `api-serve.ts [port] [kubeconfig]`. Whoever has the
 * kubeconfig may do everything.
 */
const [port = "0", kubeconfig = "/tmp/k8ts-api.kubeconfig"] = process.argv.slice(2);
const env = createEnv({ log: process.env["DEBUG"] ? createEnv().log : silent });
const span = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
const ca = createAuthority("k8ts-bench", span, env.random);
const serving = issue(
  ca,
  { subject: { commonName: "apiserver" }, names: ["localhost", "127.0.0.1"], usages: ["server"], ...span },
  env.random,
);
const admin = issue(
  ca,
  { subject: { commonName: "admin", organizations: ["system:masters"] }, usages: ["client"], ...span },
  env.random,
);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { server, component } = createStandardApiServer({
  store: createMemoryStore(env),
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
  port: Number(port),
  cert: serving.cert,
  key: serving.key,
  clientCa: ca.cert,
});
const base64 = (text: string): string => Buffer.from(text).toString("base64");
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "k8ts",
        cluster: { server: `https://127.0.0.1:${listener.port}`, "certificate-authority-data": base64(ca.cert) },
      },
    ],
    users: [
      { name: "admin", user: { "client-certificate-data": base64(admin.cert), "client-key-data": base64(admin.key) } },
    ],
    contexts: [{ name: "k8ts", context: { cluster: "k8ts", user: "admin" } }],
    "current-context": "k8ts",
  }),
  { mode: 0o600 },
);
console.log(`serving on ${listener.port} after ${Math.round(performance.now())} ms; kubeconfig ${kubeconfig}`);
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
await running;
