import { type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer } from "../../client/index.ts";
import { deepEqual, isNotFound } from "../../machinery/index.ts";
import type { ControllerContext, ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { BOOTSTRAP_TOKEN, endOfToken, signedInfo } from "./tokens.ts";

const INFO = "kube-public/cluster-info";
/** What is over is noticed when it is looked at; a second later it surely is. */
const AFTERWARDS = 1000;
/** Timers cannot be set for longer. */
const LONGEST_WAIT = 86_400_000;

function bootstrapSecrets({ caches }: ControllerContext): Informer<corev1.Secret> {
  return caches.informer(resources.secrets, { namespace: "kube-system" });
}

/** The public cluster-info is signed by every bootstrap token, so that a joining node can tell it from a forgery. */
export const bootstrapSigner: ControllerDefinition = {
  name: "bootstrap-signer-controller",
  account: "bootstrap-signer",
  create: (context) => {
    const secrets = bootstrapSecrets(context);
    const maps = context.caches.informer(resources.configmaps, { namespace: "kube-public" });
    const client = context.client.resource(resources.configmaps);
    const loop = new Loop({
      context,
      workers: 1,
      informers: [secrets, maps],
      reconcile: async (_key, signal) => {
        const info = maps.lister.get(INFO);
        const now = context.env.clock.now();
        const data = info === undefined ? undefined : signedInfo(info.data ?? {}, secrets.lister.list(), now);
        if (info === undefined || data === undefined || deepEqual(data, info.data)) return;
        await client.update({ ...info, data }, { signal });
      },
    });
    const wake = (): void => loop.add(INFO);
    const secretChanged = ({ type }: corev1.Secret): void => {
      if (type === BOOTSTRAP_TOKEN) wake();
    };
    secrets.handle({ added: secretChanged, updated: secretChanged, deleted: secretChanged });
    const mapChanged = (map: corev1.ConfigMap): void => {
      if (cacheKey(map) === INFO) wake();
    };
    maps.handle({ added: mapChanged, updated: mapChanged });
    return loop;
  },
};

/** Bootstrap tokens are deleted when they end. */
export const tokenCleaner: ControllerDefinition = {
  name: "token-cleaner-controller",
  account: "token-cleaner",
  create: (context) => {
    const secrets = bootstrapSecrets(context);
    const client = context.client.resource(resources.secrets);
    const loop = new Loop({
      context,
      workers: 1,
      informers: [secrets],
      reconcile: async (key, signal) => {
        const secret = secrets.lister.get(key);
        if (secret?.type !== BOOTSTRAP_TOKEN) return undefined;
        const wait = endOfToken(secret) - context.env.clock.now();
        if (wait > 0) return Number.isFinite(wait) ? Math.min(wait + AFTERWARDS, LONGEST_WAIT) : undefined;
        const { name, namespace, uid } = secret.metadata;
        try {
          await client.delete({ name, namespace }, { preconditions: { uid }, signal });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    });
    loop.follow(secrets);
    return loop;
  },
};
