/** The names that one cluster's network has on a machine. */
export interface NetworkNames {
  /** The bridge to which this node's pods are connected: at most 15 characters, as the kernel wants. */
  readonly bridge: string;
  /** Our nftables table. */
  readonly table: string;
}

/** A CNI network configuration list (CNI spec 1.0.0): the node's pods on one bridge, with addresses from its podCIDRs. */
export function cniConfig(names: NetworkNames, podCidrs: readonly string[], dataDir: string): object {
  return {
    cniVersion: "1.0.0",
    name: names.bridge,
    plugins: [
      {
        type: "bridge",
        bridge: names.bridge,
        isGateway: true,
        // A pod that reaches itself through its Service comes back over the port it went out of.
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir,
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: podCidrs.map((cidr) => ({ dst: cidr.includes(":") ? "::/0" : "0.0.0.0/0" })),
        },
      },
    ],
  };
}

/** One port of this machine that is a pod's (`hostPort`). */
export interface HostPort {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly hostPort: number;
  /** The one address of the machine it is for; absent: all. */
  readonly hostIP?: string;
  readonly podIP: string;
  readonly containerPort: number;
}

/**
 * The node's table: pods' traffic that leaves the cluster takes the node's address, pods may talk through the node whatever
 * its bridges do, and host ports lead to their pods. Replaces the table in one transaction.
 */
export function nodeTable(names: NetworkNames, clusterCidr: string, hostPorts: readonly HostPort[]): string {
  const table = `ip ${names.table}`;
  const maps = (["tcp", "udp", "sctp"] as const).flatMap((protocol) => {
    const mine = hostPorts.filter((p) => p.protocol === protocol);
    const to = (p: HostPort): string => `${p.podIP} . ${p.containerPort}`;
    // One pod a key: a second that claims the same port is a mistake that must not take down the rest.
    const anywhere = new Map(mine.filter((p) => p.hostIP === undefined).map((p) => [String(p.hostPort), to(p)]));
    const somewhere = new Map(
      mine.filter((p) => p.hostIP !== undefined).map((p) => [`${p.hostIP} . ${p.hostPort}`, to(p)]),
    );
    return [
      { name: `host_ports_at_${protocol}`, key: `ip daddr . ${protocol} dport`, protocol, elements: somewhere },
      { name: `host_ports_${protocol}`, key: `${protocol} dport`, protocol, elements: anywhere },
    ];
  });
  const dispatch = maps.map(({ name, key }) => `fib daddr type local dnat ip to ${key} map @${name}`);
  const lead = (chain: string): string[] => dispatch.map((rule) => `add rule ${table} ${chain} ${rule}`);
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table} { comment "k8ts pod network"; }`,
    ...maps.flatMap(({ name, key, protocol, elements }) => [
      `add map ${table} ${name} { typeof ${key} : ip daddr . ${protocol} dport; }`,
      ...(elements.size > 0
        ? [`add element ${table} ${name} { ${[...elements].map((e) => e.join(" : ")).join(", ")} }`]
        : []),
    ]),
    `add chain ${table} prerouting { type nat hook prerouting priority dstnat; policy accept; }`,
    ...lead("prerouting"),
    `add chain ${table} output { type nat hook output priority -100; policy accept; }`,
    ...lead("output"),
    `add chain ${table} postrouting { type nat hook postrouting priority srcnat; policy accept; }`,
    `add rule ${table} postrouting ip saddr ${clusterCidr} ip daddr != ${clusterCidr} masquerade fully-random`,
    // Connections that were led to a pod on this node, by itself or by this machine under a loopback address.
    `add rule ${table} postrouting ct status dnat ip saddr 127.0.0.0/8 masquerade`,
    "",
  ].join("\n");
}
