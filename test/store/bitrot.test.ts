import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterAll, expect, it } from "vitest";
import { createMetrics, RealClock, SeededRandom, silent } from "../../src/kit/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/index.ts";
import { contentOf } from "./bitrot/content.ts";

const FLIPS = Number(process.env["K8TS_FLIPS"] ?? 400);
const env = { clock: new RealClock(), log: silent, metrics: createMetrics() };
const root = mkdtempSync(join(tmpdir(), "k8ts-bitrot-"));
const original = join(root, "original");

afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Reader {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: Interface;
  /** Resolves when the process is gone. */
  readonly crash: Promise<"crash">;
}

/** A process that reads stores: lmdb itself may crash on pages that are broken, which is no wrong answer, but no good one. */
function startReader(): Reader {
  const child = spawn(process.execPath, [join(import.meta.dirname, "bitrot", "reader.ts")]);
  child.stderr.resume();
  child.stdin.on("error", () => undefined);
  return {
    child,
    lines: createInterface({ input: child.stdout }),
    crash: once(child, "exit").then(() => "crash" as const),
  };
}

/** What the reader finds in `path`; `crash` when it dies over it. */
async function answerOf({ child, lines, crash }: Reader, path: string): Promise<string> {
  const answer = once(lines, "line").then(([line]) => line as string);
  child.stdin.write(`${path}\n`);
  return Promise.race([answer, crash]);
}

it(
  `one flipped bit anywhere never gives a wrong answer (${FLIPS} flips)`,
  { timeout: 60_000 + FLIPS * 100 },
  async () => {
    const store = await openEmbeddedStore({ path: original, env });
    for (let i = 0; i < 150; i++) {
      await store.commit([
        { kind: "put", key: `/k/${i % 100}`, value: Buffer.from(`v${i} `.repeat(1 + ((i * 37) % 900))) },
      ]);
    }
    await store.compact(60);
    const truth = await contentOf(store);
    await store.close();
    const bytes = readFileSync(join(original, "data.mdb"));
    const random = new SeededRandom(2);
    let reader = startReader();
    const found = { same: 0, noticed: 0, crashed: 0 };
    try {
      for (let i = 0; i < FLIPS; i++) {
        const path = join(root, "flipped");
        rmSync(path, { recursive: true, force: true });
        cpSync(original, path, { recursive: true });
        const flipped = Buffer.from(bytes);
        const at = random.int(flipped.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << random.int(8));
        writeFileSync(join(path, "data.mdb"), flipped);
        const answer = await answerOf(reader, path);
        if (answer === "crash") {
          found.crashed++;
          reader = startReader();
        } else if (answer === "CorruptStore") found.noticed++;
        else {
          expect(`flip at ${at}: ${answer}`).toBe(`flip at ${at}: ${truth}`);
          found.same++;
        }
      }
    } finally {
      reader.child.kill();
    }
    expect(found.noticed).toBeGreaterThan(FLIPS / 5);
    expect(found.crashed).toBeLessThan(FLIPS / 50);
  },
);
