import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { usageError } from "../cli/errors.ts";

/** IPv4 as a number; NaN when it is none. */
function toNumber(address: string): number {
  const parts = address.split(".").map(Number);
  return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : Number.NaN;
}

/** First and last address of an IPv4 range, as numbers. */
function bounds(cidr: string): [first: number, last: number] {
  const [address = "", length = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(toNumber(address) / size) * size;
  return [first, first + size - 1];
}

/** Whether two IPv4 ranges share an address. */
export function overlaps(a: string, b: string): boolean {
  const [firstA, lastA] = bounds(a);
  const [firstB, lastB] = bounds(b);
  return firstA <= lastB && firstB <= lastA;
}

/** The `index`th address of a range: 10.96.0.0/16, 10 → 10.96.0.10. */
export function addressAt(cidr: string, index: number): string {
  const value = bounds(cidr)[0] + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** The IPv4 ranges this machine is already connected to, pods' bridges of our own included. */
export function connectedRanges(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter((a) => a.family === "IPv4" && !a.internal && a.cidr).map((a) => a.cidr as string),
  );
}

/**
 * The Service ranges of clusters that run on this machine, whoever made them: a second cluster with the same range would take
 * the first one's connections. Read from their nftables rules; empty where there are none, or we may not look.
 */
export function serviceRangesInUse(): string[] {
  try {
    const rules = execFileSync("nft", ["list", "ruleset", "ip"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return [...rules.matchAll(/ip daddr (\d+\.\d+\.\d+\.\d+\/\d+) ip saddr != \S+ jump mark_masquerade/g)].flatMap(
      (m) => m[1] ?? [],
    );
  } catch {
    return [];
  }
}

/**
 * The address under which others reach this machine: that of the interface with the default route, else the first that
 * is not loopback, else 127.0.0.1 (a machine without any network still gets a cluster).
 */
export function machineAddress(): string {
  const interfaces = networkInterfaces();
  const ipv4 = (name: string): string | undefined =>
    interfaces[name]?.find((a) => a.family === "IPv4" && !a.internal)?.address;
  const preferred = defaultRouteInterface();
  const candidates = [
    ...(preferred ? [preferred] : []),
    ...Object.keys(interfaces).filter((name) => !/^(k8ts|cni|veth|docker|br-)/.test(name)),
  ];
  for (const name of candidates) {
    const address = ipv4(name);
    if (address) return address;
  }
  return "127.0.0.1";
}

function defaultRouteInterface(): string | undefined {
  try {
    const routes = readFileSync("/proc/net/route", "utf8").split("\n").slice(1);
    return routes.map((line) => line.split("\t")).find(([, destination]) => destination === "00000000")?.[0];
  } catch {
    return undefined;
  }
}

/** Picks the first of `candidates` that overlaps none of `taken`. */
export function freeRange(candidates: readonly string[], taken: readonly string[]): string | undefined {
  return candidates.find((candidate) => !taken.some((other) => overlaps(candidate, other)));
}

/**
 * Whether a TCP port can be bound on all addresses, of both families, right now. (Naming an address would make Node compile
 * its pattern of IPv6 addresses: 6 ms.) Throws when this user may not bind it at all.
 */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EACCES") resolve(false);
      else reject(usageError(`this user may not listen on port ${port}`, "take a port from 1024 on, or run as root"));
    });
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** `preferred` if it is free and not in `taken`, else a free one that the kernel picks. */
export async function freePort(preferred: number, taken: ReadonlySet<number>): Promise<number> {
  if (!taken.has(preferred) && (await isPortFree(preferred))) return preferred;
  for (;;) {
    const port = await kernelPort();
    if (!taken.has(port)) return port;
  }
}

function kernelPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port: 0 }, () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
