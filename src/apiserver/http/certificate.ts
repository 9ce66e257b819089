import { X509Certificate } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { ClientCertificate } from "../seams/index.ts";

/** What a connection's client certificate says of the client. */
export interface PeerIdentity {
  readonly certificate?: ClientCertificate;
  /** Why the certificate that was shown is not to be trusted. */
  readonly problem?: string;
}

const NOBODY: PeerIdentity = {};

/** Reads client certificates, once a connection. */
export class PeerIdentities {
  readonly #known = new WeakMap<object, PeerIdentity>();
  readonly #frontProxyCas: readonly X509Certificate[];

  /** `frontProxyCa`: PEM of the CAs whose clients may speak for others by header. */
  constructor(frontProxyCa: string | undefined) {
    this.#frontProxyCas = certificatesIn(frontProxyCa ?? "").map((pem) => new X509Certificate(pem));
  }

  of(socket: object): PeerIdentity {
    let identity = this.#known.get(socket);
    if (!identity) this.#known.set(socket, (identity = this.#read(socket)));
    return identity;
  }

  #read(socket: object): PeerIdentity {
    if (!(socket instanceof TLSSocket)) return NOBODY;
    const peer = socket.getPeerX509Certificate();
    if (!peer) return NOBODY;
    if (!socket.authorized) return { problem: String(socket.authorizationError) };
    const subject = socket.getPeerCertificate().subject as { CN?: string | string[]; O?: string | string[] };
    const frontProxy = this.#frontProxyCas.some((ca) => peer.checkIssued(ca) && peer.verify(ca.publicKey));
    return {
      certificate: {
        commonName: listOf(subject.CN)[0] ?? "",
        organizations: listOf(subject.O),
        fingerprint: peer.fingerprint256.replaceAll(":", "").toLowerCase(),
        ...(frontProxy && { frontProxy }),
      },
    };
  }
}

/** The single certificates of a PEM bundle. */
export function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function listOf(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
