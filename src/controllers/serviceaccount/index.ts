import { resources } from "../../api/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { ensureExists } from "../common/ensure.ts";
import { Loop } from "../common/loop.ts";

const NAME = "default";

/** Every active namespace has a service account `default`, for the pods that name none. */
export const serviceAccountController: ControllerDefinition = {
  name: "serviceaccount-controller",
  account: "service-account-controller",
  create: (context) => {
    const namespaces = context.caches.informer(resources.namespaces);
    const accounts = context.caches.informer(resources.serviceaccounts);
    const client = context.client.resource(resources.serviceaccounts);
    const loop = new Loop({
      context,
      informers: [namespaces, accounts],
      reconcile: async (namespace, signal) => {
        if (namespaces.lister.get(namespace)?.status.phase !== "Active") return;
        if (accounts.lister.get(`${namespace}/${NAME}`) !== undefined) return;
        await ensureExists(client, { metadata: { name: NAME, namespace } }, signal);
      },
    });
    loop.follow(namespaces);
    accounts.handle({ deleted: (account) => loop.add(account.metadata.namespace) });
    return loop;
  },
};
