import type { Store } from "../contract.ts";
import { EtcdStore } from "./etcd-store.ts";
import type { EtcdStoreOptions } from "./options.ts";

export type { EtcdStoreOptions } from "./options.ts";

/**
 * Connects to an etcd cluster. Rejects with `UnavailableError` when no member answers in time, with
 * `AccessDeniedError` when the credentials are refused.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const store = new EtcdStore(options);
  try {
    await store.revision();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
