import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type corev1, type Draft, resources } from "../src/api/index.ts";
import { type Client, createClient, loadKubeconfig, networkTransport, resolveContext } from "../src/client/index.ts";
import { createEnv, silent } from "../src/kit/index.ts";
import { printMachine, printSamples, type Sample } from "./report.ts";

/**
 * Pod start on a real node: POST → Ready over HTTPS, image present, bridge network; and the whole way from nothing (`up` on an
 * empty machine state to a pod that runs). Needs root and the packages that `./k8ts up` installs.
 *
 *   tools/run.sh bench/pods.ts [--serial 20] [--burst 30]
 */
const flag = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const root = join(import.meta.dirname, "..");
const home = mkdtempSync(join(tmpdir(), "k8b-"));
const environment = { ...process.env, K8TS_HOME: home, KUBECONFIG: join(home, "kubeconfig") };
const k8ts = (...args: string[]): void => {
  execFileSync(join(root, "k8ts"), [...args, "--name", "bench"], {
    env: environment,
    stdio: ["ignore", "ignore", "inherit"],
  });
};
const env = createEnv({ log: silent });
const samples: Sample[] = [];

printMachine();
const begun = performance.now();
k8ts("up");
const client = await connect();
await startPod(client, "first");
samples.push({ name: "nothing → cluster with a pod running", unit: "s", values: [(performance.now() - begun) / 1000] });
try {
  await measure(client);
  printSamples(samples);
} finally {
  k8ts("delete", "--purge");
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);

async function connect(): Promise<Client> {
  const config = await loadKubeconfig({ environment });
  return createClient(networkTransport(resolveContext(config).connection, env));
}

async function measure(api: Client): Promise<void> {
  const serial: number[] = [];
  for (let i = 0; i < flag("serial", 20); i++) serial.push(await startPod(api, `serial-${i}`));
  samples.push({ name: "POST → Ready, one at a time", unit: "ms", values: serial });
  const four: number[] = [];
  const started = performance.now();
  const count = flag("serial", 20);
  const next = Array.from({ length: count }, (_, i) => `four-${i}`);
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let name = next.pop(); name !== undefined; name = next.pop()) four.push(await startPod(api, name));
    }),
  );
  samples.push({ name: "POST → Ready, four at a time", unit: "ms", values: four });
  samples.push({ name: "four at a time", unit: "pods/s", values: [count / ((performance.now() - started) / 1000)] });
  const size = flag("burst", 30);
  const burst = performance.now();
  const all = await Promise.all(Array.from({ length: size }, (_, i) => startPod(api, `burst-${i}`)));
  samples.push({ name: `POST → Ready, burst of ${size}`, unit: "ms", values: all });
  samples.push({ name: `burst of ${size}`, unit: "pods/s", values: [size / ((performance.now() - burst) / 1000)] });
}

/** Creates a pod, waits until it is Ready, and gives the milliseconds; deletes it in the background when it was one of many. */
async function startPod(api: Client, name: string): Promise<number> {
  const pods = api.resource(resources.pods);
  const stop = new AbortController();
  const draft: Draft<corev1.Pod> = {
    metadata: { name, namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: "c", image: "k8ts.local/demo", imagePullPolicy: "IfNotPresent", command: ["sleep", "3600"] },
      ],
    },
  };
  await waitForAccount(api);
  const start = performance.now();
  await pods.create(draft);
  for await (const event of pods.watch({
    namespace: "default",
    fieldSelector: `metadata.name=${name}`,
    signal: stop.signal,
  })) {
    if (event.type === "BOOKMARK") continue;
    if (event.object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True")) break;
  }
  const took = performance.now() - start;
  stop.abort();
  if (!name.startsWith("burst")) await pods.delete({ namespace: "default", name }, { gracePeriodSeconds: 0 });
  return took;
}

async function waitForAccount(api: Client): Promise<void> {
  await api.resource(resources.serviceaccounts).get({ namespace: "default", name: "default" });
}
