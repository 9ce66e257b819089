import { type metav1, resources } from "../../api/index.ts";
import {
  type Client,
  type Controller,
  createController,
  createInformerFactory,
  type Informer,
} from "../../client/index.ts";
import { type Component, type Env, errorText, mapConcurrent } from "../../kit/index.ts";
import { isAlreadyExists, isConflict, isNotFound, serviceUnavailable } from "../../machinery/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { Backends } from "../endpoints/connect/backend.ts";
import type { Answer } from "../request/answer.ts";
import type { RequestContext } from "../request/types.ts";
import type { Lookup } from "../seams/index.ts";
import { publishAuthenticationInfo } from "./authentication-info.ts";
import { isAvailable, LOCAL, PASSED, type Verdict, withVerdict } from "./availability.ts";
import { ask, forward } from "./forward.ts";
import { localServices } from "./local.ts";
import { locate, type ProxyPapers } from "./location.ts";
import { type ApiService, apiServiceName, AUTOMANAGED } from "./types.ts";

/** What the aggregation layer works with. */
export interface AggregatorOptions {
  readonly catalog: Catalog;
  /** As the server itself. */
  readonly client: Client;
  readonly lookup: Lookup;
  readonly backends: Backends;
  readonly env: Env;
  readonly papers: ProxyPapers;
}

/** How often a service that answers is asked again, and one that does not, ms. */
const CHECK_AGAIN = 30_000;
const CHECK_SOON = 1000;
const CHECK_LIMIT = 5000;
const CONCURRENCY = 8;
/** Schemas of a group and version lie below this, under the path of the group and version. */
const OPENAPI = "/openapi/v3";

/**
 * Keeps an APIService for every group and version served here, and passes requests on for those that another server
 * answers for, whose availability and discovery it follows.
 */
export class Aggregator implements Component {
  readonly name = "aggregator";
  readonly #options: AggregatorOptions;
  #informer: Informer<ApiService> | undefined;

  constructor(options: AggregatorOptions) {
    this.#options = options;
  }

