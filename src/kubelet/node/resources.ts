import { Quantity } from "../../machinery/index.ts";
import type { KubeletConfig } from "../config.ts";
import type { MachineFacts } from "./machine.ts";

type List = Record<string, string>;

/** What the node has. */
export function nodeCapacity(machine: MachineFacts, config: Pick<KubeletConfig, "maxPods">): List {
  const pages = Object.entries(machine.hugepages).map(([size, bytes]) => [`hugepages-${size}`, quantity(bytes)]);
  return {
    cpu: String(machine.cpus),
    "ephemeral-storage": `${Math.floor(machine.storageBytes / 1024)}Ki`,
    ...Object.fromEntries(pages),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(config.maxPods),
  };
}

function quantity(bytes: number): string {
  return bytes === 0 ? "0" : Quantity.of(bytes, "BinarySI").toString();
}

const STORAGE_RESERVE = 0.1;

/** What pods may request: capacity without what is reserved and what eviction keeps free. */
export function nodeAllocatable(
  capacity: Readonly<List>,
  config: Pick<KubeletConfig, "kubeReserved" | "systemReserved" | "evictionHardMemory">,
): List {
  const out: List = {};
  for (const [name, text] of Object.entries(capacity)) {
    let left = Quantity.parse(text);
    for (const reserved of [config.kubeReserved[name], config.systemReserved[name]]) {
      if (reserved !== undefined) left = left.sub(Quantity.parse(reserved));
    }
    if (name === "memory") left = left.sub(Quantity.parse(config.evictionHardMemory));
    if (name === "ephemeral-storage") left = Quantity.of(Math.floor(left.value() * (1 - STORAGE_RESERVE)));
    out[name] = (left.sign() < 0 ? Quantity.zero : left).toString();
  }
  return out;
}
