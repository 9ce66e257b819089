import type { corev1 } from "../../api/index.ts";
import { parseTime } from "../../machinery/index.ts";
import { type LogOptions, readLog } from "../logs/read-log.ts";
import { type Handler, HttpError, isSet } from "./http.ts";
import { type ServerSource, currentPod } from "./source.ts";

type Status = corev1.ContainerStatus;

/** `/containerLogs/NAMESPACE/POD/CONTAINER`: the parameters are PodLogOptions' fields. */
export function logHandler(source: ServerSource): Handler {
  return async ({ parameters, query, signal }, response) => {
    const { namespace = "", pod: name = "", container = "" } = parameters;
    const worker = source.manager.find(namespace, name);
    if (!worker) throw new HttpError(404, `pod "${name}" does not exist`);
    const pod = currentPod(worker.pod, source);
    const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])];
    if (!names.some((c) => c.name === container)) {
      throw new HttpError(404, `container "${container}" not found in pod "${name}"`);
    }
    const options = logOptions(query, source.env.clock.now());
    const id = containerIdOf(name, pod.status, container, isSet(query, "previous"));
    const path = await logPath(source, id);
    const running = async (): Promise<boolean> => {
      const seen = await source.services.observer.container(id, "").catch(() => undefined);
      return seen?.state === "running" || seen?.state === "created";
    };
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
    response.flushHeaders();
    for await (const chunk of readLog({ path, clock: source.env.clock, running, signal }, options)) {
      if (signal.aborted) return;
      if (!response.write(chunk)) await drained(response, signal);
    }
    response.end();
  };
}

function drained(response: Parameters<Handler>[1], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once("drain", resolve);
    response.once("close", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function logPath({ services }: ServerSource, id: string): Promise<string> {
  const { status } = await services.runtime.containerStatus({ containerId: id }).catch(() => ({ status: undefined }));
  if (status?.logPath) return status.logPath;
  throw new HttpError(404, `unable to retrieve container logs for containerd://${id}`);
}

/** Throws 400 for numbers that are none. */
function logOptions(query: URLSearchParams, now: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === "") return undefined;
    if (!/^-?\d+$/.test(text)) throw new HttpError(400, `${name}: invalid value "${text}": must be an integer`);
    return Number(text);
  };
  const sinceSeconds = number("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  const since = sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime ? parseTime(sinceTime) : undefined;
  const tailLines = number("tailLines") ?? number("tail");
  const limitBytes = number("limitBytes");
  const stream = query.get("stream")?.toLowerCase();
  return {
    follow: isSet(query, "follow"),
    timestamps: isSet(query, "timestamps"),
    ...(tailLines !== undefined && tailLines >= 0 && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(since !== undefined && { since }),
    ...((stream === "stdout" || stream === "stderr") && { stream }),
  };
}

/** Which container's log is meant, by what the pod's status says. Throws 400 with upstream's words when there is none. */
export function containerIdOf(podName: string, status: corev1.PodStatus, container: string, previous: boolean): string {
  const all = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const found = all.find((s) => s.name === container);
  const fail = (words: string): HttpError =>
    new HttpError(400, `container "${container}" in pod "${podName}" ${words}`);
  if (!found) throw fail("is not available");
  const id = previous ? found.lastState.terminated?.containerID : currentId(found);
  if (id) return id.slice(id.indexOf("//") + 2);
  if (previous) throw new HttpError(400, `previous terminated container "${container}" in pod "${podName}" not found`);
  const { waiting, terminated } = found.state;
  if (terminated || found.lastState.terminated) throw fail("is terminated");
  if (!waiting) throw fail("is waiting to start - no logs yet");
  if (waiting.reason === "ErrImagePull") throw fail("is waiting to start: image can't be pulled");
  if (waiting.reason === "ImagePullBackOff") throw fail("is waiting to start: trying and failing to pull image");
  throw fail(`is waiting to start: ${waiting.reason ?? ""}`);
}

function currentId(status: Status): string | undefined {
  if (status.state.running) return status.containerID;
  return status.state.terminated?.containerID || status.lastState.terminated?.containerID;
}
