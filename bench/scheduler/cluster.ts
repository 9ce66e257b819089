import { createApiServer } from "../../src/apiserver/index.ts";
import { type corev1, resources } from "../../src/api/index.ts";
import { type Client, createClient, createInformerFactory, type Informer } from "../../src/client/index.ts";
import { createEnv, createLogger, type Env, Group, silent } from "../../src/kit/index.ts";
import { createScheduler } from "../../src/scheduler/index.ts";
import { createMemoryStore } from "../../src/store/memory/index.ts";

/** A control plane of API server and scheduler in this process, on real time. */
export interface BenchCluster {
  readonly env: Env;
  readonly client: Client;
  readonly pods: Informer<corev1.Pod>;
  /** How many pods wait in each part of the queue. */
  queue(): Record<string, number>;
  stop(): Promise<void>;
}

/** Starts it with a memory store. `log` shows warnings. */
export async function startCluster(options: {
  readonly log: boolean;
  readonly adaptive: boolean;
}): Promise<BenchCluster> {
  const env = createEnv({ log: options.log ? createLogger({ level: "warn" }) : silent });
  const store = createMemoryStore(env);
  const server = createApiServer({ store, env });
  const clientFor = (name: string, ...groups: string[]): Client =>
    createClient(server.transportFor({ name, groups: [...groups, "system:authenticated"] }));
  const client = clientFor("bench", "system:masters");
  const informers = createInformerFactory(client, env);
  const pods = informers.informer(resources.pods);
  const scheduler = createScheduler({
    env,
    client: clientFor("system:kube-scheduler"),
    adaptiveSampling: options.adaptive,
  });
  const stop = new AbortController();
  const group = new Group([server, informers, scheduler], { clock: env.clock, name: "bench" });
  const running = group.run(stop.signal);
  running.catch(() => undefined);
  await Promise.race([group.ready(), running]);
  for (const name of ["default", "kube-system"]) {
    await client.resource(resources.namespaces).create({ metadata: { name } });
  }
  return {
    env,
    client,
    pods,
    queue: () => queueSizes(env.metrics.expose()),
    stop: async () => {
      stop.abort();
      await running;
      await store.close();
    },
  };
}

function queueSizes(text: string): Record<string, number> {
  const found = text.matchAll(/^scheduler_pending_pods\{queue="(\w+)"\} (\S+)$/gm);
  return Object.fromEntries([...found].map(([, queue, size]) => [queue ?? "", Number(size)]));
}
