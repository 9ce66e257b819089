import type { BenchSubject } from "./subjects.ts";

export interface Sample {
  readonly value: number;
  readonly note?: string;
}

interface Benchmark {
  readonly unit: string;
  /** Takes one sample, of about `ms` where it lasts as long as one likes. */
  run(subject: BenchSubject, ms: number): Promise<Sample>;
}

const VALUE = Buffer.alloc(1024, "0123456789abcdef");

/** `value` of 1 KiB put by `clients`, each waiting for its last one. */
function puts(clients: number): Benchmark {
  return {
    unit: "put/s",
    run: async ({ store }, ms) => {
      const latencies: number[] = [];
      const client = async (c: number): Promise<void> => {
        for (let i = 0; performance.now() < end; i++) {
          const began = performance.now();
          await store.commit([{ kind: "put", key: `/bench/${c}/${i % 1000}`, value: VALUE }]);
          latencies.push(performance.now() - began);
        }
      };
      const start = performance.now();
      const end = start + ms;
      await Promise.all(Array.from({ length: clients }, (_, c) => client(c)));
      const seconds = (performance.now() - start) / 1000;
      const sorted = latencies.toSorted((a, b) => a - b);
      const p = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
      return { value: latencies.length / seconds, note: `p50 ${p(0.5)} p99 ${p(0.99)} ms` };
    },
  };
}

async function fill({ store }: BenchSubject, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1000) {
    const keys = Array.from({ length: 1000 }, (_, k) => `/registry/configmaps/default/object-${i + k}`);
    await Promise.all(keys.map((key) => store.commit([{ kind: "put", key, value: Buffer.from(VALUE) }])));
  }
}

const RANGE = { start: "/registry/", end: "/registry0" };

/** Every benchmark by name. */
export const benchmarks: Readonly<Record<string, Benchmark>> = {
  "put 1 KiB, 1 client": puts(1),
  "put 1 KiB, 16 clients": puts(16),
  "put 1 KiB, 128 clients": puts(128),
  "put 1 KiB, 1000 clients": puts(1000),
  "get 1 KiB, 16 clients": {
    unit: "get/s",
    run: async (subject, ms) => {
      await fill(subject, 1000);
      let count = 0;
      const end = performance.now() + ms;
      const client = async (): Promise<void> => {
        while (performance.now() < end) {
          await subject.store.get(`/registry/configmaps/default/object-${count++ % 1000}`);
          if (count % 256 === 0) await new Promise(setImmediate);
        }
      };
      await Promise.all(Array.from({ length: 16 }, client));
      return { value: count / (ms / 1000) };
    },
  },
  "range of 20,000 × 1 KiB": {
    unit: "MB/s",
    run: async (subject) => {
      await fill(subject, 20_000);
      const began = performance.now();
      const { entries } = await subject.store.range(RANGE);
      const bytes = entries.reduce((sum, entry) => sum + entry.value.length, 0);
      return { value: bytes / 1e6 / ((performance.now() - began) / 1000), note: `${entries.length} entries` };
    },
  },
  "page of 500 among 20,000": {
    unit: "ms",
    run: async (subject) => {
      await fill(subject, 20_000);
      const began = performance.now();
      for (let i = 0; i < 20; i++) await subject.store.range({ ...RANGE, limit: 500 });
      return { value: (performance.now() - began) / 20 };
    },
  },
  "watch fan-out to 100": watching(100),
  "watch fan-out to 1000": watching(1000),
  "start, empty": {
    unit: "ms",
    run: async (subject) => {
      if (!subject.reopen) return { value: 0, note: "keeps nothing" };
      const began = performance.now();
      const reopened = await subject.reopen();
      const value = performance.now() - began;
      await reopened.store.close();
      return { value };
    },
  },
  "start with 40,000 × 1 KiB": {
    unit: "ms",
    run: async (subject) => {
      await fill(subject, 40_000);
      if (!subject.reopen) return { value: 0, note: "keeps nothing" };
      const size = Math.round((await subject.store.size()) / 2 ** 20);
      const began = performance.now();
      const reopened = await subject.reopen();
      const value = performance.now() - began;
      await reopened.store.close();
      return { value, note: `${size} MiB on disk` };
    },
  },
};

/** Events a second that all watchers of one range receive together, from 16 writers. */
function watching(watchers: number): Benchmark {
  return {
    unit: "event/s",
    run: async ({ store }) => {
      const commits = Math.ceil(100_000 / watchers);
      const { signal } = new AbortController();
      const last = (await store.revision()) + commits;
      const read = async (): Promise<void> => {
        for await (const batch of store.watch({ ...RANGE, signal })) if (batch.revision >= last) return;
      };
      const reading = Array.from({ length: watchers }, read);
      let next = 0;
      const write = async (): Promise<void> => {
        while (next < commits) await store.commit([{ kind: "put", key: `/registry/${next++}`, value: VALUE }]);
      };
      const cpu = process.cpuUsage();
      const began = performance.now();
      await Promise.all([...Array.from({ length: 16 }, write), ...reading]);
      const seconds = (performance.now() - began) / 1000;
      const used = process.cpuUsage(cpu);
      const events = commits * watchers;
      return { value: events / seconds, note: `${((used.user + used.system) / events).toFixed(2)} µs CPU an event` };
    },
  };
}
