import { spawn } from "node:child_process";
import { join } from "node:path";

/**
 * `npm test`: every suite that this machine allows. Arguments are handed to vitest. The closing line says
 * how many tests passed, failed and were skipped.
 */
const root = join(import.meta.dirname, "..");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const args = [
  "run",
  "--reporter=default",
  `--reporter=${join(root, "tools/closing-line-reporter.ts")}`,
  ...process.argv.slice(2),
];
const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: "inherit" });
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
