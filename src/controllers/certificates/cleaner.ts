import { X509Certificate } from "node:crypto";
import { type certificatesv1, resources } from "../../api/index.ts";
import type { Component } from "../../kit/index.ts";
import { isNotFound, parseTime, tryParseTime } from "../../machinery/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { isIssued } from "./requests.ts";

type SigningRequest = certificatesv1.CertificateSigningRequest;

const HOUR = 3_600_000;
const DECIDED = HOUR;
const PENDING = 24 * HOUR;

/** When the request is of no more use to anybody, in milliseconds: some time after its last step, or when its certificate ends. */
export function uselessAt(request: SigningRequest): number {
  const { conditions = [] } = request.status;
  if (conditions.length === 0) return parseTime(request.metadata.creationTimestamp) + PENDING;
  let at = Infinity;
  for (const { type, lastUpdateTime } of conditions) {
    const since = tryParseTime(lastUpdateTime) ?? Infinity;
    if (type === "Denied" || type === "Failed") at = Math.min(at, since + DECIDED);
    if (type !== "Approved") continue;
    at = Math.min(at, since + (isIssued(request) ? DECIDED : PENDING));
    if (isIssued(request)) at = Math.min(at, endOf(request));
  }
  return at;
}

function endOf({ status }: SigningRequest): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(status.certificate ?? "", "base64")).validTo);
  } catch {
    return Infinity;
  }
}

/** Deletes requests that are of no more use. */
export function cleaner(context: ControllerContext): Component {
  const requests = context.caches.informer(resources.certificatesigningrequests);
  const client = context.client.resource(resources.certificatesigningrequests);
  const loop = new Loop({
    context,
    workers: 1,
    informers: [requests],
    reconcile: async (name, signal) => {
      const request = requests.lister.get(name);
      if (request === undefined) return undefined;
      const wait = uselessAt(request) - context.env.clock.now();
      // To the second: the same precision that the times of objects have.
      if (wait >= 0) return Number.isFinite(wait) ? wait + 1000 : undefined;
      try {
        await client.delete({ name }, { preconditions: { uid: request.metadata.uid }, signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  });
  loop.follow(requests);
  return loop;
}
