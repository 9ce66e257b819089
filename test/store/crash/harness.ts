import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "../../../src/kit/index.ts";
import { NOTHING, verify, type Known } from "./verify.ts";

export interface CrashOptions {
  readonly cycles: number;
  /** How long a writer lives, in milliseconds; drawn evenly. */
  readonly life: readonly [number, number];
  readonly seed: number;
  /** The fault to plant, see `plants.ts`. */
  readonly plant?: string;
  /** Told after each cycle. */
  readonly progress?: (report: CrashReport) => void;
}

export interface CrashReport {
  cycles: number;
  acks: number;
  /** How long opening took after each crash, in milliseconds. */
  readonly opens: number[];
}

/** A store that did not keep its word, and how to see it again. */
export class CrashViolation extends Error {}

/**
 * Lets a process write with 16 writers, kills it, opens what it left and holds it against the log of acknowledgements;
 * again and again on the same directory. Throws {@link CrashViolation} at the first thing that is wrong.
 */
export async function crash(options: CrashOptions): Promise<CrashReport> {
  const root = mkdtempSync(join(tmpdir(), "k8ts-crash-"));
  const random = new SeededRandom(options.seed);
  const report: CrashReport = { cycles: 0, acks: 0, opens: [] };
  let known: Known = NOTHING;
  let waiting = start(root, 0, options);
  try {
    for (let cycle = 0; cycle < options.cycles; cycle++) {
      const writer = waiting;
      const [least, most] = options.life;
      await kill(writer, least + random.int(most - least + 1));
      // The next process loads while this one's leavings are looked at.
      waiting = start(root, cycle + 1, options);
      const verdict = await verify(join(root, "store"), logOf(root, cycle), known).catch((cause: unknown) => {
        const seed = `seed ${options.seed}, cycle ${cycle}`;
        throw new CrashViolation(`${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      });
      rmSync(logOf(root, cycle));
      known = verdict.known;
      report.cycles++;
      report.acks += verdict.acks;
      report.opens.push(verdict.openMs);
      options.progress?.(report);
    }
    return report;
  } finally {
    waiting.process.kill("SIGKILL");
    await waiting.exit;
    rmSync(root, { recursive: true, force: true });
  }
}

function logOf(root: string, cycle: number): string {
  return join(root, `log-${cycle}`);
}

interface Writer {
  readonly process: ChildProcessWithoutNullStreams;
  /** Its exit code; null when it was killed. */
  readonly exit: Promise<number | null>;
}

function start(root: string, cycle: number, options: CrashOptions): Writer {
  const log = logOf(root, cycle);
  writeFileSync(log, "", { mode: 0o600 });
  const args = [join(import.meta.dirname, "writer.ts"), join(root, "store"), log, String(options.seed * 1e6 + cycle)];
  if (options.plant !== undefined) args.push(options.plant);
  const child = spawn(process.execPath, args);
  return { process: child, exit: once(child, "exit").then(([code]) => code as number | null) };
}

/** Lets the waiting `writer` go, and kills it after `ms`. A writer that ends by itself is a fault of the store. */
async function kill(writer: Writer, ms: number): Promise<void> {
  const { process: child, exit } = writer;
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  await Promise.race([once(child.stdout, "data"), exit]);
  child.stdin.on("error", () => undefined).write("go\n");
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const code = await exit;
  clearTimeout(timer);
  if (code !== null) throw new CrashViolation(`the writer ended by itself with ${code}: ${words.trim()}`);
}
