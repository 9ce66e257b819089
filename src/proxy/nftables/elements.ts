import { createHash } from "node:crypto";
import type { Backend, Family, Frontend, PortRules } from "../model.ts";

/** Elements of the table's maps and sets, and the few chains of their own, that one Service needs. */
export interface ServiceElements {
  /** `map name` → key → data; data is empty for sets. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Chains that only this service uses: name → rules. Needed for session affinity alone. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Affinity sets that go with the chains: name → seconds. */
  readonly affinitySets: ReadonlyMap<string, number>;
  /** How many backends the shared chains must choose among: `lb`, `np` or `npl` and the count. */
  readonly counts: ReadonlySet<string>;
}

/** Names of the shared chains: `lb_tcp_3` picks one of three backends of a service address. */
export function pickChain(kind: "lb" | "np" | "npl", protocol: string, count: number): string {
  return `${kind}_${protocol}_${count}`;
}

/** Turns a Service's rules of one family into elements. Pure; what it gives is all the state a Service has in the kernel. */
export function serviceElements(rules: readonly PortRules[], family: Family): ServiceElements {
  const elements = new Map<string, Map<string, string>>();
  const chains = new Map<string, string[]>();
  const affinitySets = new Map<string, number>();
  const counts = new Set<string>();
  const put = (map: string, key: string, data = ""): void => {
    const found = elements.get(map) ?? new Map<string, string>();
    found.set(key, data);
    elements.set(map, found);
  };
  for (const rule of rules) {
    if (rule.family !== family) continue;
    for (const frontend of rule.frontends) {
      addFrontend(rule, frontend);
      for (const backend of frontend.backends)
        if (backend.local) put("hairpin", `${backend.address} . ${backend.address}`);
    }
  }
  return { elements, chains, affinitySets, counts };

  function addFrontend(rule: PortRules, frontend: Frontend): void {
    const isNode = frontend.kind === "node";
    const key = isNode
      ? `${rule.protocol} . ${frontend.port}`
      : `${frontend.address} . ${rule.protocol} . ${frontend.port}`;
    if (frontend.address !== undefined) put("service_addresses", frontend.address);
    if (frontend.backends.length === 0) {
      put(isNode ? "empty_node_ports" : "empty_services", key, frontend.whenEmpty === "drop" ? "drop" : "goto refuse");
      return;
    }
    if (frontend.masquerade && !isNode) put("masqueraded", key);
    const target = rule.affinity === undefined ? shared(rule, frontend) : sticky(rule, frontend, key, rule.affinity);
    put(isNode ? "node_ports" : "services", key, `goto ${target}`);
  }

  function shared({ protocol }: PortRules, frontend: Frontend): string {
    const isNode = frontend.kind === "node";
    const kind = !isNode ? "lb" : frontend.masquerade ? "np" : "npl";
    const map = `${isNode ? "node_port_endpoints" : "endpoints"}_${protocol}`;
    const key = isNode ? String(frontend.port) : `${frontend.address} . ${frontend.port}`;
    frontend.backends.forEach((backend, slot) => put(map, `${key} . ${slot}`, target(backend)));
    const chain = pickChain(kind, protocol, frontend.backends.length);
    counts.add(chain);
    return chain;
  }

  /** One chain that looks for the client in each backend's set before it picks at random, and one that remembers. */
  function sticky(rule: PortRules, frontend: Frontend, key: string, seconds: number): string {
    const id = hash(`${rule.name} ${key}`);
    const names = frontend.backends.map((backend) => `aff_${id}_${hash(target(backend))}`);
    const lookups = names.map((name) => `${family} saddr @${name} goto ${name}_to`);
    const mark = frontend.kind === "node" && frontend.masquerade ? ["jump mark_masquerade"] : [];
    const slots = names.map((name, slot) => `${slot} : goto ${name}_to`).join(", ");
    chains.set(`aff_${id}`, [...mark, ...lookups, `numgen random mod ${names.length} vmap { ${slots} }`]);
    names.forEach((name, i) => {
      const backend = frontend.backends[i] as Backend;
      affinitySets.set(name, seconds);
      chains.set(`${name}_to`, [
        `update @${name} { ${family} saddr timeout ${seconds}s }`,
        `meta l4proto ${rule.protocol} dnat ${family} to ${socket(backend, family)}`,
      ]);
    });
    return `aff_${id}`;
  }
}

function target(backend: Backend): string {
  return `${backend.address} . ${backend.port}`;
}

function socket(backend: Backend, family: Family): string {
  return family === "ip6" ? `[${backend.address}]:${backend.port}` : `${backend.address}:${backend.port}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
