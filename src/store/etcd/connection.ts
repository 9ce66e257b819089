import { Client, credentials, Metadata, type ChannelCredentials, type ClientDuplexStream } from "@grpc/grpc-js";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Clock } from "../../kit/index.ts";
import { InvalidRequestError, StoreClosedError, UnavailableError } from "../errors.ts";
import { isPassing, isTokenStale, storeFault, wasNotSent } from "./faults.ts";
import type { EtcdStoreOptions } from "./options.ts";
import { decode, encode, type Sent } from "./proto.ts";
import { methods, type Methods, type WatchRequest, type WatchResponse } from "./schema.ts";

/** A watch's stream of requests and responses. */
export type WatchStream = ClientDuplexStream<Sent<WatchRequest>, WatchResponse>;

/** What kind of call it is, when it fails and nobody knows whether it took effect. */
export interface CallOptions {
  /** In words, for errors: "cannot <action>: ...". */
  readonly action: string;
  /** Whether the call may be made again without harm. */
  readonly repeatable: boolean;
}

type Method = keyof Methods;

interface Member {
  readonly url: string;
  readonly calls: Client;
  /** Watches have a connection of their own: a slow reader's flow control must not hold up calls. */
  readonly watches: Client;
}

const DEFAULT_TIMEOUT = 10_000;
/** How long a member may take to accept a connection before the next one is tried, in milliseconds. */
const CONNECT_TIMEOUT = 2000;
const RETRY_PAUSE = 100;
/** How long one attempt at a repeatable call may take, where there are other members to try, in milliseconds. */
const ATTEMPT_TIMEOUT = 3000;

/** Calls to whichever member of the cluster answers. */
export class Connection {
  readonly #options: EtcdStoreOptions;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #members: readonly Member[];
  #current = 0;
  #token: Promise<string> | undefined;
  #closed = false;

  constructor(options: EtcdStoreOptions) {
    this.#options = options;
    this.#clock = options.env.clock;
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
    if (options.endpoints.length === 0) throw new InvalidRequestError("etcd: no endpoints given");
    this.#members = options.endpoints.map((url) => createMember(url, options));
  }

  /** The endpoints, for messages. */
  get name(): string {
    return this.#options.endpoints.join(",");
  }

  /**
   * Makes a call, on another member when one fails and the call is repeatable or was not sent. Rejects with gRPC's error
   * when the server refused it, with the store's errors otherwise.
   */
  async call<M extends Method>(method: M, request: Sent<Methods[M][0]>, options: CallOptions): Promise<Methods[M][1]> {
    const deadline = this.#clock.monotonic() + this.#timeout;
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw new StoreClosedError(options.action);
      const left = deadline - this.#clock.monotonic();
      // Where none can be reached, the one in use is asked all the same, for the reason.
      const member = (await this.#reachable(Math.min(left, CONNECT_TIMEOUT))) ?? this.#inUse;
      const patience = options.repeatable && this.#members.length > 1 ? Math.min(left, ATTEMPT_TIMEOUT) : left;
      try {
        return await this.#send(member, method, request, patience);
      } catch (error) {
        if (isTokenStale(error) && attempt < 3) {
          this.#token = undefined;
          continue;
        }
        if (!isPassing(error)) throw error;
        const late = this.#clock.monotonic() + RETRY_PAUSE > deadline;
        if (late || !(options.repeatable || wasNotSent(error))) throw storeFault(options.action, this.name, error);
        this.failOver(member.url);
        await this.#clock.sleep(RETRY_PAUSE);
      }
    }
  }

  /** Opens a watch stream on the member in use, waiting until one can be reached; answers which it is, too. */
  async watch(): Promise<{ readonly stream: WatchStream; readonly url: string }> {
    const member = await this.#reachable(CONNECT_TIMEOUT);
    if (!member) throw new UnavailableError("watch");
    const [path, request, response] = methods.watch;
    const metadata = await this.#metadata(member);
    // The member gives the watch up when it is cut off from the cluster, rather than going silent.
    metadata.set("hasleader", "true");
    const stream = member.watches.makeBidiStreamRequest(
      path,
      (message: Sent<WatchRequest>) => encode(request, message),
      (bytes: Buffer) => decode(response, bytes) as WatchResponse,
      metadata,
    );
    return { stream, url: member.url };
  }

