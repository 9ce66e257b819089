import type { Duplex } from "node:stream";
import { badRequest } from "../../../machinery/index.ts";
import { attributesOf } from "../../chain/authorize.ts";
import type { Answer, Connection } from "../../request/answer.ts";
import type { Query } from "../../request/query.ts";
import type { EndpointCall } from "../call.ts";
import { hostOf } from "./backend.ts";
import { containerIn, kubeletOf, podOf, type Target } from "./target.ts";

/** exec, attach and portforward: the client's connection is joined to the kubelet's, whatever protocol they speak over it. */
export async function streamEndpoint(call: EndpointCall): Promise<Answer> {
  const { context, core, subresource } = call;
  const { request } = context;
  if (request.upgrade !== true) throw badRequest("Upgrade request required");
  if (request.headers["upgrade"]?.toLowerCase() === "websocket" && request.method === "GET") {
    // A GET must not do what only a POST was allowed to (KEP-2862).
    await core.gate.require({ ...attributesOf(context.info, context.user), verb: "create" }, context);
  }
  const pod = await podOf(call);
  const { name, namespace } = pod.metadata;
  const container = subresource === "portforward" ? "" : `/${containerIn(pod, request.query.get("container"))}`;
  if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const options = { kind: OPTION_KINDS[subresource] ?? "", apiVersion: "v1", ...optionsOf(request.query) };
  const { resource } = call.served;
  const subject = { context, resource, subresource, namespace: call.namespace, name, options, dryRun: false };
  await core.admission.mutate(subject, "CONNECT", undefined, undefined);
  await core.admission.validate(subject, "CONNECT", undefined, undefined);
  const target = await kubeletOf(call, pod.spec.nodeName);
  const path = `/${KUBELET_PATHS[subresource]}/${namespace}/${name}${container}?${parameters(subresource, request.query)}`;
  const backend = await core.backends.connect(target, false);
  return { type: "upgrade", take: (client) => joinUpgrade(client, backend, target, request.method, path) };
}

const KUBELET_PATHS: Readonly<Record<string, string>> = { exec: "exec", attach: "attach", portforward: "portForward" };
const OPTION_KINDS: Readonly<Record<string, string>> = {
  exec: "PodExecOptions",
  attach: "PodAttachOptions",
  portforward: "PodPortForwardOptions",
};

function optionsOf(query: Query): Record<string, unknown> {
  const command = query.all("command");
  return {
    stdin: query.flag("stdin"),
    stdout: query.flag("stdout"),
    stderr: query.flag("stderr"),
    tty: query.flag("tty"),
    container: query.get("container"),
    ...(command.length > 0 && { command: [...command] }),
  };
}

/** The kubelet calls the streams by other names. */
const STREAMS: readonly (readonly [ours: string, kubelets: string])[] = [
  ["stdin", "input"],
  ["stdout", "output"],
  ["stderr", "error"],
  ["tty", "tty"],
];

function parameters(subresource: string, query: Query): string {
  const out = new URLSearchParams();
  if (subresource === "portforward") {
    const ports = query.all("ports").flatMap((text) => text.split(","));
    if (ports.length > 0) out.set("port", ports.join(","));
    return out.toString();
  }
  for (const [ours, kubelets] of STREAMS) if (query.flag(ours)) out.set(kubelets, "1");
  for (const word of query.all("command")) out.append("command", word);
  return out.toString();
}

/** What is between us and the client, or would lend our name to it, and not the backend's business. */
const PRIVATE = /^(authorization|host|x-remote-|impersonate-|x-forwarded-for|proxy-)/i;

/**
 * Sends the client's request for an upgrade to the backend, and from then on copies bytes both ways, the backend's answer
 * first. When that is no upgrade, nothing the client sends is passed on, and the connection ends with the answer.
 */
export function joinUpgrade(client: Connection, backend: Duplex, target: Target, method: string, path: string): void {
  const { socket, head, rawHeaders } = client;
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${hostOf(target)}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!PRIVATE.test(name)) lines.push(`${name}: ${rawHeaders[i + 1] ?? ""}`);
  }
  const end = (): void => {
    socket.destroy();
    backend.destroy();
  };
  socket.on("error", end).on("close", end);
  backend.on("error", end).on("close", () => socket.end());
  backend.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  let first = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    first = Buffer.concat([first, chunk]);
    const text = first.toString("latin1");
    if (!text.includes("\r\n")) return;
    backend.off("data", onData);
    const switched = /^HTTP\/1\.[01] 101 /.test(text);
    socket.write(first);
    if (switched) {
      if (head.length > 0) backend.write(head);
      socket.pipe(backend);
      backend.pipe(socket);
    } else backend.pipe(socket);
  };
  backend.on("data", onData);
}
