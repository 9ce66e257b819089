import { type corev1, type discoveryv1, resources } from "../api/index.ts";
import type { InformerFactory, Lister } from "../client/index.ts";
import type { ClusterView } from "./resolve.ts";

/** A view that follows the API, and a number that changes whenever anything in it did. */
export interface LiveView extends ClusterView {
  readonly generation: number;
}

/** Keeps a view by informers. Call before the factory runs: it adds indexes. */
export function liveView(informers: InformerFactory): LiveView {
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const namespaces = informers.informer(resources.namespaces);
  let generation = 0;
  const changed = (): void => {
    generation++;
  };
  for (const informer of [services, slices, namespaces]) {
    informer.handle({ added: changed, updated: changed, deleted: changed });
  }
  services.addIndex("address", (s) =>
    (s.spec.clusterIPs ?? [s.spec.clusterIP ?? ""]).filter((ip) => ip !== "" && ip !== "None"),
  );
  slices.addIndex("service", (s) => [
    `${s.metadata.namespace}/${s.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`,
  ]);
  slices.addIndex("address", (s) => (s.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
  return {
    get generation() {
      return generation;
    },
    ...view(services.lister, slices.lister, namespaces.lister),
  };
}

function view(
  services: Lister<corev1.Service>,
  slices: Lister<discoveryv1.EndpointSlice>,
  namespaces: Lister<corev1.Namespace>,
): ClusterView {
  return {
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, service) => slices.byIndex("service", `${namespace}/${service}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    servicesByAddress: (address) => services.byIndex("address", address),
    slicesByAddress: (address) => slices.byIndex("address", address),
  };
}
