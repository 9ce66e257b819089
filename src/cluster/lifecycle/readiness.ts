import { readFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { RealClock } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterPaths } from "./paths.ts";
import { runningProcess } from "./process.ts";
import type { ClusterSpec } from "./spec.ts";

const POLL_MS = 50;
const PATIENCE_MS = 2000;

/** Resolves once the running server has brought everything of the cluster up. Rejects after `waitMs`, or when it ends. */
export async function untilReady(paths: ClusterPaths, waitMs: number): Promise<void> {
  const clock = new RealClock();
  const deadline = clock.monotonic() + waitMs;
  const logs = `see what it says with: k8ts logs --name ${paths.name}`;
  while (!isUp(paths)) {
    if (runningProcess(paths.pid) === undefined) {
      throw new CliError(`the server of cluster ${paths.name} ended before it was ready`, { hint: logs });
    }
    if (clock.monotonic() > deadline) {
      throw new CliError(`cluster ${paths.name} runs, but was not ready after ${waitMs / 1000} s`, { hint: logs });
    }
    await clock.sleep(POLL_MS);
  }
}

/** Whether the server that runs has said that all is ready. */
function isUp(paths: ClusterPaths): boolean {
  const pid = runningProcess(paths.pid);
  return pid !== undefined && runningProcess(paths.ready) === pid;
}

/** Whether all came up and the API server answers that it is well. Its certificate must be of the cluster's own authority. */
export function isReady(paths: ClusterPaths, spec: ClusterSpec): Promise<boolean> {
  if (!isUp(paths)) return Promise.resolve(false);
  const ca = readFileSync(join(paths.pki, "ca.crt"), "utf8");
  const target = { host: "127.0.0.1", port: spec.apiPort, path: "/readyz", ca, timeout: PATIENCE_MS };
  return new Promise((resolve) => {
    const request = get(target, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
