import { type corev1, type Draft, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { isAlreadyExists } from "../../machinery/index.ts";

/** By what an extension server can tell that a request comes from us, and that a certificate is a client's of ours. */
export interface AuthenticationInfo {
  /** PEM of the CAs of client certificates. */
  readonly clientCa?: string;
  /** PEM of the CA of the front proxy's certificate. */
  readonly requestHeaderCa?: string;
  /** Common names that the front proxy's certificate may have. */
  readonly allowedNames?: readonly string[];
}

const KEY = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/** Publishes it where extension servers look: a ConfigMap that they may read by upstream's bootstrap role. */
export async function publishAuthenticationInfo(client: Client, info: AuthenticationInfo): Promise<void> {
  const maps = client.resource(resources.configmaps);
  const draft: Draft<corev1.ConfigMap> = { metadata: KEY, data: dataOf(info) };
  try {
    await maps.create(draft);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await maps.patch(KEY, { type: "merge", body: { data: draft.data } });
  }
}

function dataOf({ clientCa, requestHeaderCa, allowedNames = [] }: AuthenticationInfo): Record<string, string> {
  return {
    ...(clientCa !== undefined && { "client-ca-file": clientCa }),
    ...(requestHeaderCa !== undefined && {
      "requestheader-client-ca-file": requestHeaderCa,
      "requestheader-allowed-names": JSON.stringify(allowedNames),
      "requestheader-username-headers": '["X-Remote-User"]',
      "requestheader-uid-headers": '["X-Remote-Uid"]',
      "requestheader-group-headers": '["X-Remote-Group"]',
      "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    }),
  };
}
