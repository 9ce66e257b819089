import type { corev1 } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import type { Component, Env, KeyPair } from "../../kit/index.ts";
import type { ControllersConfig } from "../config.ts";
import type { Events } from "./events.ts";
import type { Caches } from "./indexes.ts";

/** What a controller is given. */
export interface ControllerContext {
  /** The controller's name: that of its queue, its log lines and the source of its events. */
  readonly name: string;
  readonly env: Env;
  /** Writes and reads with the controller's own identity. */
  readonly client: Client;
  /** Informers that all controllers share. */
  readonly caches: Caches;
  readonly events: Events;
  readonly config: ControllersConfig;
  /** PEM of the CA that pods should trust for the API server. */
  readonly rootCa?: string;
  /** The CA that signs certificates on request. */
  readonly signer?: KeyPair;
  /** Signs the tokens of service accounts that are kept in secrets. */
  readonly issueToken?: TokenIssuer;
}

/** Signs the token that a secret of that name holds for an account. */
export type TokenIssuer = (account: corev1.ServiceAccount, secretName: string) => string;

/** One entry of the table of controllers. */
export interface ControllerDefinition {
  /** Upstream's name: what `--controllers` calls it. */
  readonly name: string;
  /** The service account in kube-system as which it writes. */
  readonly account: string;
  /** What its events call their source; default: the name. */
  readonly eventSource?: string;
  /**
   * Builds the controller: takes its informers, adds indexes and handlers, starts nothing. `undefined` when the configuration
   * leaves it nothing to do.
   */
  create(context: ControllerContext): Component | undefined;
}
