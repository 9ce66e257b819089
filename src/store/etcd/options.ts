import type { Env } from "../../kit/index.ts";
import type { WatchLimits } from "../shared/watch-types.ts";

/** How to reach an etcd cluster. */
export interface EtcdStoreOptions {
  /** URLs of the members, `http://` or `https://`; the first that answers is used, the others stand in when it fails. */
  readonly endpoints: readonly string[];
  readonly env: Pick<Env, "clock" | "random" | "log">;
  /** PEM; needed for `https://`. Without `ca` the system's authorities are trusted. */
  readonly tls?: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    /** The name to expect in the members' certificates, when it is not the one in the URL. */
    readonly serverName?: string;
  };
  /** For clusters with etcd's own authentication enabled. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** Set before every key; the store sees nothing else. Default: none. */
  readonly prefix?: string;
  /** How long a call may take, all attempts together, in milliseconds. Default 10,000. */
  readonly timeout?: number;
  /** How much an unread watch may hold before it is broken off and taken up again when read. */
  readonly watchLimits?: WatchLimits;
}
