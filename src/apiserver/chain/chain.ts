import type { Env } from "../../kit/index.ts";
import { errorText } from "../../kit/index.ts";
import { failure, internalError, StatusError, unauthorized } from "../../machinery/index.ts";
import { CompactedError } from "../../store/index.ts";
import type { Core } from "../endpoints/call.ts";
import { dispatch, unknownPath } from "../endpoints/dispatch.ts";
import type { Answer } from "../request/answer.ts";
import { type RequestInfo, requestInfo } from "../request/info.ts";
import type { RequestContext, ServerRequest } from "../request/types.ts";
import type { Authenticator, UserInfo } from "../seams/index.ts";
import { impersonate } from "./impersonate.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { DEFAULT_SEATS, Seats, type SeatsOptions } from "./seats.ts";
import { attributesOf } from "./authorize.ts";

/** Answers paths that are no resource; undefined: not mine. */
export type PathHandler = (context: RequestContext) => Promise<Answer | undefined> | Answer | undefined;

export interface ChainOptions {
  readonly core: Core;
  readonly authenticators: readonly Authenticator[];
  readonly paths: readonly PathHandler[];
  readonly seats?: SeatsOptions;
  /** Asked first, for all paths: what other servers answer for. */
  readonly remote?: PathHandler;
}

/** An answer with what the chain has to say about it. */
export interface Handled {
  readonly context: RequestContext;
  readonly answer: Answer;
}

const ANONYMOUS: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/**
 * The way of every request, whatever brought it: who asks, what it is about, may they, then the endpoint. Rejects with
 * `StatusError` only.
 */
export class Chain {
  readonly #options: ChainOptions;
  readonly #env: Env;
  readonly #metrics: RequestMetrics;
  readonly #seats: Seats;

  constructor(options: ChainOptions) {
    this.#options = options;
    this.#env = options.core.env;
    this.#metrics = new RequestMetrics(this.#env.metrics);
    this.#seats = new Seats(options.seats ?? DEFAULT_SEATS, this.#env.clock);
    this.#env.metrics.onCollect(() => this.#metrics.inFlight(this.#seats.taken));
  }

  /** `seated`: the request counts against what the server does at once. */
  async handle(request: ServerRequest, seated = false): Promise<Handled> {
    const info = requestInfo(request.method, request.path, request.query);
    const start = this.#env.clock.monotonic();
    let code = 200;
    try {
      const handled = seated && !isLong(info) ? await this.#seated(request, info) : await this.#handle(request, info);
      const { answer } = handled;
      if (answer.type !== "list" && answer.type !== "watch") code = answer.type === "upgrade" ? 101 : answer.status;
      return handled;
    } catch (error) {
      const status = this.#status(error, request);
      code = status.code;
      throw status;
    } finally {
      const served = this.#options.core.catalog.find(info.group, info.version, info.resource) !== undefined;
      const seconds = (this.#env.clock.monotonic() - start) / 1000;
      this.#metrics.answered(info, served, code, seconds, request.query.has("dryRun"));
    }
  }

  async #seated(request: ServerRequest, info: RequestInfo): Promise<Handled> {
    const waiting = this.#seats.take();
    if (waiting) await waiting;
    try {
      return await this.#handle(request, info);
    } finally {
      this.#seats.leave();
    }
  }

  async #handle(request: ServerRequest, info: RequestInfo): Promise<Handled> {
    const { gate } = this.#options.core;
    const known = await this.#authenticate(request);
    const user = request.user ? known : await impersonate(request, info, known, gate);
    const context = new Context(request, info, user, this.#env);
    await gate.require(attributesOf(info, user), request);
    return { context, answer: await this.#route(context) };
  }

  async #route(context: RequestContext): Promise<Answer> {
    const elsewhere = this.#options.core.catalog.remotes.length > 0 ? await this.#options.remote?.(context) : undefined;
    if (elsewhere) return elsewhere;
    if (context.info.isResource) {
      return dispatch(this.#options.core, context);
    }
    for (const handler of this.#options.paths) {
      const answer = await handler(context);
      if (answer) return answer;
    }
    throw unknownPath();
  }

  async #authenticate(request: ServerRequest): Promise<UserInfo> {
    if (request.user) return request.user;
    const credentials = request.credentials ?? { headers: request.headers };
    for (const authenticator of this.#options.authenticators) {
      const takesSignal = authenticator.authenticate.length > 1;
      const answer = takesSignal
        ? authenticator.authenticate(credentials, request.signal)
        : authenticator.authenticate(credentials);
      const user = answer instanceof Promise ? await answer : answer;
      if (user) return user;
    }
    if (credentials.headers["authorization"] !== undefined || credentials.problem !== undefined) throw unauthorized();
    return ANONYMOUS;
  }

  /** Whatever went wrong, as the client is to see it. A fault of our own is logged with its stack, and told without. */
  #status(error: unknown, request: ServerRequest): StatusError {
    if (error instanceof StatusError) return error;
    if (request.signal.aborted) return failure({ code: 499, reason: "", message: "the client has gone" });
    if (error instanceof CompactedError) {
      return failure({
        code: 410,
        reason: "Expired",
        message: "The resourceVersion for the provided list is too old.",
      });
    }
    const stack = error instanceof Error ? error.stack : undefined;
    this.#env.log.error("A request failed", {
      method: request.method,
      path: request.path,
      error: errorText(error),
      stack,
    });
    return internalError(errorText(error));
  }
}

const STREAMS = new Set(["exec", "attach", "portforward", "proxy", "log"]);

/** Whether a request may go on for as long as it likes. */
function isLong({ verb, subresource }: RequestInfo): boolean {
  return verb === "watch" || STREAMS.has(subresource);
}

class Context implements RequestContext {
  readonly request: ServerRequest;
  readonly info: RequestContext["info"];
  readonly user: UserInfo;
  readonly auditId: string;
  readonly now: number;
  readonly warnings: string[] = [];
  readonly annotations = new Map<string, string>();

  constructor(request: ServerRequest, info: RequestInfo, user: UserInfo, env: Env) {
    this.request = request;
    this.info = info;
    this.user = user;
    this.auditId = env.random.uuid();
    this.now = env.clock.now();
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  warn(message: string): void {
    if (!this.warnings.includes(message)) this.warnings.push(message);
  }

  annotate(key: string, value: string): void {
    this.annotations.set(key, value);
  }
}
