import { isIP } from "node:net";

/** What a request is passed on to. */
export interface Target {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** It is a kubelet, at the place its Node names: reached with our own papers, by whatever way leads to that node. */
  readonly node?: string;
  /** How TLS is to be done, where that is not the kubelet's way or nobody's. */
  readonly tls?: {
    readonly serverName: string;
    /** PEM; absent: the system's. */
    readonly ca?: string;
    readonly insecure: boolean;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** Loopback, link-local, multicast, unspecified. */
export function isLocal(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  if (isIP(plain) === 4) return /^(0|127|22[4-9]|23\d|255)\.|^169\.254\./.test(plain);
  return (
    plain === "::" ||
    plain === "::1" ||
    /^fe[89ab]/.test(plain) ||
    plain.startsWith("ff") ||
    plain.startsWith("::ffff:")
  );
}
