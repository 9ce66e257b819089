import { parseArgs } from "node:util";
import { createStandardApiServer } from "../src/apiserver/index.ts";
import { resources } from "../src/api/index.ts";
import { createEnv, silent } from "../src/kit/index.ts";
import { makePapers } from "./api/papers.ts";

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
const papers = makePapers(env);

async function openStore() {
  if (values.store === "memory") return (await import("../src/store/memory/index.ts")).createMemoryStore(env);
  return (await import("../src/store/embedded/index.ts")).openEmbeddedStore({ path: values.store, env });
}

const store = await openStore();
const { server, component, clientFor } = createStandardApiServer({
  store,
  env,
  serviceAccountKey: papers.serviceAccountKey,
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
  ...papers.serving,
  clientCa: papers.ca,
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
papers.kubeconfig(values.kubeconfig, "admin", "system:masters", listener.port);
papers.kubeconfig(`${values.kubeconfig}.user`, "bench", "bench", listener.port);
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
