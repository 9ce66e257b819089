import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

/** The whole gate: types, lint, format, import rules, and a clean tree afterwards. Tests are `npm test`. */
const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);
const STEPS: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
  ["types", bin("tsc"), ["--noEmit"]],
  ["lint", bin("oxlint"), ["--type-aware", "--deny-warnings"]],
  ["format", bin("oxfmt"), ["--check"]],
  ["rooms", process.execPath, ["tools/rooms.ts"]],
  ["generated", process.execPath, ["tools/generate/main.ts", "--check"]],
];

const before = treeState();
const results = await Promise.all(STEPS.map(([name, command, args]) => step(name, command, args)));
if (treeState() !== before) {
  console.error("not ok: the checks changed the work tree");
  results.push(false);
}
process.exitCode = results.every(Boolean) ? 0 : 1;

function treeState(): string {
  return spawnSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }).stdout;
}

function step(name: string, command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", (error) => {
      console.error(`not ok ${name}: ${error.message}`);
      resolve(false);
    });
    child.on("close", (code) => {
      if (code === 0) console.log(`ok ${name}`);
      else console.error(`not ok ${name}\n${output}`);
      resolve(code === 0);
    });
  });
}
