import type { corev1 } from "../../api/index.ts";
import { CodedError, errorText } from "../../kit/index.ts";
import { type Pod, type SpecContainer, podText } from "../pod/containers.ts";
import { httpGet } from "../probes/http-check.ts";
import { portNumber, probeHeaders } from "../probes/target.ts";
import type { Services } from "./services.ts";

const USER_AGENT = "kube-lifecycle/1.35";

export interface HookTarget {
  readonly pod: Pod;
  readonly spec: SpecContainer;
  readonly containerId: string;
  readonly podIP: string;
}

/** Runs a lifecycle hook to its end. Rejects when it failed; the message may quote the command and must not go into an event. */
export async function runHook(
  handler: corev1.LifecycleHandler,
  target: HookTarget,
  { runtime, env }: Pick<Services, "runtime" | "env">,
  signal: AbortSignal,
): Promise<void> {
  const { containerId } = target;
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const fail = (why: string, output: string): CodedError =>
      new CodedError(
        "HookFailed",
        `Exec lifecycle hook ([${command.join(" ")}]) for Container "${target.spec.container.name}" in Pod "${podText(target.pod)}" failed - error: ${why}, message: ${JSON.stringify(output)}`,
      );
    const done = await runtime.execSync({ containerId, cmd: command }, { signal }).catch((cause: unknown) => {
      throw fail(errorText(cause), "");
    });
    const output = Buffer.concat([done.stdout, done.stderr]).toString("utf8");
    if (done.exitCode !== 0)
      throw fail(`command '${command.join(" ")}' exited with ${done.exitCode}: ${output}`, output);
  } else if (handler.httpGet) await httpHook(handler.httpGet, target, signal);
  else if (handler.sleep) await env.clock.sleep(handler.sleep.seconds * 1000, signal);
  else throw new CodedError("HookFailed", "invalid handler");
}

async function httpHook(action: corev1.HTTPGetAction, { spec, podIP }: HookTarget, signal: AbortSignal): Promise<void> {
  const scheme = action.scheme === "HTTPS" ? "https" : "http";
  const path = action.path?.startsWith("/") ? action.path : `/${action.path ?? ""}`;
  const port = portNumber(action.port, spec.container);
  const headers = probeHeaders(action.httpHeaders, USER_AGENT);
  await httpGet({ scheme, host: action.host || podIP, port, path, headers, signal });
}
