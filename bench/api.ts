import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Load, open, rate } from "./api/load.ts";
import { configMap, pod, smallPod } from "./api/objects.ts";
import { startOwn, startUpstream, type Subject } from "./api/subjects.ts";
import { printMachine, printSamples, type Sample } from "./report.ts";

/**
 * The API server over TLS and HTTP/2, with client certificates and RBAC, in a process of its own: start-up, create, get, list
 * of pods, watch fan-out. With a folder of upstream's binaries, the same is asked of upstream, in turns.
 * `api.ts [--store memory|disk] [--rounds N] [--objects N] [--upstream FOLDER] [--prof FOLDER]`.
 */
const { values } = parseArgs({
  options: {
    store: { type: "string", default: "disk" },
    rounds: { type: "string", default: "3" },
    objects: { type: "string", default: "10000" },
    upstream: { type: "string" },
    prof: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const objects = Number(values.objects);
const directory = mkdtempSync(join(tmpdir(), "k8ts-bench-"));

const MAPS = "/api/v1/namespaces/bench/configmaps";
const PODS = "/api/v1/namespaces/bench/pods";
const FORMATS = [
  ["JSON", "application/json"],
  ["protobuf", "application/vnd.kubernetes.protobuf"],
] as const;

/** Samples in the order in which their names came up. */
const samples = new Map<string, { unit: string; values: number[] }>();

function record(name: string, unit: string, value: number): void {
  const known = samples.get(name);
  if (known) known.values.push(value);
  else samples.set(name, { unit, values: [value] });
}

type Starter = (name: string) => Promise<Subject>;

const starters: Starter[] = [(name) => startOwn(join(directory, name), values.store, values.prof)];
const { upstream } = values;
if (upstream !== undefined) starters.push((name) => startUpstream(join(directory, `${name}-upstream`), upstream));

async function measureStarts(): Promise<void> {
  for (let r = 0; r < rounds; r++) {
    for (const start of starters) {
      const subject = await start(`start-${r}`);
      record(`${subject.name}: process start to ready, cold directory`, "ms", subject.ready);
      await subject.stop();
    }
  }
}

/** A server with connections to it. */
interface Side {
  readonly subject: Subject;
  readonly load: Load;
}

async function measure(sides: readonly Side[]): Promise<void> {
  for (const { load } of sides) await prepare(load);
  for (const flight of [1, 64, 256]) {
    const count = flight === 1 ? 500 : 4000;
    await timed(sides, `create ConfigMap, ${flight} in flight`, count, (load, r) => {
      return rate(count, flight, (i) => load.send("POST", MAPS, configMap(`${flight}-${r}-${i}`)));
    });
  }
  const share = Math.floor(objects / rounds);
  await timed(sides, "create small Pod, 64 in flight", 1000, (load, r) => {
    return rate(1000, 64, (i) => load.send("POST", `${PODS.replace("bench", "small")}`, smallPod(r * 1000 + i)));
  });
  await timed(sides, "create Pod, 64 in flight", share, (load, r) => {
    return rate(share, 64, (i) => load.send("POST", PODS, pod(r * share + i)));
  });
  for (const flight of [1, 64]) {
    const count = flight === 1 ? 1000 : 10_000;
    await timed(sides, `get Pod, ${flight} in flight`, count, (load) => {
      return rate(count, flight, (i) => load.send("GET", `${PODS}/pod-${i % (share * rounds)}`));
    });
  }
  await measureLists(sides, share * rounds);
  for (const watchers of [1, 100, 500]) await fanOut(sides, watchers);
  for (const { subject } of sides) {
    const { rss } = await subject.usage();
    record(`${subject.name}: resident memory at the end`, "MiB", rss / 2 ** 20);
  }
}

/** The first few thousand requests warm both ends up. */
async function prepare(load: Load): Promise<void> {
  const account = JSON.stringify({ metadata: { name: "default" } });
  for (const name of ["bench", "small"]) {
    await load.send("POST", "/api/v1/namespaces", JSON.stringify({ metadata: { name } }));
    await load.send("POST", `/api/v1/namespaces/${name}/serviceaccounts`, account);
  }
  await rate(2000, 64, (i) => load.send("POST", MAPS, configMap(`warm-${i}`)));
}

async function measureLists(sides: readonly Side[], count: number): Promise<void> {
  for (const [format, accept] of FORMATS) {
    for (let r = 0; r < rounds + 1; r++) {
      for (const { subject, load } of sides) {
        const before = performance.now();
        const size = await load.send("GET", PODS, undefined, accept);
        const label = `${subject.name}: list ${count} pods, ${format}`;
        if (r === 0) record(`${label}, size`, "MB", size / 1e6);
        else record(label, "ms", performance.now() - before);
      }
    }
  }
}

async function fanOut(sides: readonly Side[], watchers: number): Promise<void> {
  const events = watchers > 100 ? 200 : 1000;
  for (const { subject, load } of sides) {
    const audience = await watch(subject, load, watchers);
    for (let r = 0; r < rounds; r++) {
      const target = audience.seen() + events * watchers;
      const before = performance.now();
      const used = await subject.usage();
      await rate(events, 32, (i) => load.send("POST", MAPS, configMap(`fan-${watchers}-${r}-${i}`)));
      while (audience.seen() < target) await new Promise((resolve) => setTimeout(resolve, 2));
      const { cpu } = await subject.usage();
      const label = `${subject.name}: watch, ${watchers} watchers`;
      record(`${label}, events delivered`, "/s", (events * watchers) / ((performance.now() - before) / 1000));
      record(`${label}, server CPU an event`, "µs", (cpu - used.cpu) / (events * watchers));
    }
    audience.close();
  }
}

interface Audience {
  /** How many events all watchers have seen together. */
  seen(): number;
  close(): void;
}

async function watch(subject: Subject, load: Load, watchers: number): Promise<Audience> {
  const sessions = Array.from({ length: Math.ceil(watchers / 100) }, () => open(subject.kubeconfig));
  let seen = 0;
  const revision = await load.revision(MAPS);
  const streams = Array.from({ length: watchers }, (_, i) => {
    const stream = sessions[i % sessions.length]?.request({
      ":path": `${MAPS}?watch=true&resourceVersion=${revision}`,
    });
    stream?.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seen++;
    });
    return stream;
  });
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream?.once("response", resolve))));
  return {
    seen: () => seen,
    close() {
      for (const stream of streams) stream?.close();
      for (const session of sessions) session.close();
    },
  };
}

/** Rates, and what each operation cost the server; the sides take turns. */
async function timed(
  sides: readonly Side[],
  name: string,
  count: number,
  run: (load: Load, round: number) => Promise<number>,
): Promise<void> {
  for (let r = 0; r < rounds; r++) {
    for (const { subject, load } of sides) {
      const before = await subject.usage();
      record(`${subject.name}: ${name}`, "/s", await run(load, r));
      const after = await subject.usage();
      record(`${subject.name}: ${name}, server CPU`, "µs", (after.cpu - before.cpu) / count);
    }
  }
}

printMachine();
console.log(`store: ${values.store}`);
const sides: Side[] = [];
try {
  await measureStarts();
  for (const start of starters) {
    const subject = await start("main");
    sides.push({ subject, load: new Load([1, 2, 3, 4].map(() => open(subject.kubeconfig))) });
  }
  await measure(sides);
} finally {
  for (const { subject, load } of sides) {
    load.close();
    await subject.stop();
  }
  rmSync(directory, { recursive: true, force: true });
}
printSamples([...samples].map(([name, sample]): Sample => ({ name, ...sample })));
