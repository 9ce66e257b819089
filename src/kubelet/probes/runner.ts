import { connect } from "node:net";
import type { corev1 } from "../../api/index.ts";
import { type Env, CodedError, childController, errorText, isCoded } from "../../kit/index.ts";
import { GrpcClient, type Runtime, Wire } from "../../host/cri/index.ts";
import type { Container } from "../pod/containers.ts";
import { httpGet } from "./http-check.ts";
import { portNumber, probeHeaders } from "./target.ts";

export type Outcome = "success" | "failure" | "unknown";

export interface ProbeOutcome {
  readonly result: Outcome;
  /** For the event. */
  readonly output: string;
}

export interface ProbeTask {
  readonly probe: corev1.Probe;
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
  readonly environment?: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/** Carries out one probe. Never rejects. */
export interface ProbeRunner {
  run(task: ProbeTask): Promise<ProbeOutcome>;
}

const USER_AGENT = "kube-probe/1.35";
const MAX_OUTPUT = 10 * 1024;

/** Probes for real: commands through the runtime, the rest over the network. */
export class SystemProbeRunner implements ProbeRunner {
  readonly #runtime: Runtime;
  readonly #env: Env;

  constructor(runtime: Runtime, env: Env) {
    this.#runtime = runtime;
    this.#env = env;
  }

  async run(task: ProbeTask): Promise<ProbeOutcome> {
    const { probe } = task;
    const limit = (probe.timeoutSeconds ?? 1) * 1000;
    const stop = childController(task.signal);
    const timer = this.#env.clock.setTimer(limit, () =>
      stop.abort(new CodedError("ProbeTimeout", "context deadline exceeded")),
    );
    try {
      if (probe.exec) return await this.#exec(task, probe.exec.command ?? []);
      if (probe.httpGet) return await this.#http(task, probe.httpGet, stop.signal);
      if (probe.tcpSocket) return await tcp(task, probe.tcpSocket, stop.signal);
      if (probe.grpc) return await grpc(task, probe.grpc, limit, stop.signal);
      return { result: "failure", output: "missing probe handler" };
    } catch (error) {
      return { result: "unknown", output: errorText(error) };
    } finally {
      timer.cancel();
      stop.unlink();
    }
  }

  async #exec({ probe, containerId, signal }: ProbeTask, command: readonly string[]): Promise<ProbeOutcome> {
    try {
      const timeout = probe.timeoutSeconds ?? 1;
      const done = await this.#runtime.execSync({ containerId, cmd: command, timeout }, { signal });
      const output = Buffer.concat([done.stdout, done.stderr]).toString("utf8").slice(0, MAX_OUTPUT);
      return { result: done.exitCode === 0 ? "success" : "failure", output };
    } catch (error) {
      if (!isCoded(error, "DeadlineExceeded")) throw error;
      return {
        result: "failure",
        output: `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${probe.timeoutSeconds ?? 1}s`,
      };
    }
  }

  async #http(
    { container, podIP }: ProbeTask,
    action: corev1.HTTPGetAction,
    signal: AbortSignal,
  ): Promise<ProbeOutcome> {
    const host = action.host || podIP;
    const port = portNumber(action.port, container);
    const scheme = action.scheme === "HTTPS" ? "https" : "http";
    const path = action.path?.startsWith("/") ? action.path : `/${action.path ?? ""}`;
    const shown = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
    try {
      const headers = probeHeaders(action.httpHeaders, USER_AGENT);
      let answer = await httpGet({ scheme, host, port, path, headers, signal });
      for (let hops = 0; isRedirect(answer.status) && answer.location !== undefined; hops++) {
        const next = new URL(answer.location, shown);
        const away = next.hostname !== new URL(shown).hostname;
        if (away) return { result: "success", output: `Probe terminated redirects, Response body: ${answer.body}` };
        if (hops === 10) return { result: "failure", output: `Get "${shown}": stopped after 10 redirects` };
        const nextPort = next.port === "" ? (next.protocol === "https:" ? 443 : 80) : Number(next.port);
        const nextScheme = next.protocol === "https:" ? "https" : "http";
        const target = { scheme: nextScheme, host, port: nextPort, path: next.pathname + next.search } as const;
        answer = await httpGet({ ...target, headers, signal });
      }
      if (answer.status >= 200 && answer.status < 400) return { result: "success", output: answer.body };
      return { result: "failure", output: `HTTP probe failed with statuscode: ${answer.status}` };
    } catch (error) {
      return { result: "failure", output: `Get "${shown}": ${networkText(error, host, port)}` };
    }
  }
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** As Go words it. */
function networkText(error: unknown, host: string, port: number): string {
  const { code } = error as NodeJS.ErrnoException;
  if (isCoded(error, "ProbeTimeout"))
    return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  if (code === "ECONNREFUSED")
    return `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}: connect: connection refused`;
  return errorText(error);
}

function tcp(
  { container, podIP }: ProbeTask,
  action: corev1.TCPSocketAction,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const host = action.host || podIP;
  const port = portNumber(action.port, container);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: ProbeOutcome): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const onAbort = (): void => end({ result: "failure", output: `dial tcp ${host}:${port}: i/o timeout` });
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => end({ result: "success", output: "" }));
    socket.once("error", (error) => end({ result: "failure", output: networkText(error, host, port) }));
  });
}

const healthWire = new Wire({
  messages: { Request: "service 1 string", Response: "status 1 Serving" },
  enums: { Serving: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] },
});

async function grpc(
  task: ProbeTask,
  action: corev1.GRPCAction,
  limit: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const address = { host: task.podIP, port: action.port };
  const client = new GrpcClient(address);
  try {
    const message = healthWire.encode("Request", { service: action.service ?? "" });
    const call = {
      path: "/grpc.health.v1.Health/Check",
      message,
      timeoutMs: limit,
      signal,
      metadata: { "user-agent": USER_AGENT },
    };
    const { status } = healthWire.decode<{ status: string }>("Response", await client.unary(call));
    if (status === "SERVING") return { result: "success", output: "service healthy" };
    return { result: "failure", output: `service unhealthy (responded with "${status}")` };
  } catch (error) {
    if (isCoded(error, "ProbeTimeout") || isCoded(error, "DeadlineExceeded")) {
      const seconds = limit / 1000;
      return {
        result: "failure",
        output: `timeout: failed to connect service "${address.host}:${address.port}" within ${seconds}s: context deadline exceeded`,
      };
    }
    return { result: "failure", output: `error: health rpc probe failed: ${errorText(error)}` };
  } finally {
    client.close();
  }
}
