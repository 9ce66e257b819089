import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics, RealClock, silent, SystemRandom, type Env } from "../../src/kit/index.ts";
import { createMemoryStore } from "../../src/store/memory/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/index.ts";
import { openEtcdStore } from "../../src/store/etcd/index.ts";
import type { Store } from "../../src/store/index.ts";

/** A store to be measured. */
export interface BenchSubject {
  readonly store: Store;
  /** Closes the store and opens it again; absent where nothing is kept. */
  readonly reopen?: () => Promise<BenchSubject>;
  dispose(): Promise<void>;
}

const env: Env = { clock: new RealClock(), random: new SystemRandom(), log: silent, metrics: createMetrics() };

async function embedded(path: string): Promise<BenchSubject> {
  const store = await openEmbeddedStore({ path, env });
  return {
    store,
    reopen: async () => {
      await store.close();
      return embedded(path);
    },
    dispose: async () => {
      await store.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

let prefixes = 0;

async function etcd(endpoints: string): Promise<BenchSubject> {
  const prefix = `/bench-${process.pid}-${++prefixes}`;
  const store = await openEtcdStore({ endpoints: endpoints.split(","), env, prefix });
  return { store, dispose: () => store.close() };
}

/** How to make each kind of store, empty. */
export const subjects: Readonly<Record<string, (endpoints: string) => Promise<BenchSubject>>> = {
  embedded: () => embedded(mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "k8ts-bench-"))),
  etcd,
  memory: async () => {
    const store = createMemoryStore(env);
    return { store, dispose: () => store.close() };
  },
};
