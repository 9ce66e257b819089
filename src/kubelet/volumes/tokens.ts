import { type authenticationv1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import { parseTime } from "../../machinery/index.ts";
import type { Pod } from "../pod/containers.ts";

export interface TokenWish {
  readonly audience: string;
  readonly expirationSeconds: number;
}

interface Held {
  readonly token: string;
  readonly refreshAt: number;
}

const MAX_AGE_MS = 24 * 3_600_000;
const REFRESH_AT = 0.8;
const RETRY_MS = 10_000;

/** Service account tokens of this node's pods, each bound to its pod and renewed when four fifths of its life, or a day, are over. */
export class TokenManager {
  readonly #client: Client;
  readonly #env: Env;
  readonly #held = new Map<string, Held>();

  constructor(client: Client, env: Env) {
    this.#client = client;
    this.#env = env;
  }

  /** A token that holds for a while yet. Rejects when there is none and none can be had. */
  async token(pod: Pod, wish: TokenWish): Promise<string> {
    const id = `${pod.metadata.uid} ${pod.spec.serviceAccountName ?? ""} ${wish.audience} ${wish.expirationSeconds}`;
    const held = this.#held.get(id);
    const now = this.#env.clock.now();
    if (held && now < held.refreshAt) return held.token;
    try {
      const fresh = await this.#request(pod, wish);
      this.#held.set(id, fresh);
      return fresh.token;
    } catch (error) {
      if (!held) throw error;
      this.#held.set(id, { ...held, refreshAt: now + RETRY_MS });
      return held.token;
    }
  }

  /** When the first token of a pod is to be renewed, ms since the epoch. */
  nextRefresh(uid: string): number | undefined {
    const times = [...this.#held].filter(([id]) => id.startsWith(`${uid} `)).map(([, held]) => held.refreshAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  forget(uid: string): void {
    for (const id of this.#held.keys()) if (id.startsWith(`${uid} `)) this.#held.delete(id);
  }

  async #request(pod: Pod, wish: TokenWish): Promise<Held> {
    const { namespace, name, uid } = pod.metadata;
    const accounts = this.#client.resource(resources.serviceaccounts);
    const request = {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      spec: {
        audiences: wish.audience === "" ? [] : [wish.audience],
        expirationSeconds: wish.expirationSeconds,
        boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
      },
    };
    const options = { subresource: "token", name: pod.spec.serviceAccountName ?? "default" };
    const body = { metadata: { namespace }, ...request } as object;
    const answer = (await accounts.create(body, options)) as unknown as authenticationv1.TokenRequest;
    const now = this.#env.clock.now();
    const { token, expirationTimestamp } = answer.status;
    const life = parseTime(expirationTimestamp) - now;
    return { token, refreshAt: now + Math.min(life * REFRESH_AT, MAX_AGE_MS) };
  }
}
