import { type corev1, resources } from "../../api/index.ts";
import type { Informer } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { isConflict, isNotFound, parseTime, tryParseTime } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { ACCOUNT_TOKEN, ACCOUNT_UID, accountOf } from "./tokens.ts";

type Secret = corev1.Secret;

const DAY = 86_400_000;
const LAST_USED = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";
/** Where the API server notes since when it has noted uses. */
const TRACKING = { namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking" };
const KEY = "sweep";

/** What to do with a token that was made for an account without anybody asking. */
export type Fate = "keep" | "invalidate" | "delete";

/** `2026-01-31`, as labels have it. */
export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Tokens that nobody has used for `period` are invalidated and, when nobody minds for as long again, deleted. */
export function fateOf({ type, metadata }: Secret, period: number, now: number): Fate {
  if (type !== ACCOUNT_TOKEN || metadata.deletionTimestamp !== undefined) return "keep";
  if (parseTime(metadata.creationTimestamp) >= now - period) return "keep";
  const since = dateOf(now - period);
  const lastUsed = metadata.labels?.[LAST_USED];
  // A date that cannot be read is not proof of disuse.
  if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= since)) return "keep";
  const invalidSince = metadata.labels?.[INVALID_SINCE] ?? "";
  if (!isDate(invalidSince)) return "invalidate";
  return invalidSince >= since ? "keep" : "delete";
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && tryParseTime(`${text}T00:00:00Z`) !== undefined;
}

/** Looks once a day for service account tokens that are left over from the time when every account got one. */
export function legacyTokenCleaner(context: ControllerContext): Component {
  const { caches, client, config, env } = context;
  const secrets = caches.informer(resources.secrets);
  const accounts = caches.informer(resources.serviceaccounts);
  const pods = caches.pods();
  const period = config.legacyTokenCleanUpPeriodMs;
  const secretClient = client.resource(resources.secrets);
  const sweep = async (signal: AbortSignal): Promise<void> => {
    const now = env.clock.now();
    const since = await trackedSince(context, signal);
    if (since === undefined || now < since + DAY + period) return;
    for (const secret of secrets.lister.list()) {
      const fate = fateOf(secret, period, now);
      if (fate === "keep" || !isAutomatic(secret, accounts) || isMounted(secret, pods)) continue;
      try {
        if (fate === "invalidate") {
          const body = { metadata: { uid: secret.metadata.uid, labels: { [INVALID_SINCE]: dateOf(now) } } };
          await secretClient.patch(keyOf(secret), { type: "merge", body }, { signal });
        } else {
          const { resourceVersion } = secret.metadata;
          await secretClient.delete(keyOf(secret), { preconditions: { resourceVersion }, signal });
        }
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) continue;
        const { namespace, name } = secret.metadata;
        env.log.warn("Cannot clean up legacy token", { secret: `${namespace}/${name}`, error: errorText(error) });
      }
    }
  };
  const loop = new Loop({
    context,
    workers: 1,
    informers: [secrets, accounts, pods],
    reconcile: async (_key, signal) => {
      await sweep(signal);
      return DAY;
    },
  });
  loop.add(KEY);
  return loop;
}

async function trackedSince({ client }: ControllerContext, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { data } = await client.resource(resources.configmaps).get(TRACKING, { signal });
    return tryParseTime(`${data?.["since"] ?? ""}T00:00:00Z`);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether the account lists the secret, as it did when it got it automatically. */
function isAutomatic(secret: Secret, accounts: Informer<corev1.ServiceAccount>): boolean {
  const account = accounts.lister.get(accountOf(secret) ?? "");
  const uid = secret.metadata.annotations?.[ACCOUNT_UID] ?? "";
  if (account === undefined || (uid !== "" && uid !== account.metadata.uid)) return false;
  return account.secrets?.some(({ name }) => name === secret.metadata.name) === true;
}

/** Whether some pod of the namespace names the secret, wherever in its spec that may be. */
function isMounted({ metadata }: Secret, pods: Informer<corev1.Pod>): boolean {
  const named = (value: unknown): boolean => {
    if (typeof value !== "object" || value === null) return false;
    return Object.entries(value).some(([key, field]) =>
      typeof field === "string" ? field === metadata.name && (key === "name" || key === "secretName") : named(field),
    );
  };
  for (const { spec } of pods.lister.list(metadata.namespace)) if (named(spec)) return true;
  return false;
}
