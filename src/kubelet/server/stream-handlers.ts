import { specContainers } from "../pod/containers.ts";
import { latest } from "../observe/model.ts";
import { type CommandStreams, connectStream } from "../streaming/index.ts";
import type { PodWorker } from "../worker/pod-worker.ts";
import { type Handler, HttpError, type RouteRequest, type UpgradeHandler, isSet, sendText } from "./http.ts";
import type { ServerSource } from "./source.ts";

/** `/exec/...`: runs a command with its streams joined to the client's. */
export function execHandler(source: ServerSource): UpgradeHandler {
  return async ({ request, parameters, query }, socket, head) => {
    const containerId = runningContainer(source, parameters);
    const streams = streamsOf(query);
    const cmd = query.getAll("command");
    if (cmd.length === 0) throw new HttpError(400, "you must specify at least 1 command");
    const { url } = await source.runtime.exec({ containerId, cmd, ...streams });
    await connectStream({ request, socket, head }, { kind: "command", url, streams });
  };
}

/** `/attach/...`: joins the client to what the container's first process reads and writes. */
export function attachHandler(source: ServerSource): UpgradeHandler {
  return async ({ request, parameters, query }, socket, head) => {
    const containerId = runningContainer(source, parameters);
    const worker = findPod(source, parameters);
    const spec = specContainers(worker.pod).find((c) => c.container.name === parameters["container"]);
    const streams = { ...streamsOf(query), tty: spec?.container.tty ?? false };
    const { url } = await source.runtime.attach({ containerId, ...streams });
    await connectStream({ request, socket, head }, { kind: "command", url, streams });
  };
}

/** `/portForward/...`: connections to ports of the pod. */
export function portForwardHandler(source: ServerSource): UpgradeHandler {
  return async ({ request, parameters, query }, socket, head) => {
    const worker = findPod(source, parameters);
    const sandbox = worker.observation.sandboxes.find((s) => s.ready);
    if (!sandbox) throw new HttpError(404, `pod "${parameters["pod"] ?? ""}" has no running sandbox`);
    const port = query.getAll("port").map(Number);
    const { url } = await source.runtime.portForward({ podSandboxId: sandbox.id, port });
    await connectStream({ request, socket, head }, { kind: "portForward", url });
  };
}

/** `/run/...`: runs a command and answers with all it wrote. */
export function runHandler(source: ServerSource): Handler {
  return async ({ parameters, query, signal }, response) => {
    const containerId = runningContainer(source, parameters);
    const cmd = query
      .getAll("cmd")
      .flatMap((c) => c.split(" "))
      .filter((c) => c !== "");
    const done = await source.runtime.execSync({ containerId, cmd }, { signal });
    const output = Buffer.concat([done.stdout, done.stderr]).toString("utf8");
    if (done.exitCode !== 0)
      throw new HttpError(500, `command '${cmd.join(" ")}' exited with ${done.exitCode}: ${output}`);
    sendText(response, 200, output);
  };
}

/** Without an upgrade these paths have no answer. */
export const upgradeRequired: Handler = async () => {
  throw new HttpError(400, "Upgrade request required");
};

type Parameters_ = RouteRequest["parameters"];

function findPod(source: ServerSource, { namespace = "", pod = "", uid }: Parameters_): PodWorker {
  const worker = source.manager.find(namespace, pod);
  if (!worker || (uid !== undefined && worker.uid !== uid)) throw new HttpError(404, `pod does not exist`);
  return worker;
}

function runningContainer(source: ServerSource, parameters: Parameters_): string {
  const { container = "" } = parameters;
  const status = latest(findPod(source, parameters).observation, container);
  if (status?.state !== "running") throw new HttpError(404, `container not found ("${container}")`);
  return status.id;
}

function streamsOf(query: URLSearchParams): CommandStreams {
  const streams = {
    stdin: isSet(query, "input", "stdin"),
    stdout: isSet(query, "output", "stdout"),
    stderr: isSet(query, "error", "stderr"),
    tty: isSet(query, "tty"),
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw new HttpError(400, "you must specify at least 1 of stdin, stdout, stderr");
  }
  // A terminal has one output.
  return streams.tty ? { ...streams, stderr: false } : streams;
}
