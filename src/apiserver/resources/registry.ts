import { configMaps, secrets } from "./core/config.ts";
import { endpoints } from "./core/endpoints.ts";
import { events } from "./core/events.ts";
import { limitRanges } from "./core/limit-ranges.ts";
import { namespaces } from "./core/namespaces.ts";
import { nodes } from "./core/nodes.ts";
import { persistentVolumeClaims } from "./core/persistent-volume-claims.ts";
import { persistentVolumes } from "./core/persistent-volumes.ts";
import { podTemplates, replicationControllers } from "./core/replication-controllers.ts";
import { resourceQuotas } from "./core/resource-quotas.ts";
import { serviceAccounts } from "./core/service-accounts.ts";
import type { KindFactory } from "./kind.ts";
import { pods } from "./pods/index.ts";
import { services } from "./services/index.ts";

/**
 * Every kind with rules of its own, by resource and group (`pods`, `deployments.apps`). Versions share their rules: objects
 * are judged in the stored version's form.
 */
export const KINDS: Readonly<Record<string, KindFactory<never>>> = {
  configmaps: configMaps,
  endpoints,
  events,
  limitranges: limitRanges,
  namespaces,
  nodes,
  persistentvolumeclaims: persistentVolumeClaims,
  persistentvolumes: persistentVolumes,
  pods,
  podtemplates: podTemplates,
  replicationcontrollers: replicationControllers,
  resourcequotas: resourceQuotas,
  secrets,
  serviceaccounts: serviceAccounts,
  services,
};
