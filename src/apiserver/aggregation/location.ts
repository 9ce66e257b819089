import { type corev1, type discoveryv1, resources } from "../../api/index.ts";
import type { Random } from "../../kit/index.ts";
import type { Target } from "../endpoints/connect/address.ts";
import type { Lookup } from "../seams/index.ts";
import type { AuthenticationInfo } from "./authentication-info.ts";
import type { Verdict } from "./availability.ts";
import type { ApiService } from "./types.ts";

/** Where a remote service is, or why it is nowhere. */
export type Located = { readonly target: Target } | { readonly problem: Verdict };

/** Our papers towards servers that we speak to for others (the front proxy's), and what those servers may know of us. */
export interface ProxyPapers extends AuthenticationInfo {
  readonly cert?: string;
  readonly key?: string;
}

/** Finds a ready endpoint of the Service that an APIService names. */
export async function locate(
  service: ApiService,
  lookup: Lookup,
  random: Random,
  papers: ProxyPapers,
): Promise<Located> {
  const { service: ref, caBundle, insecureSkipTLSVerify } = service.spec;
  const { namespace = "", name = "", port = 443 } = ref ?? {};
  const found = await lookup.get(resources.services, name, namespace);
  const at = `service/${name} in ${JSON.stringify(namespace)}`;
  if (!found) return { problem: failed("ServiceNotFound", `${at} is not present`) };
  const servicePort = found.spec.ports?.find((one) => one.port === port);
  if (!servicePort && found.spec.type !== "ExternalName") {
    return { problem: failed("ServicePortError", `${at} is not listening on port ${port}`) };
  }
  const tls = {
    serverName: `${name}.${namespace}.svc`,
    insecure: insecureSkipTLSVerify === true,
    ...(caBundle && { ca: Buffer.from(caBundle, "base64").toString() }),
    ...(papers.cert !== undefined && papers.key !== undefined && { cert: papers.cert, key: papers.key }),
  };
  if (found.spec.type === "ExternalName") {
    return { target: { scheme: "https", host: found.spec.externalName ?? "", port, tls } };
  }
  const places = placesOf(await slicesOf(lookup, found), servicePort?.name ?? "");
  const place = places[random.int(Math.max(1, places.length))];
  if (!place) {
    const message = `endpoints for ${at} have no addresses with port name ${JSON.stringify(servicePort?.name ?? "")}`;
    return { problem: failed("MissingEndpoints", message) };
  }
  return { target: { scheme: "https", ...place, tls } };
}

async function slicesOf(lookup: Lookup, { metadata }: corev1.Service): Promise<readonly discoveryv1.EndpointSlice[]> {
  const all = await lookup.list(resources.endpointslices, metadata.namespace);
  return all.filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name);
}

function placesOf(
  slices: readonly discoveryv1.EndpointSlice[],
  portName: string,
): { readonly host: string; readonly port: number }[] {
  return slices.flatMap((slice) => {
    const port = slice.ports?.find((one) => (one.name ?? "") === portName)?.port;
    if (port === undefined) return [];
    const ready = slice.endpoints.filter((one) => one.conditions?.ready !== false);
    return ready.flatMap((one) => one.addresses.map((host) => ({ host, port })));
  });
}

function failed(reason: string, message: string): Verdict {
  return { status: "False", reason, message };
}
