import { isCoded } from "../../kit/index.ts";
import { inClusterContext } from "./in-cluster.ts";
import type { KubeconfigOptions } from "./load.ts";
import { loadKubeconfig } from "./load.ts";
import type { ContextOptions, ResolvedContext } from "./resolve.ts";
import { resolveContext } from "./resolve.ts";

/**
 * The context that a program shall use when told no more than these options: the kubeconfig's, or, where none is configured
 * at all, the one of the pod it runs in. Rejects like {@link loadKubeconfig} and {@link resolveContext}.
 */
export async function findContext(options: KubeconfigOptions & ContextOptions = {}): Promise<ResolvedContext> {
  const config = await loadKubeconfig(options);
  try {
    return resolveContext(config, options);
  } catch (error) {
    if (!isCoded(error, "KubeconfigEmpty") || options.path) throw error;
    const { environment, namespace } = options;
    try {
      const pod = inClusterContext(environment && { environment });
      return namespace ? { ...pod, namespace } : pod;
    } catch (inCluster) {
      throw isCoded(inCluster, "NotInCluster") ? error : inCluster;
    }
  }
}
