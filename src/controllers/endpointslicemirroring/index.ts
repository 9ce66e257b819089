import { type corev1, type discoveryv1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { MANAGED_BY, SERVICE_NAME } from "../endpointslice/plan.ts";
import { MIRROR, planMirror } from "./plan.ts";

type Slice = discoveryv1.EndpointSlice;

const BY_SERVICE = "service";

/** Endpoints that people write, for Services without selector, are mirrored into EndpointSlices. */
export const endpointSliceMirroringController: ControllerDefinition = {
  name: "endpointslice-mirroring-controller",
  account: "endpointslicemirroring-controller",
  eventSource: "endpoint-slice-mirroring-controller",
  create: (context) => {
    const { caches, events } = context;
    const services = caches.informer(resources.services);
    const endpoints = caches.informer(resources.endpoints);
    const slices = caches.informer(resources.endpointslices);
    caches.index(slices, BY_SERVICE, (slice) => [serviceKeyOf(slice)].filter((key) => key !== undefined));
    const client = context.client.resource(resources.endpointslices);
    const ledger = new WriteLedger(slices, client, context.env, (slice) => wakeBy(slice));

    const mirrored = (key: string, owner: string): Slice[] =>
      ledger.view(slices.lister.byIndex(BY_SERVICE, key), owner).filter(isOurs);

    const remove = async (slice: Slice, signal: AbortSignal): Promise<void> => {
      await client
        .delete(keyOf(slice), { preconditions: { uid: slice.metadata.uid }, signal })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      ledger.deleting(slice);
    };

    const reconcile = async (key: string, signal: AbortSignal): Promise<void> => {
      const source = endpoints.lister.get(key);
      const service = services.lister.get(key);
      const wanted = source !== undefined && service !== undefined && shouldMirror(source);
      if (!wanted || service.spec.selector !== undefined) {
        for (const slice of mirrored(key, source?.metadata.uid ?? "")) await remove(slice, signal);
        return;
      }
      const existing = mirrored(key, source.metadata.uid).filter((s) => s.metadata.deletionTimestamp === undefined);
      const plan = planMirror(source, existing, context.config.mirroringMaxEndpointsPerSubset);
      for (const { reason, message } of plan.warnings) events.warning(resources.endpoints, source, reason, message);
      for (const slice of plan.create) ledger.created(await client.create(slice, { signal }));
      for (const slice of plan.update) ledger.wrote(await client.update(slice, { signal }));
      for (const slice of plan.remove) await remove(slice, signal);
    };

    const loop = new Loop({
      context,
      informers: [services, endpoints, slices],
      reconcile,
      close: () => ledger.close(),
    });
    const wakeBy = (slice: Slice): void => {
      const key = serviceKeyOf(slice);
      if (key !== undefined && isOurs(slice)) loop.add(key);
    };
    const wake = (service: corev1.Service): void => {
      if (service.spec.selector === undefined) loop.add(cacheKey(service));
    };
    services.handle({
      added: wake,
      deleted: wake,
      updated: (service, before) => {
        if ((service.spec.selector === undefined) !== (before.spec.selector === undefined)) loop.add(cacheKey(service));
      },
    });
    // Those of Services with selectors are the other controllers' work and change often.
    const touched = (object: corev1.Endpoints): void => {
      if (services.lister.get(cacheKey(object))?.spec.selector === undefined) loop.add(cacheKey(object));
    };
    endpoints.handle({ added: touched, updated: touched, deleted: touched });
    slices.handle({ added: wakeBy, updated: wakeBy, deleted: wakeBy });
    return loop;
  },
};

function shouldMirror({ metadata: { labels, annotations } }: corev1.Endpoints): boolean {
  if (labels?.["endpointslice.kubernetes.io/skip-mirror"] === "true") return false;
  return annotations?.["control-plane.alpha.kubernetes.io/leader"] === undefined;
}

function isOurs(slice: Slice): boolean {
  return slice.metadata.labels?.[MANAGED_BY] === MIRROR;
}

function serviceKeyOf(slice: Slice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME] ?? "";
  return name === "" ? undefined : `${slice.metadata.namespace}/${name}`;
}
