/**
 * How long a cluster takes to start on an empty data directory, and what it weighs when idle.
 * Usage: `tools/run.sh bench/startup.ts [--samples 5] [--k8ts ./k8ts] [--idle 30]`; `--k8ts` may be the command of an installed package.
 *
 * `server`: start of the server process until /readyz answers 200 over TLS. `up`: the same from the start of `k8ts up --simulated`,
 * and until that command ends. The first start of all, which compiles and is not counted, warms the compile cache.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { printMachine, printSamples, type Sample } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    samples: { type: "string", default: "5" },
    k8ts: { type: "string", default: join(import.meta.dirname, "../k8ts") },
    idle: { type: "string", default: "30" },
  },
});
const command = resolve(flags.k8ts);
const home = mkdtempSync(join(tmpdir(), "k8ts-bench-"));
const env = { ...process.env, K8TS_HOME: home, KUBECONFIG: join(home, "kubeconfig") };
const NAME = "bench";
const POLL_MS = 3;

interface Spec {
  readonly apiPort: number;
}

function run(...args: string[]): ChildProcess {
  return spawn(command, args, { env, stdio: ["ignore", "ignore", "inherit"] });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    child.once("exit", (code) => (code === 0 ? done() : fail(new Error(`${child.spawnargs.join(" ")}: exit ${code}`))));
  });
}

function ready(port: number): Promise<boolean> {
  return new Promise((done) => {
    const request = get({ port, host: "127.0.0.1", path: "/readyz", rejectUnauthorized: false, agent: false }, (r) => {
      r.resume();
      done(r.statusCode === 200);
    });
    request.on("error", () => done(false));
  });
}

/** Milliseconds from `started` until the API server says that it is ready. */
async function untilReady(port: number, started: number): Promise<number> {
  while (!(await ready(port))) await new Promise((turn) => setTimeout(turn, POLL_MS));
  return performance.now() - started;
}

/** Resident memory of a process, MiB. */
function residentMemory(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

function serverPid(): number {
  return (JSON.parse(readFileSync(join(home, NAME, "k8ts.pid"), "utf8")) as { pid: number }).pid;
}

/** A port that a first `up` found free. */
async function warmUp(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await ended(run("up", "--simulated", "--name", NAME, "-o", "json"));
    // The server saves its compiled code a few seconds after the start.
    await new Promise((turn) => setTimeout(turn, 4000));
    await ended(run("stop", "--name", NAME));
  }
  return (JSON.parse(readFileSync(join(home, NAME, "cluster.json"), "utf8")) as Spec).apiPort;
}

async function server(port: number): Promise<number> {
  for (const part of ["store", "pki"]) rmSync(join(home, NAME, part), { recursive: true });
  const started = performance.now();
  const child = spawn(command, ["server", "--name", NAME], { env, stdio: "ignore" });
  const took = await untilReady(port, started);
  const end = ended(child);
  process.kill(serverPid(), "SIGTERM");
  await end;
  return took;
}

async function up(port: number, idleSeconds: number): Promise<{ ready: number; whole: number; memory: number }> {
  await ended(run("delete", "--purge", "--name", NAME));
  const started = performance.now();
  const child = run("up", "--simulated", "--name", NAME, "--api-port", String(port), "-o", "json");
  const end = ended(child).then(() => performance.now() - started);
  const took = await untilReady(port, started);
  const whole = await end;
  await new Promise((turn) => setTimeout(turn, idleSeconds * 1000));
  const memory = idleSeconds > 0 ? residentMemory(serverPid()) : 0;
  return { ready: took, whole, memory };
}

printMachine();
try {
  const port = await warmUp();
  const samples = Number(flags.samples);
  const servers: number[] = [];
  while (servers.length < samples) servers.push(await server(port));
  const ups = [];
  while (ups.length < samples) ups.push(await up(port, Number(flags.idle)));
  const rows: Sample[] = [
    { name: "server process → /readyz", unit: "ms", values: servers },
    { name: "k8ts up → /readyz", unit: "ms", values: ups.map((u) => u.ready) },
    { name: "k8ts up, whole command", unit: "ms", values: ups.map((u) => u.whole) },
  ];
  if (Number(flags.idle) > 0) {
    const name = `server's memory after ${flags.idle} s idle`;
    rows.push({ name, unit: "MiB", values: ups.map((u) => u.memory) });
  }
  printSamples(rows);
} finally {
  await ended(run("delete", "--purge", "--name", NAME));
  rmSync(home, { recursive: true, force: true });
}
