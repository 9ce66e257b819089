import type { corev1 } from "../../../api/index.ts";
import type { Kind } from "../kind.ts";

type ServiceAccount = corev1.ServiceAccount;
const ENFORCE = "kubernetes.io/enforce-mountable-secrets";

/** Service accounts. */
export function serviceAccounts(): Kind<ServiceAccount> {
  return {
    prepareForCreate: keepSecretNamesOnly,
    prepareForUpdate: keepSecretNamesOnly,
    warnings({ metadata }, old) {
      if (metadata.annotations?.[ENFORCE] === undefined || old?.metadata.annotations?.[ENFORCE] !== undefined)
        return [];
      const words = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
      return [`metadata.annotations[${ENFORCE}]: ${words}`];
    },
  };
}

function keepSecretNamesOnly(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}
