import { X509Certificate } from "node:crypto";
import { type certificatesv1, resources } from "../../api/index.ts";
import { certify, type Component, type KeyPair, type ParsedRequest, type Random, type Usage } from "../../kit/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import {
  CLIENT,
  hasCondition,
  isIssued,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  LEGACY,
  parsed,
  refusal,
} from "./requests.ts";

type SigningRequest = certificatesv1.CertificateSigningRequest;

const SIGNERS = new Set([KUBELET_SERVING, KUBELET_CLIENT, CLIENT, LEGACY]);
const MINUTE = 60_000;
/** Certificates begin in the past, for those whose clocks are behind. */
const BACKDATE = 5 * MINUTE;
/** The shortest validity; shorter ones would be over before they began to be of use. */
const SHORTEST = 10 * MINUTE;
/** Shorter ones do not end earlier for having begun earlier. */
const SHORT = 8 * 60 * MINUTE;
const PURPOSES: Readonly<Record<string, Usage>> = { "client auth": "client", "server auth": "server" };
const KEY_USAGES = new Set(["digital signature", "key encipherment"]);

/** The validity of a certificate, in milliseconds: as asked for within limits, and never beyond that of its CA. */
export function validity(
  expirationSeconds: number | undefined,
  longest: number,
  caEnd: number,
  now: number,
): { notBefore: number; notAfter: number } {
  const asked = expirationSeconds === undefined ? longest : expirationSeconds * 1000;
  const duration = asked > longest ? longest : Math.max(asked, SHORTEST);
  if (now >= caEnd) {
    throw new Error(`refusing to sign a certificate that expired in the past: NotAfter=${formatTime(caEnd)}`);
  }
  const end = now + (duration < SHORT ? duration : duration - BACKDATE);
  return { notBefore: now - BACKDATE, notAfter: Math.min(end, caEnd) };
}

/** Signs; PEM. Of alternative names only DNS names and addresses are taken over. */
export function signed(
  authority: KeyPair,
  { subject, dnsNames, ipAddresses, publicKey }: ParsedRequest,
  usages: readonly string[],
  span: { readonly notBefore: number; readonly notAfter: number },
  random: Random,
): string {
  const purposes = usages.flatMap((usage) => PURPOSES[usage] ?? []);
  const unknown = usages.filter((usage) => PURPOSES[usage] === undefined && !KEY_USAGES.has(usage));
  if (unknown.length > 0) throw new Error(`cannot sign for these usages: ${unknown.join(", ")}`);
  return certify(
    authority,
    { subject, names: [...dnsNames, ...ipAddresses], usages: purposes, ...span },
    publicKey,
    random,
  );
}

/** Signs what was approved for Kubernetes' own signers. Does nothing without a CA. */
export function signer(context: ControllerContext): Component | undefined {
  const { signer: authority, env, config } = context;
  if (authority === undefined) return undefined;
  const requests = context.caches.informer(resources.certificatesigningrequests);
  const client = context.client.resource(resources.certificatesigningrequests);
  const caEnd = Date.parse(new X509Certificate(authority.cert).validTo);
  const answer = (request: SigningRequest): SigningRequest["status"] => {
    const now = env.clock.now();
    const wanted = parsed(request);
    const message = refusal(request, wanted);
    if (message !== undefined) {
      const failure = { type: "Failed", status: "True", reason: "SignerValidationFailure", message };
      const conditions = [...(request.status.conditions ?? []), { ...failure, lastUpdateTime: formatTime(now) }];
      return { ...request.status, conditions };
    }
    const span = validity(request.spec.expirationSeconds, config.clusterSigningDurationMs, caEnd, now);
    const pem = signed(authority, wanted, request.spec.usages ?? [], span, env.random);
    return { ...request.status, certificate: Buffer.from(pem).toString("base64") };
  };
  const loop = new Loop({
    context,
    retry: { base: 200 },
    informers: [requests],
    reconcile: async (name, signal) => {
      const request = requests.lister.get(name);
      if (request === undefined || isIssued(request) || !SIGNERS.has(request.spec.signerName)) return;
      if (!hasCondition(request, "Approved") || hasCondition(request, "Failed")) return;
      await client.update({ ...request, status: answer(request) }, { subresource: "status", signal });
    },
  });
  loop.follow(requests);
  return loop;
}
