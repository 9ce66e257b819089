import type { IncomingMessage } from "node:http";
import {
  failure,
  type FieldError,
  forbiddenField,
  invalid,
  invalidValue,
  NOT_NEGATIVE,
  notSupported,
} from "../../../machinery/index.ts";
import type { Answer } from "../../request/answer.ts";
import { integer } from "../../request/options.ts";
import type { Query } from "../../request/query.ts";
import type { EndpointCall } from "../call.ts";
import { exchange } from "./backend.ts";
import { containerIn, kubeletOf, podOf } from "./target.ts";

const STREAMS = ["All", "Stderr", "Stdout"];

/** GET of a pod's log: passed on to the kubelet, and back as it comes. */
export async function logEndpoint(call: EndpointCall): Promise<Answer> {
  const { query } = call.context.request;
  const errors = problems(query);
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, call.name, errors);
  const pod = await podOf(call);
  const container = containerIn(pod, query.get("container"));
  if (!pod.spec.nodeName) return { type: "raw", status: 200, contentType: "text/plain", body: "" };
  const target = await kubeletOf(call, pod.spec.nodeName);
  const verify = !query.flag("insecureSkipTLSVerifyBackend");
  const socket = await call.core.backends.connect(target, false, verify);
  const { name, namespace } = pod.metadata;
  const path = `/containerLogs/${namespace}/${name}/${container}?${parameters(query)}`;
  const { signal } = call.context;
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const answer = await exchange(socket, target, { method: "GET", path, headers: {}, signal });
  if ((answer.statusCode ?? 500) >= 300) throw await refused(answer);
  return { type: "raw", status: 200, contentType: "text/plain", body: answer };
}

function problems(query: Query): FieldError[] {
  const errors: FieldError[] = [];
  const [tail, limit, since] = ["tailLines", "limitBytes", "sinceSeconds"].map((name) => integer(query, name));
  const stream = query.get("stream");
  if (tail !== undefined && tail < 0) errors.push(invalidValue("tailLines", tail, NOT_NEGATIVE));
  if (limit !== undefined && limit < 1) errors.push(invalidValue("limitBytes", limit, "must be greater than 0"));
  if (since !== undefined && query.get("sinceTime") !== "") {
    errors.push(forbiddenField("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  } else if (since !== undefined && since < 1) {
    errors.push(invalidValue("sinceSeconds", since, "must be greater than 0"));
  }
  if (stream !== "" && !STREAMS.includes(stream)) errors.push(notSupported("stream", stream, STREAMS));
  if (stream !== "" && stream !== "All" && tail !== undefined) {
    errors.push(forbiddenField("", "`tailLines` and specific `stream` are mutually exclusive for now"));
  }
  return errors;
}

const FLAGS = ["follow", "previous", "timestamps"];
const VALUES = ["sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"];

function parameters(query: Query): string {
  const out = new URLSearchParams();
  for (const name of FLAGS) if (query.flag(name)) out.set(name, "true");
  for (const name of VALUES) if (query.get(name) !== "") out.set(name, query.get(name));
  return out.toString();
}

const MAX_ERROR = 2048;
const REASONS: Readonly<Record<number, string>> = { 400: "BadRequest", 403: "Forbidden", 404: "NotFound" };

/** The kubelet's refusal, with its words. */
async function refused(answer: IncomingMessage): Promise<Error> {
  let text = "";
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > MAX_ERROR) break;
  }
  const code = answer.statusCode ?? 500;
  const reason = REASONS[code] ?? "InternalError";
  return failure({ code: code >= 400 ? code : 500, reason, message: text.trim().slice(0, MAX_ERROR) });
}
