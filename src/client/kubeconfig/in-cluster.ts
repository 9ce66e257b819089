import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "../../kit/index.ts";
import type { Environment } from "./load.ts";
import type { ResolvedContext } from "./resolve.ts";

/** Where a pod finds the credentials of its service account. */
export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The connection of a pod to its own cluster. Throws `NotInCluster` when the variables or the token that a pod has are
 * not there.
 */
export function inClusterContext(
  options: { readonly environment?: Environment; readonly directory?: string } = {},
): ResolvedContext {
  const { environment = process.env, directory = SERVICE_ACCOUNT_DIR } = options;
  const [host, port] = [environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]];
  if (!host || !port) {
    const message = "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set";
    throw new CodedError("NotInCluster", message);
  }
  const tokenFile = join(directory, "token");
  const caFile = join(directory, "ca.crt");
  const namespaceFile = join(directory, "namespace");
  if (!existsSync(tokenFile)) {
    throw new CodedError("NotInCluster", `no service account token: ${tokenFile} does not exist`);
  }
  return {
    name: "in-cluster",
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, "utf8").trim() : "default",
    connection: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      tokenFile,
      ...(existsSync(caFile) && { caFile }),
    },
  };
}
