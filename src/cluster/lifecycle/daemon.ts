import { fork } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterPaths } from "./paths.ts";
import { recordProcess } from "./process.ts";

/** What the server tells the command that started it, over the IPC channel. */
export type ServerMessage =
  | { readonly type: "progress"; readonly message: string }
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string; readonly hint?: string };

/**
 * Starts the server in the background and resolves when it says that the cluster is ready. The server goes on when this
 * process ends. Rejects with what the server said, or with the end of its log, when it could not get that far.
 */
export function startServer(paths: ClusterPaths, waitMs: number, progress: (message: string) => void): Promise<void> {
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  // The very program that runs now, from the sources or bundled.
  const [, main = ""] = process.argv;
  const log = openSync(paths.log, "a", 0o600);
  const from = statSync(paths.log).size;
  const child = fork(main, ["server", "--name", paths.name], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    cwd: "/",
  });
  closeSync(log);
  if (child.pid !== undefined) recordProcess(paths.pid, child.pid);
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      timer.cancel();
      child.removeAllListeners();
      if (child.connected) child.disconnect();
      child.unref();
      outcome();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const timer = new RealClock().setTimer(waitMs, () => {
      const message = `the cluster was not ready after ${waitMs / 1000} s; it goes on starting in the background`;
      fail(new CliError(message, { hint: `see what it is doing with: k8ts logs --name ${paths.name}` }));
    });
    child.on("message", (message: ServerMessage) => {
      if (message.type === "progress") progress(message.message);
      else if (message.type === "ready") settle(resolve);
      else fail(new CliError(message.message, message.hint ? { hint: message.hint } : {}));
    });
    child.on("error", (cause) => fail(new CliError(`cannot start the server: ${cause.message}`, { cause })));
    child.on("exit", (code, signal) => {
      const message = `the server ended before the cluster was ready (${signal ?? `exit code ${code}`})`;
      fail(new CliError(message, { hint: `the end of ${paths.log}:\n${tail(paths.log, from)}` }));
    });
  });
}

/** The last lines written to `file` since it had `from` bytes. */
function tail(file: string, from: number): string {
  const lines = readFileSync(file).subarray(from).toString("utf8").trimEnd().split("\n");
  return lines
    .slice(-10)
    .map((line) => `        ${line}`)
    .join("\n");
}
