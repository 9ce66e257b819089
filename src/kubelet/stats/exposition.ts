import type { MachineFacts } from "../node/machine.ts";
import type { NodeSample, PodSample } from "./collect.ts";

type Labels = Readonly<Record<string, string>>;

/** Prometheus' text format, version 0.0.4, one family after the other. */
class Exposition {
  #text = "";

  family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): this {
    if (samples.length === 0) return this;
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value, at } of samples) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`);
      const time = at === undefined ? "" : ` ${Math.round(at)}`;
      this.#text += `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}${time}\n`;
    }
    return this;
  }

  get text(): string {
    return this.#text;
  }
}

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Ms since the epoch. */
  readonly at?: number;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

const SECOND = 1e9;

/** `/metrics/resource`: what the metrics API is fed from. */
export function resourceMetrics(node: NodeSample, pods: readonly PodSample[]): string {
  const containers = pods.flatMap((p) =>
    p.containers.map((c) => ({ c, labels: { container: c.name, ...podLabels(p) } })),
  );
  const cpu = containers.flatMap(({ c, labels }) =>
    c.cpu ? [{ labels, value: c.cpu.nanoseconds / SECOND, at: c.cpu.at }] : [],
  );
  const memory = containers.flatMap(({ c, labels }) =>
    c.memory ? [{ labels, value: c.memory.workingSet, at: c.memory.at }] : [],
  );
  const starts = containers.map(({ c, labels }) => ({ labels, value: c.startedAt / 1000 }));
  const podCpu = pods.flatMap((p) =>
    p.cpu ? [{ labels: podLabels(p), value: p.cpu.nanoseconds / SECOND, at: p.cpu.at }] : [],
  );
  const podMemory = pods.flatMap((p) =>
    p.memory ? [{ labels: podLabels(p), value: p.memory.workingSet, at: p.memory.at }] : [],
  );
  return new Exposition()
    .family(
      "container_cpu_usage_seconds_total",
      "counter",
      "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
      cpu,
    )
    .family(
      "container_memory_working_set_bytes",
      "gauge",
      "[STABLE] Current working set of the container in bytes",
      memory,
    )
    .family(
      "container_start_time_seconds",
      "gauge",
      "[STABLE] Start time of the container since unix epoch in seconds",
      starts,
    )
    .family(
      "node_cpu_usage_seconds_total",
      "counter",
      "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
      [{ labels: {}, value: node.cpu.nanoseconds / SECOND, at: node.cpu.at }],
    )
    .family("node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes", [
      { labels: {}, value: node.memory.workingSet, at: node.memory.at },
    ])
    .family(
      "pod_cpu_usage_seconds_total",
      "counter",
      "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
      podCpu,
    )
    .family("pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes", podMemory)
    .family(
      "resource_scrape_error",
      "gauge",
      "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
      [{ labels: {}, value: 0 }],
    ).text;
}

function podLabels({ worker }: PodSample): { namespace: string; pod: string } {
  return { namespace: worker.pod.metadata.namespace, pod: worker.pod.metadata.name };
}

/** `/metrics/cadvisor`: cAdvisor's names for what is measured here. */
export function cadvisorMetrics(node: NodeSample, pods: readonly PodSample[], machine: MachineFacts): string {
  const groups = [
    ...pods.flatMap((p) =>
      p.containers.map((c) => ({
        labels: { container: c.name, id: `${p.cgroup}/${c.id}`, image: c.image, name: c.id, ...podLabels(p) },
        cpu: c.cpu,
        memory: c.memory,
      })),
    ),
    ...pods.map((p) => ({
      labels: { container: "", id: p.cgroup, image: "", name: "", ...podLabels(p) },
      cpu: p.cpu,
      memory: p.memory,
    })),
    {
      labels: { container: "", id: "/", image: "", name: "", namespace: "", pod: "" },
      cpu: node.cpu,
      memory: node.memory,
    },
  ];
  const memory = (pick: (m: NonNullable<(typeof groups)[number]["memory"]>) => number | undefined): Sample[] =>
    groups.flatMap(({ labels, memory: m }) => {
      const value = m && pick(m);
      return m && value !== undefined ? [{ labels, value, at: m.at }] : [];
    });
  const cpu = groups.flatMap(({ labels, cpu: c }) =>
    c ? [{ labels: { ...labels, cpu: "total" }, value: c.nanoseconds / SECOND, at: c.at }] : [],
  );
  const network = (pick: (n: NonNullable<PodSample["network"]>) => number): Sample[] =>
    pods.flatMap((p) =>
      p.network
        ? [
            {
              labels: { container: "", id: p.cgroup, image: "", interface: p.network.name, name: "", ...podLabels(p) },
              value: pick(p.network),
              at: p.network.at,
            },
          ]
        : [],
    );
  return new Exposition()
    .family("machine_cpu_cores", "gauge", "Number of logical CPU cores.", [{ labels: {}, value: machine.cpus }])
    .family("machine_memory_bytes", "gauge", "Amount of memory installed on the machine.", [
      { labels: {}, value: machine.memoryBytes },
    ])
    .family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.", cpu)
    .family(
      "container_memory_usage_bytes",
      "gauge",
      "Current memory usage in bytes, including all memory regardless of when it was accessed",
      memory((m) => m.usage),
    )
    .family(
      "container_memory_working_set_bytes",
      "gauge",
      "Current working set in bytes.",
      memory((m) => m.workingSet),
    )
    .family(
      "container_memory_rss",
      "gauge",
      "Size of RSS in bytes.",
      memory((m) => m.rss),
    )
    .family(
      "container_network_receive_bytes_total",
      "counter",
      "Cumulative count of bytes received",
      network((n) => n.rxBytes),
    )
    .family(
      "container_network_receive_errors_total",
      "counter",
      "Cumulative count of errors encountered while receiving",
      network((n) => n.rxErrors),
    )
    .family(
      "container_network_transmit_bytes_total",
      "counter",
      "Cumulative count of bytes transmitted",
      network((n) => n.txBytes),
    )
    .family(
      "container_network_transmit_errors_total",
      "counter",
      "Cumulative count of errors encountered while transmitting",
      network((n) => n.txErrors),
    ).text;
}
