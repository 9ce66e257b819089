import type { Duplex } from "node:stream";
import type { CacheWatcher, Item } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import type { ListPage } from "../registry/list.ts";

/** What an endpoint answers, before any encoding: each transport turns it into what its client wants. */
export type Answer = StoredAnswer | ObjectAnswer | ListAnswer | WatchAnswer | RawAnswer | UpgradeAnswer;

/** A stored object, in the form of the version asked for. */
export interface StoredAnswer {
  readonly type: "stored";
  readonly status: number;
  readonly served: Served;
  readonly item: Item;
}

/** Any other object: a Status, a Scale, a review, a discovery document. */
export interface ObjectAnswer {
  readonly type: "object";
  readonly status: number;
  readonly object: unknown;
  /** The resource it belongs to, when it may be shown as a Table (a Scale). */
  readonly served?: Served;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ListAnswer {
  readonly type: "list";
  readonly served: Served;
  readonly page: ListPage;
}

/** A watch that has begun. Whoever takes the answer must end the watcher. */
export interface WatchAnswer {
  readonly type: "watch";
  readonly served: Served;
  readonly watcher: CacheWatcher;
}

/** Text or bytes with a media type of their own. */
export interface RawAnswer {
  readonly type: "raw";
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A connection that has left HTTP behind. */
export interface Connection {
  readonly socket: Duplex;
  /** What the client sent already after the request's head. */
  readonly head: Uint8Array;
  /** The request's headers as they came, names and values alternating. */
  readonly rawHeaders: readonly string[];
}

/** Consent to an upgrade: `take` answers the client in its own words, and owns the connection from then on. */
export interface UpgradeAnswer {
  readonly type: "upgrade";
  take(connection: Connection): void;
}
