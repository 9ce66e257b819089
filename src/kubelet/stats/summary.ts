import { formatTime } from "../../machinery/index.ts";
import type { CpuSample, DiskSample, FsSample, MemorySample, NetworkSample, NodeSample, PodSample } from "./collect.ts";

type Json = Record<string, unknown>;

/** `/stats/summary`: kubelet's stats/v1alpha1. */
export function summary(nodeName: string, node: NodeSample, pods: readonly PodSample[]): Json {
  return {
    node: {
      nodeName,
      startTime: node.startedAt,
      cpu: cpu(node.cpu),
      memory: memory(node.memory),
      ...(node.network && { network: network(node.network) }),
      ...(node.disk && {
        fs: disk(node.disk, node.disk.used),
        runtime: {
          imageFs: disk(node.disk, node.images?.used ?? 0, node.images?.inodesUsed),
          containerFs: disk(node.disk, node.images?.used ?? 0, node.images?.inodesUsed),
        },
      }),
    },
    pods: pods.map((pod) => podStats(pod, node.disk)),
  };
}

function podStats(sample: PodSample, root: DiskSample | undefined): Json {
  const { name, namespace, uid } = sample.worker.pod.metadata;
  return {
    podRef: { name, namespace, uid },
    startTime: sample.startedAt,
    containers: sample.containers.map((c) => ({
      name: c.name,
      startTime: formatTime(c.startedAt),
      ...(c.cpu && { cpu: cpu(c.cpu) }),
      ...(c.memory && { memory: memory(c.memory) }),
      ...(c.writable && root && { rootfs: container(root, c.writable) }),
    })),
    ...(sample.cpu && { cpu: cpu(sample.cpu) }),
    ...(sample.memory && { memory: memory(sample.memory) }),
    ...(sample.network && { network: network(sample.network) }),
    ...(root && {
      "ephemeral-storage": disk(
        root,
        sample.containers.reduce((sum, c) => sum + (c.writable?.used ?? 0), 0),
      ),
    }),
    ...(sample.processes !== undefined && { process_stats: { process_count: sample.processes } }),
  };
}

function cpu(s: CpuSample): Json {
  return {
    time: formatTime(s.at),
    ...(s.nanoCores !== undefined && { usageNanoCores: s.nanoCores }),
    usageCoreNanoSeconds: s.nanoseconds,
  };
}

function memory(s: MemorySample): Json {
  return {
    time: formatTime(s.at),
    ...(s.available !== undefined && { availableBytes: s.available }),
    ...(s.usage !== undefined && { usageBytes: s.usage }),
    workingSetBytes: s.workingSet,
    ...(s.rss !== undefined && { rssBytes: s.rss }),
    ...(s.pageFaults !== undefined && { pageFaults: s.pageFaults }),
    ...(s.majorPageFaults !== undefined && { majorPageFaults: s.majorPageFaults }),
  };
}

function network(s: NetworkSample): Json {
  const face = { name: s.name, rxBytes: s.rxBytes, rxErrors: s.rxErrors, txBytes: s.txBytes, txErrors: s.txErrors };
  return { time: formatTime(s.at), ...face, interfaces: [face] };
}

function disk(s: DiskSample, usedBytes: number, inodesUsed = s.inodes - s.inodesFree): Json {
  return {
    time: formatTime(s.at),
    availableBytes: s.available,
    capacityBytes: s.capacity,
    usedBytes,
    inodesFree: s.inodesFree,
    inodes: s.inodes,
    inodesUsed,
  };
}

function container(root: DiskSample, s: FsSample): Json {
  return { ...disk(root, s.used, s.inodesUsed ?? 0), time: formatTime(s.at) };
}