  get #inUse(): Member {
    return this.#members[this.#current] as Member;
  }

  /** Turns to the next member, unless that happened already. */
  failOver(url: string | undefined): void {
    this.#token = undefined;
    if (url === undefined || this.#inUse.url === url) {
      this.#current = (this.#current + 1) % this.#members.length;
    }
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members) {
      member.calls.close();
      member.watches.close();
    }
  }

  /** The member in use once its connection stands, or the first other one that can be connected to within `ms`. */
  async #reachable(ms: number): Promise<Member | undefined> {
    for (let i = 0; i < this.#members.length; i++) {
      const index = (this.#current + i) % this.#members.length;
      const member = this.#members[index] as Member;
      if (await isReady(member.calls, this.#deadline(ms))) {
        this.#current = index;
        return member;
      }
    }
    return undefined;
  }

  async #send<M extends Method>(member: Member, method: M, message: object, ms: number): Promise<Methods[M][1]> {
    const metadata = await this.#metadata(member);
    return unary(member.calls, method, message, metadata, this.#deadline(ms));
  }

  /** gRPC measures by the machine's clock, which must be the one we are given. */
  #deadline(ms: number): Date {
    return new Date(this.#clock.now() + Math.max(0, ms));
  }

  async #metadata(member: Member): Promise<Metadata> {
    const metadata = new Metadata();
    const { auth } = this.#options;
    if (!auth) return metadata;
    this.#token ??= this.#authenticate(member, auth);
    metadata.set("token", await this.#token);
    return metadata;
  }

  async #authenticate(member: Member, auth: NonNullable<EtcdStoreOptions["auth"]>): Promise<string> {
    try {
      const message = { name: auth.username, password: auth.password };
      return (await unary(member.calls, "authenticate", message, new Metadata(), this.#deadline(this.#timeout))).token;
    } catch (error) {
      this.#token = undefined;
      throw storeFault("authenticate", this.name, error);
    }
  }
}

function unary<M extends Method>(
  client: Client,
  method: M,
  message: object,
  metadata: Metadata,
  deadline: Date,
): Promise<Methods[M][1]> {
  const [path, request, response] = methods[method];
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (value: object) => encode(request, value),
      (bytes: Buffer) => decode(response, bytes) as Methods[M][1],
      message,
      metadata,
      { deadline },
      (error, value) => (error ? reject(error) : resolve(value as Methods[M][1])),
    );
  });
}

function isReady(client: Client, deadline: Date): Promise<boolean> {
  return new Promise((resolve) => client.waitForReady(deadline, (error) => resolve(!error)));
}

function createMember(endpoint: string, options: EtcdStoreOptions): Member {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new InvalidRequestError(
      `etcd endpoint ${JSON.stringify(endpoint)}: expected http://host:port or https://host:port`,
    );
  }
  const target = `${url.hostname}:${url.port === "" ? "2379" : url.port}`;
  const host = options.tls?.serverName ?? url.hostname.replaceAll(/[[\]]/g, "");
  const settings = {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    // A connection that went silent is noticed after fifteen seconds; etcd allows a ping every five.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 3000,
    "grpc-node.flow_control_window": 4 * 1024 * 1024,
    ...(url.protocol === "https:" && tlsNames(host)),
    "grpc.use_local_subchannel_pool": 1,
  };
  const create = (): Client =>
    new Client(target, url.protocol === "https:" ? tlsOf(options, host) : credentials.createInsecure(), settings);
  return { url: endpoint, calls: create(), watches: create() };
}

/** An address must not be sent as a server's name; who answers is checked by {@link tlsOf} all the same. */
function tlsNames(host: string): Readonly<Record<string, string>> {
  return { "grpc.ssl_target_name_override": isIP(host) === 0 ? host : "etcd" };
}

function tlsOf({ tls = {} }: EtcdStoreOptions, host: string): ChannelCredentials {
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate as PeerCertificate),
  });
}
