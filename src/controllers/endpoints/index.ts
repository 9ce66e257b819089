import { type corev1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { errorText } from "../../kit/index.ts";
import { hasCause, isNotFound } from "../../machinery/index.ts";
import { splitKey } from "../common/claims.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { WriteLedger } from "../common/ledger.ts";
import { endpointChange } from "../endpointslice/endpoint.ts";
import { TriggerTimes } from "../endpointslice/trigger-time.ts";
import { planEndpoints } from "./plan.ts";

const LEADER = "control-plane.alpha.kubernetes.io/leader";

/** Endpoints (the old form of EndpointSlices) of Services with selectors; those of Services that are gone are deleted. */
export const endpointsController: ControllerDefinition = {
  name: "endpoints-controller",
  account: "endpoint-controller",
  eventSource: "endpoint-controller",
  create: (context) => {
    const { caches, client, events } = context;
    const services = caches.informer(resources.services);
    const endpoints = caches.informer(resources.endpoints);
    const selected = caches.servicePods();
    const target = client.resource(resources.endpoints);
    const triggers = new TriggerTimes();
    const ledger = new WriteLedger(endpoints, target, context.env, (object) => loop.add(cacheKey(object)));

    const remove = async (key: string, signal: AbortSignal): Promise<void> => {
      triggers.forget(key);
      const left = endpoints.lister.get(key);
      // Endpoints without a Service once held leader elections: those are not ours.
      if (left === undefined || left.metadata.annotations?.[LEADER] !== undefined) return;
      await target.delete(splitKey(key), { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    };

    const reconcile = async (key: string, signal: AbortSignal): Promise<void> => {
      const service = services.lister.get(key);
      if (service === undefined) return remove(key, signal);
      if (service.spec.type === "ExternalName" || service.spec.selector === undefined) return;
      const pods = [...selected.by(key)];
      const current = ledger.get(key);
      const next = planEndpoints(service, pods, current, triggers.note(key, service, pods));
      if (next === undefined) return;
      try {
        ledger.created(
          await (current === undefined ? target.create(next, { signal }) : target.update(next, { signal })),
        );
      } catch (error) {
        if (!signal.aborted && !hasCause(error, "NamespaceTerminating")) {
          const [reason, what] =
            current === undefined
              ? ["FailedToCreateEndpoint", `Failed to create endpoint for service ${key}`]
              : ["FailedToUpdateEndpoint", `Failed to update endpoint ${key}`];
          events.warning(resources.endpoints, current ?? service, reason, `${what}: ${errorText(error)}`);
        }
        throw error;
      }
    };

    const loop = new Loop({
      context,
      informers: [selected, endpoints],
      reconcile,
      close: () => ledger.close(),
    });
    loop.follow(services);
    const touched = ({ metadata }: corev1.Pod): void => {
      for (const service of selected.selecting(metadata.namespace, metadata.labels)) loop.add(cacheKey(service));
    };
    caches.pods().handle({
      added: touched,
      deleted: touched,
      updated: (pod, before) => {
        const change = endpointChange(pod, before);
        if (change.any) touched(pod);
        if (change.labels) touched(before);
      },
    });
    endpoints.handle({
      // What is there at the beginning may be left over from a Service that went while nobody looked.
      added: (object, initial) => {
        if (initial) loop.add(cacheKey(object));
      },
      deleted: (object) => loop.add(cacheKey(object)),
    });
    return loop;
  },
};
