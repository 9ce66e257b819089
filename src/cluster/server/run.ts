import { flushCompileCache } from "node:module";
import { createEnv, createLogger, type Env, errorText, type Logger } from "../../kit/index.ts";
import { CliError, EXIT, noCluster } from "../cli/errors.ts";
import { printError } from "../cli/output.ts";
import type { ServerMessage } from "../lifecycle/daemon.ts";
import { boundedLog } from "../lifecycle/log-file.ts";
import { clusterPaths } from "../lifecycle/paths.ts";
import { recordProcess, runningProcess } from "../lifecycle/process.ts";
import { readSpec } from "../lifecycle/spec.ts";
import { composeCluster } from "./compose.ts";

/** How long what keeps the process alive may take to end once everything has stopped, ms. */
const LAST_GRACE_MS = 500;
/** When compiled code is saved after the start, ms: a server that runs for months shall not keep it to itself. */
const SAVE_CODE_MS = 3000;

/**
 * The server process: runs the whole cluster until SIGTERM or SIGINT, and tells the command that started it how far it is.
 * Containers go on when it ends; `k8ts stop` ends them. A second signal ends it at once. Returns the exit code.
 */
export async function runServer(name: string): Promise<number> {
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) throw noCluster(name);
  // The command that starts us in the background has made sure that we are alone, and has noted us.
  if (!process.send) claim(paths.pid, name);
  const log = createLogger({
    write: boundedLog(paths.log),
    level: process.env["K8TS_LOG"] === "debug" ? "debug" : "info",
  });
  const env = createEnv({ log });
  const stop = stopOnSignals(log);
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
      ready: () => {
        recordProcess(paths.ready, process.pid);
        tell({ type: "ready" });
        // Node 22.0 to 22.9 cannot.
        env.clock.setTimer(SAVE_CODE_MS, () => flushCompileCache?.());
      },
    }).run(stop);
    return EXIT.ok;
  } catch (error) {
    if (stop.aborted) log.error("could not stop in order", { error });
    else report(error, log);
    return EXIT.failed;
  } finally {
    endSoon(env);
  }
}

function claim(pidFile: string, name: string): void {
  const other = runningProcess(pidFile);
  if (other !== undefined) {
    throw new CliError(`cluster ${name} runs already (process ${other})`, { hint: `stop it with: k8ts stop ${name}` });
  }
  recordProcess(pidFile, process.pid);
}

function stopOnSignals(log: Logger): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(EXIT.failed);
      log.info("Stopping", { signal });
      stop.abort();
    });
  }
  return stop.signal;
}

function report(error: unknown, log: Logger): void {
  const known = cliErrorIn(error);
  const message = known?.message ?? errorText(error);
  const detail = !known && error instanceof Error ? error.stack : undefined;
  log.error("The cluster cannot run", { error: message, ...(detail && { detail }) });
  tell({ type: "failed", message, ...(known?.hint && { hint: known.hint }) });
  if (!process.send) printError(message, known?.hint);
}

/** What somebody down the chain of causes had to say to the user. */
function cliErrorIn(error: unknown): CliError | undefined {
  if (error instanceof CliError) return error;
  return error instanceof Error ? cliErrorIn(error.cause) : undefined;
}

/**
 * Lets the process end although the command that started it still listens, or something that we do not know of is open; what
 * that was is in the log.
 */
function endSoon(env: Env): void {
  if (process.connected) process.disconnect?.();
  env.clock.setTimer(LAST_GRACE_MS, () => {
    env.log.warn("Something is still open: ending all the same", { open: process.getActiveResourcesInfo() });
    process.exit();
  });
}

function tell(message: ServerMessage): void {
  if (process.connected) process.send?.(message);
}