  /** Answers requests for remote groups and versions; undefined for all others. */
  async handle(context: RequestContext): Promise<Answer | undefined> {
    const service = this.#remoteOf(context);
    if (!service) return undefined;
    const { lookup, env, papers, backends } = this.#options;
    if (!isAvailable(service)) throw serviceUnavailable("service unavailable");
    const located = await locate(service, lookup, env.random, papers);
    if ("problem" in located) throw serviceUnavailable(located.problem.message);
    return forward(backends, located.target, context);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, env, catalog } = this.#options;
    const factory = createInformerFactory(client, env);
    const informer = factory.informer(resources.apiservices);
    const controller: Controller = createController({
      name: this.name,
      env,
      informers: [informer],
      reconcile: (name, stop) => this.#reconcile(informer, name, stop),
    });
    this.#informer = informer;
    const add = ({ metadata }: ApiService): void => controller.queue.add(metadata.name);
    informer.handle({ added: add, updated: add, deleted: add });
    const leave = catalog.onChange(() => {
      for (const name of this.#astray(informer)) controller.queue.add(name);
    });
    try {
      const published = this.#publish(signal);
      await Promise.all([factory.run(signal), this.#first(informer, signal), controller.run(signal), published]);
    } finally {
      leave();
    }
  }

  /** Best effort: nothing but extension servers depends on it. The namespace may not be there yet. */
  async #publish(signal: AbortSignal): Promise<void> {
    const { client, papers, env } = this.#options;
    if (papers.clientCa === undefined && papers.requestHeaderCa === undefined) return;
    while (!signal.aborted) {
      try {
        await publishAuthenticationInfo(client, papers);
        return;
      } catch (error) {
        env.log.debug("How clients are known could not be published yet", { error: errorText(error) });
        await env.clock.sleep(CHECK_SOON, signal).catch(() => undefined);
      }
    }
  }

  /** The APIService of another server that a request is for. */
  #remoteOf({ info }: RequestContext): ApiService | undefined {
    const informer = this.#informer;
    if (!informer || this.#options.catalog.remotes.length === 0) return undefined;
    const path = info.path.startsWith(OPENAPI) ? info.path.slice(OPENAPI.length) : info.path;
    const [root, group = "", version = ""] = path.split("/").filter((part) => part !== "");
    if (root !== "apis" || version === "") return undefined;
    const service = informer.lister.get(apiServiceName(group, version));
    return service?.spec.service ? service : undefined;
  }

  /** Makes the APIServices of what is served from the start. */
  async #first(informer: Informer<ApiService>, signal: AbortSignal): Promise<void> {
    try {
      await informer.whenSynced(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await mapConcurrent(this.#astray(informer), CONCURRENCY, (name) => this.#keepLocal(informer, name));
  }

  /** Names whose APIService is missing, or is there for nothing. */
  #astray(informer: Informer<ApiService>): string[] {
    const wanted = localServices(this.#options.catalog);
    const missing = [...wanted.keys()].filter((name) => informer.lister.get(name) === undefined);
    const extra = [...informer.lister.list()].filter((s) => isAutomatic(s) && !wanted.has(s.metadata.name));
    return [...missing, ...extra.map((service) => service.metadata.name)];
  }

  async #reconcile(
    informer: Informer<ApiService>,
    name: string,
    signal: AbortSignal,
  ): Promise<{ requeueAfter?: number } | void> {
    await this.#keepLocal(informer, name);
    const service = informer.lister.get(name);
    if (!service?.spec.service) {
      this.#forget(name);
      if (service) await this.#report(service, LOCAL);
      return undefined;
    }
    const verdict = await this.#check(service, signal);
    await this.#report(service, verdict);
    return { requeueAfter: verdict.status === "True" ? CHECK_AGAIN : CHECK_SOON };
  }

  async #keepLocal(informer: Informer<ApiService>, name: string): Promise<void> {
    const { client, catalog } = this.#options;
    const wanted = localServices(catalog).get(name);
    const known = informer.lister.get(name);
    const services = client.resource(resources.apiservices);
    try {
      if (wanted && !known) await services.create(wanted);
      else if (!wanted && known && isAutomatic(known)) await services.delete({ name });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    }
  }

  /** Asks the other server for its discovery, which also shows that it answers. */
  async #check(service: ApiService, signal: AbortSignal): Promise<Verdict> {
    const { lookup, env, papers, backends } = this.#options;
    const located = await locate(service, lookup, env.random, papers);
    if ("problem" in located) {
      this.#remember(service, undefined);
      return located.problem;
    }
    const { group = "", version = "" } = service.spec;
    const path = `/apis/${group}/${version}`;
    const limit = new AbortController();
    const timer = env.clock.setTimer(CHECK_LIMIT, () => limit.abort());
    try {
      const { status, text } = await ask(backends, located.target, path, AbortSignal.any([signal, limit.signal]));
      if (status < 200 || status > 299) throw new Error(`bad status from ${path}: ${status}`);
      this.#remember(service, (JSON.parse(text) as metav1.APIResourceList).resources ?? []);
      return PASSED;
    } catch (error) {
      this.#remember(service, undefined);
      const message = `failing or missing response from ${path}: ${errorText(error)}`;
      return { status: "False", reason: "FailedDiscoveryCheck", message };
    } finally {
      timer.cancel();
    }
  }

  #remember(service: ApiService, found: readonly metav1.APIResource[] | undefined): void {
    const { group = "", version = "", groupPriorityMinimum, versionPriority } = service.spec;
    const { catalog } = this.#options;
    const others = catalog.remotes.filter((one) => one.group !== group || one.version !== version);
    const before = catalog.remotes.find((one) => !others.includes(one));
    const known = found ?? before?.resources;
    const remote = {
      group,
      version,
      groupPriority: groupPriorityMinimum,
      versionPriority,
      stale: found === undefined,
      ...(known && { resources: known }),
    };
    if (before && JSON.stringify(before) === JSON.stringify(remote)) return;
    catalog.setRemotes([...others, remote]);
  }

  #forget(name: string): void {
    const { catalog } = this.#options;
    const left = catalog.remotes.filter((one) => apiServiceName(one.group, one.version) !== name);
    if (left.length < catalog.remotes.length) catalog.setRemotes(left);
  }

  async #report(service: ApiService, verdict: Verdict): Promise<void> {
    const { client, env } = this.#options;
    const status = withVerdict(service, verdict, env.clock.now());
    if (!status) return;
    try {
      await client.resource(resources.apiservices).update({ ...service, status }, { subresource: "status" });
    } catch (error) {
      // The newer state comes by the informer.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

function isAutomatic({ metadata }: ApiService): boolean {
  return metadata.labels?.[AUTOMANAGED] === "true";
}
