import type { TLSSocket } from "node:tls";
import { type authenticationv1, type authorizationv1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { type Clock, LruMap } from "../../kit/index.ts";

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What is asked of the node. */
export interface NodeAttributes {
  readonly verb: string;
  /** `proxy`, `log`, `stats`, `metrics`, `pods`, `healthz`, `configz`. */
  readonly subresource: string;
  readonly path: string;
}

/** Who may ask what: by default the API server decides. */
export interface Gatekeeper {
  /** Undefined: nobody we know. */
  authenticate(socket: TLSSocket, authorization: string | undefined): Promise<Caller | undefined>;
  authorize(caller: Caller, attributes: NodeAttributes): Promise<boolean>;
}

const TOKEN_TTL_MS = 120_000;
const ALLOWED_TTL_MS = 300_000;
const DENIED_TTL_MS = 30_000;
const CACHE_SIZE = 4096;

interface Cached<T> {
  readonly value: T;
  readonly until: number;
}

/** Client certificates of the cluster's CA, and tokens that the API server vouches for; it also says who may do what. */
export class DelegatedGatekeeper implements Gatekeeper {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #nodeName: string;
  readonly #tokens = new LruMap<string, Cached<Caller | undefined>>(CACHE_SIZE);
  readonly #verdicts = new LruMap<string, Cached<boolean>>(CACHE_SIZE);

  constructor(client: Client, clock: Clock, nodeName: string) {
    this.#client = client;
    this.#clock = clock;
    this.#nodeName = nodeName;
  }

  async authenticate(socket: TLSSocket, authorization: string | undefined): Promise<Caller | undefined> {
    const certificate = certificateCaller(socket);
    if (certificate) return certificate;
    const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
    return token === undefined ? undefined : this.#tokenCaller(token);
  }

  async #tokenCaller(token: string): Promise<Caller | undefined> {
    const known = this.#tokens.get(token);
    const now = this.#clock.now();
    if (known && known.until > now) return known.value;
    const review: authenticationv1.TokenReview = await this.#client
      .resource(resources.tokenreviews)
      .create({ spec: { token } });
    const { authenticated, user } = review.status;
    const value =
      authenticated && user?.username
        ? {
            name: user.username,
            groups: user.groups ?? [],
            ...(user.uid !== undefined && { uid: user.uid }),
            ...(user.extra && { extra: user.extra }),
          }
        : undefined;
    this.#tokens.set(token, { value, until: now + TOKEN_TTL_MS });
    return value;
  }

  async authorize(caller: Caller, attributes: NodeAttributes): Promise<boolean> {
    if (await this.#allowed(caller, attributes)) return true;
    // Before fine-grained rights there was only `nodes/proxy`; who has that may still do everything.
    return attributes.subresource !== "proxy" && this.#allowed(caller, { ...attributes, subresource: "proxy" });
  }

  async #allowed(caller: Caller, { verb, subresource }: NodeAttributes): Promise<boolean> {
    const key = JSON.stringify([caller, verb, subresource]);
    const known = this.#verdicts.get(key);
    const now = this.#clock.now();
    if (known && known.until > now) return known.value;
    const review: authorizationv1.SubjectAccessReview = await this.#client
      .resource(resources.subjectaccessreviews)
      .create({
        spec: {
          user: caller.name,
          groups: [...caller.groups],
          ...(caller.uid !== undefined && { uid: caller.uid }),
          ...(caller.extra && { extra: Object.fromEntries(Object.entries(caller.extra).map(([k, v]) => [k, [...v]])) }),
          resourceAttributes: { verb, group: "", version: "v1", resource: "nodes", subresource, name: this.#nodeName },
        },
      });
    const value = review.status.allowed;
    this.#verdicts.set(key, { value, until: now + (value ? ALLOWED_TTL_MS : DENIED_TTL_MS) });
    return value;
  }
}

/** Whom a verified client certificate names: common name and organizations. */
function certificateCaller(socket: TLSSocket): Caller | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  // Without a certificate the object is empty, whatever its type says.
  const fields = subject as { CN?: string; O?: string | string[] } | undefined;
  if (!fields?.CN) return undefined;
  const groups = fields.O === undefined ? [] : Array.isArray(fields.O) ? fields.O : [fields.O];
  return { name: fields.CN, groups: [...groups, "system:authenticated"] };
}
