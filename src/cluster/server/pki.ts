import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type CertificateRequest, createAuthority, type Env, issue, type KeyPair } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";

const DAY_MS = 24 * 3600_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** A certificate with less than this left is issued anew at start. */
const RENEW_DAYS = 60;
/** Certificates are valid from a little earlier, for clients whose clocks lag. */
const BACKDATE_MS = 3600_000;

/** Every key and certificate of a one-machine control plane. What is not needed to serve is loaded or made when first asked for. */
export interface Pki {
  readonly authority: KeyPair;
  /** Signs the client certificate with which the API server vouches for users to extension servers. */
  readonly frontProxyAuthority: KeyPair;
  readonly frontProxyClient: KeyPair;
  readonly apiServer: KeyPair;
  /** The API server as a client of kubelets. */
  readonly kubeletClient: KeyPair;
  /** The node's own identity, as a client and as a server. */
  readonly kubelet: KeyPair;
  readonly kubeletServer: KeyPair;
  readonly admin: KeyPair;
  /** Private key, PEM, that signs service account tokens. */
  readonly serviceAccountKey: string;
}

type LeafRequest = Omit<CertificateRequest, "notBefore" | "notAfter">;
type LeafName =
  | "front-proxy-client"
  | "apiserver"
  | "apiserver-kubelet-client"
  | "kubelet"
  | "kubelet-server"
  | "admin";

/**
 * Loads the cluster's keys from `dir` and makes what is missing, about to expire, or does not name `nodeIP` any more.
 * Keys are P-256 (an RSA key takes a second to make) and readable by the owner only.
 */
export function ensurePki(dir: string, spec: ClusterSpec, nodeIP: string, env: Env): Pki {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const authority = ensureAuthority(dir, "ca", "kubernetes", env);
  const frontProxyAuthority = ensureAuthority(dir, "front-proxy-ca", "front-proxy-ca", env);
  const requests = leafRequests(spec, nodeIP);
  const made = new Map<LeafName, KeyPair>();
  const leaf = (name: LeafName): KeyPair => {
    const issuer = name === "front-proxy-client" ? frontProxyAuthority : authority;
    const pair = made.get(name) ?? ensureLeaf(dir, name, issuer, requests[name], env);
    made.set(name, pair);
    return pair;
  };
  return {
    authority,
    frontProxyAuthority,
    apiServer: leaf("apiserver"),
    serviceAccountKey: ensureServiceAccountKey(dir),
    get frontProxyClient() {
      return leaf("front-proxy-client");
    },
    get kubeletClient() {
      return leaf("apiserver-kubelet-client");
    },
    get kubelet() {
      return leaf("kubelet");
    },
    get kubeletServer() {
      return leaf("kubelet-server");
    },
    get admin() {
      return leaf("admin");
    },
  };
}

/** Makes or renews the certificates that nobody has asked for yet: others look for them in the folder. */
export function completePki(pki: Pki): void {
  const { frontProxyClient: _1, kubeletClient: _2, kubelet: _3, kubeletServer: _4, admin: _5 } = pki;
}

function leafRequests(spec: ClusterSpec, nodeIP: string): Record<LeafName, LeafRequest> {
  const node = { commonName: `system:node:${spec.nodeName}`, organizations: ["system:nodes"] };
  const nodeNames = [spec.nodeName, "localhost", nodeIP, "127.0.0.1"];
  const masters = (commonName: string): LeafRequest => ({
    subject: { commonName, organizations: ["system:masters"] },
    usages: ["client"],
  });
  return {
    "front-proxy-client": { subject: { commonName: "front-proxy-client" }, usages: ["client"] },
    apiserver: {
      subject: { commonName: "kube-apiserver" },
      names: apiServerNames(spec, nodeIP),
      usages: ["server"],
    },
    "apiserver-kubelet-client": masters("kube-apiserver-kubelet-client"),
    kubelet: { subject: node, usages: ["client"] },
    "kubelet-server": { subject: node, names: nodeNames, usages: ["server"] },
    admin: masters("kubernetes-admin"),
  };
}

function apiServerNames(spec: ClusterSpec, nodeIP: string): string[] {
  const service = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${spec.clusterDomain}`,
  ];
  const addresses = ["127.0.0.1", "::1", nodeIP, addressAt(spec.serviceCidr, 1)];
  return [...new Set([...service, "localhost", spec.nodeName, hostname(), ...addresses])];
}

function ensureAuthority(dir: string, name: string, commonName: string, env: Env): KeyPair {
  const stored = load(dir, name);
  if (stored) return stored;
  const now = env.clock.now();
  const pair = createAuthority(
    commonName,
    { notBefore: now - BACKDATE_MS, notAfter: now + AUTHORITY_DAYS * DAY_MS },
    env.random,
  );
  return save(dir, name, pair);
}

function ensureLeaf(dir: string, name: string, issuer: KeyPair, request: LeafRequest, env: Env): KeyPair {
  const now = env.clock.now();
  const stored = load(dir, name);
  if (stored && isGood(stored, issuer, request.names ?? [], now)) return stored;
  const span = { notBefore: now - BACKDATE_MS, notAfter: now + LEAF_DAYS * DAY_MS };
  return save(dir, name, issue(issuer, { ...request, ...span }, env.random));
}

function isGood(pair: KeyPair, issuer: KeyPair, names: readonly string[], now: number): boolean {
  const cert = new X509Certificate(pair.cert);
  const covers = (name: string): boolean => cert.checkHost(name) !== undefined || cert.checkIP(name) !== undefined;
  const fresh = Date.parse(cert.validTo) - now > RENEW_DAYS * DAY_MS;
  return fresh && cert.verify(new X509Certificate(issuer.cert).publicKey) && names.every(covers);
}

function ensureServiceAccountKey(dir: string): string {
  const file = join(dir, "sa.key");
  if (existsSync(file)) return readFileSync(file, "utf8");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  write(file, pem);
  return pem;
}

function load(dir: string, name: string): KeyPair | undefined {
  const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  if (!existsSync(cert) || !existsSync(key)) return undefined;
  const pair = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  try {
    new X509Certificate(pair.cert);
    return pair;
  } catch (cause) {
    throw new CliError(`${cert} is not a PEM certificate`, {
      hint: "restore it from a backup, or remove it to have a new one made",
      cause,
    });
  }
}

function save(dir: string, name: string, pair: KeyPair): KeyPair {
  write(join(dir, `${name}.key`), pair.key);
  write(join(dir, `${name}.crt`), pair.cert);
  return pair;
}

function write(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
