import { type coordinationv1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { type Env, errorText } from "../../kit/index.ts";
import { formatMicroTime, isNotFound } from "../../machinery/index.ts";

type Lease = coordinationv1.Lease;

const NAMESPACE = "kube-node-lease";
/** A lease is renewed four times before it would run out. */
const RENEWALS = 4;
const RETRY_MS = [200, 1000, 2000, 7000];

export interface LeaseOptions {
  readonly nodeName: string;
  readonly durationSeconds: number;
  /** The node's uid, so that the lease goes with the node. */
  readonly nodeUid: () => string | undefined;
}

/** Says again and again that the node is alive, until `signal` aborts. */
export async function keepLease(client: Client, env: Env, options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const interval = (options.durationSeconds * 1000) / RENEWALS;
  let known: Lease | undefined;
  for (let failures = 0; !signal.aborted;) {
    try {
      known = await renew(client, env, options, known);
      failures = 0;
    } catch (error) {
      known = undefined;
      if (!signal.aborted) env.log.warn("Node lease could not be renewed", { error: errorText(error) });
      failures++;
    }
    const delay = failures === 0 ? interval : (RETRY_MS[Math.min(failures - 1, RETRY_MS.length - 1)] ?? interval);
    await env.clock.sleep(delay, signal).catch(() => undefined);
  }
}

async function renew(client: Client, env: Env, options: LeaseOptions, known: Lease | undefined): Promise<Lease> {
  const leases = client.resource(resources.leases);
  const { nodeName: name, durationSeconds: leaseDurationSeconds } = options;
  const uid = options.nodeUid();
  const spec = { holderIdentity: name, leaseDurationSeconds, renewTime: formatMicroTime(env.clock.now()) };
  const owner = uid === undefined ? undefined : [{ apiVersion: "v1", kind: "Node", name, uid }];
  const current = known ?? (await leases.get({ namespace: NAMESPACE, name }).catch(orNothing));
  if (!current) {
    const metadata = { name, namespace: NAMESPACE, ...(owner && { ownerReferences: owner }) };
    return leases.create({ metadata, spec });
  }
  const metadata = {
    ...current.metadata,
    ...(owner && !current.metadata.ownerReferences && { ownerReferences: owner }),
  };
  return leases.update({ ...current, metadata, spec: { ...current.spec, ...spec } });
}

function orNothing(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
