import { type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { isConflict, isNotFound } from "../../machinery/index.ts";
import { keyOf, splitKey } from "../common/claims.ts";
import type { ControllerContext, TokenIssuer } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

type Secret = corev1.Secret;
type Account = corev1.ServiceAccount;

export const ACCOUNT_TOKEN = "kubernetes.io/service-account-token";
export const ACCOUNT_NAME = "kubernetes.io/service-account.name";
export const ACCOUNT_UID = "kubernetes.io/service-account.uid";
/** Token secrets by the account (`namespace/name`) that they are for. */
const BY_ACCOUNT = "account";
const REFERENCE = "reference:";

/** `namespace/name` of the account that a token secret is for; `undefined` for other secrets. */
export function accountOf({ type, metadata }: Secret): string | undefined {
  const name = metadata.annotations?.[ACCOUNT_NAME];
  return type === ACCOUNT_TOKEN && name ? `${metadata.namespace}/${name}` : undefined;
}

/** The secret with all that belongs into it; the same object when it has it. */
export function filled(secret: Secret, account: Account, rootCa: string | undefined, issue: TokenIssuer): Secret {
  const { data = {}, metadata } = secret;
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  const ca = rootCa === undefined ? data["ca.crt"] : encode(rootCa);
  if (data["ca.crt"] === ca && data["namespace"] && data["token"]) return secret;
  return {
    ...secret,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        [ACCOUNT_NAME]: account.metadata.name,
        [ACCOUNT_UID]: account.metadata.uid,
      },
    },
    data: {
      ...data,
      ...(ca === undefined ? {} : { "ca.crt": ca }),
      namespace: data["namespace"] || encode(metadata.namespace),
      token: data["token"] || encode(issue(account, metadata.name)),
    },
  };
}

/** Fills secrets that were made for the tokens of service accounts, and deletes them with the accounts. */
export class AccountTokens {
  readonly #secrets: Informer<Secret>;
  readonly #accounts: Informer<Account>;
  readonly #secretClient: ResourceClient<Secret>;
  readonly #accountClient: ResourceClient<Account>;
  readonly #rootCa: string | undefined;
  readonly #issue: TokenIssuer;
  readonly #loop: Loop;

  constructor(context: ControllerContext, issue: TokenIssuer) {
    const { caches, client } = context;
    this.#issue = issue;
    this.#rootCa = context.rootCa;
    this.#secrets = caches.informer(resources.secrets);
    this.#accounts = caches.informer(resources.serviceaccounts);
    caches.index(this.#secrets, BY_ACCOUNT, (secret) => {
      const account = accountOf(secret);
      return account === undefined ? [] : [account];
    });
    this.#secretClient = client.resource(resources.secrets);
    this.#accountClient = client.resource(resources.serviceaccounts);
    this.#loop = new Loop({
      context,
      informers: [this.#secrets, this.#accounts],
      reconcile: (key, signal) =>
        key.startsWith(REFERENCE)
          ? this.#dropReference(key.slice(REFERENCE.length), signal)
          : this.#reconcile(key, signal),
    });
    const changed = (secret: Secret): void => {
      if (accountOf(secret) !== undefined) this.#loop.add(cacheKey(secret));
    };
    this.#secrets.handle({ added: changed, updated: changed, deleted: (secret) => this.#secretGone(secret) });
    const wakeSecrets = (account: Account): void => {
      for (const secret of this.#secrets.lister.byIndex(BY_ACCOUNT, cacheKey(account))) changed(secret);
    };
    this.#accounts.handle({ added: wakeSecrets, deleted: wakeSecrets });
  }

  get component(): Component {
    return this.#loop;
  }

  #secretGone(secret: Secret): void {
    const account = this.#accounts.lister.get(accountOf(secret) ?? "");
    const { name } = secret.metadata;
    if (account?.secrets?.some((reference) => reference.name === name) === true) {
      this.#loop.add(`${REFERENCE}${cacheKey(account)}/${name}`);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const secret = this.#secrets.lister.get(key);
    const accountKey = secret === undefined ? undefined : accountOf(secret);
    if (secret === undefined || accountKey === undefined) return;
    const account = await this.#accountFor(secret, accountKey, signal);
    try {
      if (account === undefined) {
        await this.#secretClient.delete(keyOf(secret), { preconditions: { uid: secret.metadata.uid }, signal });
        return;
      }
      const complete = filled(secret, account, this.#rootCa, this.#issue);
      if (complete !== secret) await this.#secretClient.update(complete, { signal });
    } catch (error) {
      // Whoever was faster is seen as a change.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** The account of the secret, by the server's word when the cache does not know it. */
  async #accountFor(secret: Secret, key: string, signal: AbortSignal): Promise<Account | undefined> {
    const uid = secret.metadata.annotations?.[ACCOUNT_UID] ?? "";
    const isMeant = (account: Account | undefined): boolean =>
      account !== undefined && (uid === "" || account.metadata.uid === uid);
    const cached = this.#accounts.lister.get(key);
    if (isMeant(cached)) return cached;
    try {
      const live = await this.#accountClient.get(splitKey(key), { signal });
      return isMeant(live) ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #dropReference(key: string, signal: AbortSignal): Promise<void> {
    const slash = key.lastIndexOf("/");
    const account = this.#accounts.lister.get(key.slice(0, slash));
    const kept = account?.secrets?.filter(({ name }) => name !== key.slice(slash + 1));
    if (account === undefined || kept?.length === account.secrets?.length) return;
    await this.#accountClient.update({ ...account, secrets: kept ?? [] }, { signal });
  }
}
