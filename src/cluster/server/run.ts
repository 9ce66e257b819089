import { createEnv, createLogger } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ServerMessage } from "../lifecycle/daemon.ts";
import { clusterPaths } from "../lifecycle/paths.ts";
import { recordProcess } from "../lifecycle/process.ts";
import { readSpec } from "../lifecycle/spec.ts";
import { composeCluster } from "./compose.ts";

/**
 * The server process: runs the whole cluster until SIGTERM or SIGINT, and tells the command that started it how far it is.
 * Containers go on when it ends; `k8ts stop` ends them. A second signal ends it at once.
 */
export async function runServer(name: string): Promise<void> {
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) throw new CliError(`there is no cluster named ${name}`, { hint: `make it with: k8ts up --name ${name}` });
  recordProcess(paths.pid, process.pid);
  const log = createLogger({
    write: (line) => process.stderr.write(line),
    level: process.env["K8TS_LOG"] === "debug" ? "debug" : "info",
  });
  const env = createEnv({ log });
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      log.info("stopping", { signal });
      stop.abort();
    });
  }
  // The command that started us may be gone: its channel is then closed, which is no reason to end.
  process.on("disconnect", () => undefined);
  process.on("unhandledRejection", (reason) => {
    log.error("a promise was rejected and nobody looked", {
      error: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
  });
  try {
    await composeCluster({
      paths,
      spec,
      env,
      progress: (message) => tell({ type: "progress", message }),
      ready: () => tell({ type: "ready" }),
    }).run(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    log.error("the cluster cannot run", { error: error instanceof Error ? (error.stack ?? message) : message });
    tell({ type: "failed", message, ...(error instanceof CliError && error.hint && { hint: error.hint }) });
    process.exitCode = 1;
  }
}

function tell(message: ServerMessage): void {
  if (process.connected) process.send?.(message);
}
