import type { Counter, Gauge, Histogram, Labels, Metrics } from "../../kit/index.ts";
import type { RequestInfo } from "../request/info.ts";

const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const VERBS: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};
const CONNECT = new Set(["exec", "attach", "portforward", "proxy", "log"]);

/** Requests as upstream counts them. Labels come only from what is served, so that nobody can make series at will. */
export class RequestMetrics {
  readonly #total: Counter;
  readonly #duration: Histogram;
  readonly #inFlight: Gauge;
  readonly #labels = new Map<string, Labels>();

  constructor(metrics: Metrics) {
    const labels = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
    this.#total = metrics.counter("apiserver_request_total", {
      help: "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
      labels: [...labels, "code", "dry_run"],
    });
    this.#duration = metrics.histogram("apiserver_request_duration_seconds", {
      help: "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
      labels: [...labels, "dry_run"],
      buckets: BUCKETS,
    });
    this.#inFlight = metrics.gauge("apiserver_current_inflight_requests", {
      help: "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
      labels: ["request_kind"],
    });
    metrics.gauge("kubernetes_build_info", { labels: ["git_version"] });
  }

  /** Counts one answer. `served`: the resource is one of ours. */
  answered(info: RequestInfo, served: boolean, code: number, seconds: number, dryRun: boolean): void {
    const base = this.#base(info, served, dryRun);
    this.#duration.observe(seconds, base);
    this.#total.inc(this.#withCode(base, code, `${keyOf(info, served)} ${dryRun}`));
  }

  inFlight(taken: number): void {
    this.#inFlight.set(taken, { request_kind: "all" });
  }

  #base(info: RequestInfo, served: boolean, dryRun: boolean): Labels {
    const key = `${keyOf(info, served)} ${dryRun}`;
    const known = this.#labels.get(key);
    if (known) return known;
    const labels: Labels = {
      verb: verbOf(info),
      group: served ? info.group : "",
      version: served ? info.version : "",
      resource: served ? info.resource : "",
      subresource: served ? info.subresource : "",
      scope: served ? scopeOf(info) : "",
      component: "apiserver",
      dry_run: dryRun ? "All" : "",
    };
    this.#labels.set(key, labels);
    return labels;
  }

  #withCode(base: Labels, code: number, key: string): Labels {
    const name = `${key} ${code}`;
    const known = this.#labels.get(name);
    if (known) return known;
    const labels = { ...base, code: String(code) };
    this.#labels.set(name, labels);
    return labels;
  }
}

function keyOf(info: RequestInfo, served: boolean): string {
  const verb = verbOf(info);
  if (!served) return verb;
  return `${verb} ${info.group}/${info.version}/${info.resource}/${info.subresource}/${scopeOf(info)}`;
}

function verbOf(info: RequestInfo): string {
  if (!info.isResource) return VERBS[info.verb] ?? "OTHER";
  if (CONNECT.has(info.subresource)) return "CONNECT";
  return VERBS[info.verb] ?? "OTHER";
}

function scopeOf(info: RequestInfo): string {
  if (info.pathName !== "") return "resource";
  return info.namespace === "" ? "cluster" : "namespace";
}
