import type { Family } from "../model.ts";

/** What the fixed part of the table depends on. */
export interface TableOptions {
  readonly table: string;
  readonly family: Family;
  /** Pods' addresses in the whole cluster: what comes from elsewhere to a cluster IP is masqueraded. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly choice: "random" | "roundRobin";
}

/** The bit that says "masquerade me" between the hooks: upstream's default (--iptables-masquerade-bit 14). */
const MARK = "0x4000";

const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

/**
 * Declarations of the maps and sets: name → type. Backends have a map a protocol: nft ties a map that holds ports to the
 * protocol it was declared with.
 */
function collections(family: Family): [kind: "map" | "set", name: string, type: string][] {
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const draw = "numgen random mod 65536";
  const backends = PROTOCOLS.flatMap((protocol): [kind: "map", name: string, type: string][] => {
    const backend = `${family} daddr . ${protocol} dport`;
    return [
      ["map", `endpoints_${protocol}`, `typeof ${family} daddr . ${protocol} dport . ${draw} : ${backend}`],
      ["map", `node_port_endpoints_${protocol}`, `typeof ${protocol} dport . ${draw} : ${backend}`],
    ];
  });
  return [
    ...backends,
    ["map", "services", `type ${address} . inet_proto . inet_service : verdict`],
    ["map", "node_ports", "type inet_proto . inet_service : verdict"],
    ["map", "empty_services", `type ${address} . inet_proto . inet_service : verdict`],
    ["map", "empty_node_ports", "type inet_proto . inet_service : verdict"],
    ["set", "service_addresses", `type ${address}`],
    ["set", "masqueraded", `type ${address} . inet_proto . inet_service`],
    ["set", "hairpin", `type ${address} . ${address}`],
  ];
}

/** Whether a collection holds verdicts or data, rather than bare keys. */
export function isMap(name: string): boolean {
  return !["service_addresses", "masqueraded", "hairpin"].includes(name);
}

/** The commands that make an empty table in place of whatever stood under its name, within one transaction. */
export function createTable(options: TableOptions): string[] {
  const { family, table } = options;
  const id = `${family} ${table}`;
  return [
    `add table ${id}`,
    `delete table ${id}`,
    `add table ${id} { comment "k8ts service proxy"; }`,
    ...collections(family).map(([kind, name, type]) => `add ${kind} ${id} ${name} { ${type}; }`),
    ...Object.entries(chains(options)).flatMap(([name, { hook, rules }]) => [
      `add chain ${id} ${name}${hook ? ` { ${hook} }` : ""}`,
      ...rules.map((rule) => `add rule ${id} ${name} ${rule}`),
    ]),
  ];
}

/** The rules of a shared chain (`lb_tcp_3`): one look-up from (destination, number drawn) to the backend. */
export function pickRule(chain: string, options: TableOptions): string[] {
  const [kind, protocol, count] = chain.split("_");
  const draw = `numgen ${options.choice === "random" ? "random" : "inc"} mod ${count}`;
  const { family } = options;
  if (kind === "lb")
    return [`dnat ${family} to ${family} daddr . ${protocol} dport . ${draw} map @endpoints_${protocol}`];
  const pick = `dnat ${family} to ${protocol} dport . ${draw} map @node_port_endpoints_${protocol}`;
  return kind === "np" ? ["jump mark_masquerade", pick] : [pick];
}

function chains({ family, podCidr, serviceCidr }: TableOptions): Record<string, { hook?: string; rules: string[] }> {
  const loopback = family === "ip" ? "127.0.0.0/8" : "::1";
  const service = `${family} daddr . meta l4proto . th dport`;
  return {
    mark_masquerade: { rules: [`meta mark set meta mark or ${MARK}`] },
    // A reset is never held back by the kernel's limit on ICMP errors.
    refuse: { rules: ["meta l4proto tcp reject with tcp reset", "reject"] },
    dispatch: {
      rules: [
        `${family} daddr ${serviceCidr} ${family} saddr != ${podCidr} jump mark_masquerade`,
        `${service} @masqueraded jump mark_masquerade`,
        `${service} vmap @services`,
        "fib daddr type local meta l4proto . th dport vmap @node_ports",
      ],
    },
    prerouting: { hook: "type nat hook prerouting priority dstnat; policy accept;", rules: ["jump dispatch"] },
    output: { hook: "type nat hook output priority -100; policy accept;", rules: ["jump dispatch"] },
    postrouting: {
      hook: "type nat hook postrouting priority srcnat; policy accept;",
      rules: [
        `${family} saddr . ${family} daddr @hairpin masquerade fully-random`,
        `meta mark and ${MARK} != 0 meta mark set meta mark xor ${MARK} masquerade fully-random`,
      ],
    },
    // Whatever still has a service's address after translation has no backend, or a port that no service has.
    leftover: {
      rules: [
        `ct state new ${service} vmap @empty_services`,
        `ct state new ${family} daddr @service_addresses ${family} daddr ${serviceCidr} goto refuse`,
        "ct state new fib daddr type local meta l4proto . th dport vmap @empty_node_ports",
      ],
    },
    filter_input: { hook: "type filter hook input priority -110; policy accept;", rules: ["jump leftover"] },
    filter_forward: { hook: "type filter hook forward priority -110; policy accept;", rules: ["jump leftover"] },
    filter_output: { hook: "type filter hook output priority -90; policy accept;", rules: ["jump leftover"] },
    // Node ports answer on localhost, which needs route_localnet; nobody else may use that to reach 127.0.0.1 (CVE-2020-8558).
    guard: {
      hook: "type filter hook prerouting priority raw; policy accept;",
      rules: [`iifname != "lo" ${family} daddr ${loopback} drop`],
    },
  };
}
