import type { Answer } from "../../request/answer.ts";
import type { EndpointCall } from "../call.ts";
import { getEndpoint } from "../get.ts";
import { type ObjectView, wholeView } from "../object-view.ts";
import { patchEndpoint } from "../patch.ts";
import { scaleView, WORKLOAD_SCALE } from "../scale.ts";
import { updateEndpoint } from "../update.ts";

type Endpoint = (call: EndpointCall) => Promise<Answer>;

/** Subresources that are the object itself: the strategy says what each of them may change. */
const VIEWS = new Set(["status", "finalize", "approval", "ephemeralcontainers", "resize"]);

/** Endpoints of their own; loaded when first used. */
const SPECIAL: Readonly<Record<string, () => Promise<Endpoint>>> = {
  "pods/binding": async () => (await import("./binding.ts")).bindEndpoint,
  "pods/eviction": async () => (await import("./eviction.ts")).evictEndpoint,
  "serviceaccounts/token": async () => (await import("./token.ts")).tokenEndpoint,
  "pods/log": async () => (await import("../connect/log.ts")).logEndpoint,
  "pods/exec": async () => (await import("../connect/stream.ts")).streamEndpoint,
  "pods/attach": async () => (await import("../connect/stream.ts")).streamEndpoint,
  "pods/portforward": async () => (await import("../connect/stream.ts")).streamEndpoint,
  "pods/proxy": async () => (await import("../connect/proxy.ts")).proxyEndpoint,
  "nodes/proxy": async () => (await import("../connect/proxy.ts")).proxyEndpoint,
  "services/proxy": async () => (await import("../connect/proxy.ts")).proxyEndpoint,
};

const VIEW_VERBS: Readonly<Record<string, (call: EndpointCall, view: ObjectView) => Promise<Answer>>> = {
  get: getEndpoint,
  update: updateEndpoint,
  patch: patchEndpoint,
};

/** The endpoint of a verb of a subresource; undefined: there is none. The caller has checked that the resource allows it. */
export async function subresourceEndpoint(call: EndpointCall, verb: string): Promise<Endpoint | undefined> {
  const { served, subresource } = call;
  const { group, resource } = served.resource;
  const special = group === "" ? SPECIAL[`${resource}/${subresource}`] : undefined;
  if (special) return special();
  const run = VIEW_VERBS[verb];
  if (!run) return undefined;
  if (subresource === "scale") return (c) => run(c, scaleView(c, served.scale ?? WORKLOAD_SCALE));
  return VIEWS.has(subresource) ? (c) => run(c, wholeView(c)) : undefined;
}
