import type { PortRules } from "../model.ts";
import { type ServiceElements, serviceElements } from "./elements.ts";
import { createTable, isMap, pickRule, type TableOptions } from "./table.ts";

const NONE: ServiceElements = { elements: new Map(), chains: new Map(), affinitySets: new Map(), counts: new Set() };
/** Elements a command; nft reads very long lines slowly. */
const BATCH = 500;

/**
 * The wanted content of one table, and how to get there from what was last written. A change costs what the changed
 * services have, whatever else there is. Not safe for two writers: the owner writes scripts in the order it asked for them.
 */
export class Ruleset {
  readonly #options: TableOptions;
  readonly #id: string;
  #wanted = new Map<string, ServiceElements>();
  #written = new Map<string, ServiceElements>();
  readonly #changed = new Set<string>();
  /**
   * `map key` → data → how many services want it. Addresses and hairpin pairs are shared; where services contradict each
   * other (the same external address and port), the first data stands and the next takes over when it goes.
   */
  #claims = new Map<string, Map<string, number>>();
  #chains = new Set<string>();
  #fresh = true;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#id = `${options.family} ${options.table}`;
  }

  /** Says what a service (`namespace/name`) needs from now on; no rules: nothing. */
  set(service: string, rules: readonly PortRules[]): void {
    const elements = serviceElements(rules, this.#options.family);
    if (elements.elements.size === 0) this.#wanted.delete(service);
    else this.#wanted.set(service, elements);
    this.#changed.add(service);
  }

  /** After a failed write nothing is known of the kernel's state: the next script replaces the table. */
  forget(): void {
    this.#fresh = true;
  }

  /** The transaction that makes the table what is wanted, or undefined when it is. Counts as written. */
  script(): string | undefined {
    if (this.#fresh) {
      this.#written = new Map();
      this.#claims = new Map();
      this.#chains = new Set();
      for (const service of this.#wanted.keys()) this.#changed.add(service);
    }
    const lines = this.#fresh ? createTable(this.#options) : [];
    this.#fresh = false;
    lines.push(...this.#changes());
    return lines.length === 0 ? undefined : `${lines.join("\n")}\n`;
  }

  #changes(): string[] {
    const adds = new Map<string, string[]>();
    const removes = new Map<string, string[]>();
    const chains: string[] = [];
    const gone: string[] = [];
    for (const service of this.#changed) {
      const before = this.#written.get(service) ?? NONE;
      const after = this.#wanted.get(service) ?? NONE;
      this.#diffElements(before, after, adds, removes);
      chains.push(...this.#newChains(before, after));
      gone.push(...this.#goneChains(before, after));
      if (after === NONE) this.#written.delete(service);
      else this.#written.set(service, after);
    }
    this.#changed.clear();
    return [...chains, ...this.#commands("delete", removes), ...this.#commands("add", adds), ...gone];
  }

  #diffElements(
    before: ServiceElements,
    after: ServiceElements,
    adds: Map<string, string[]>,
    removes: Map<string, string[]>,
  ): void {
    for (const name of new Set([...before.elements.keys(), ...after.elements.keys()])) {
      const old = before.elements.get(name) ?? new Map<string, string>();
      const now = after.elements.get(name) ?? new Map<string, string>();
      for (const [key, data] of old) if (now.get(key) !== data) this.#release(name, key, data, adds, removes);
      for (const [key, data] of now) if (old.get(key) !== data) this.#acquire(name, key, data, adds, removes);
    }
  }

  #acquire(map: string, key: string, data: string, adds: Map<string, string[]>, removes: Map<string, string[]>): void {
    const claims = this.#claims.get(`${map} ${key}`) ?? new Map<string, number>();
    this.#claims.set(`${map} ${key}`, claims.set(data, (claims.get(data) ?? 0) + 1));
    if (claims.size === 1 && claims.get(data) === 1) write(map, key, data, adds, removes);
  }

  #release(map: string, key: string, data: string, adds: Map<string, string[]>, removes: Map<string, string[]>): void {
    const claims = this.#claims.get(`${map} ${key}`) ?? new Map<string, number>();
    const [active] = claims.keys();
    const left = (claims.get(data) ?? 0) - 1;
    if (left > 0) return void claims.set(data, left);
    claims.delete(data);
    if (active !== data) return;
    write(map, key, data, removes, adds);
    const [next] = claims.keys();
    if (next === undefined) this.#claims.delete(`${map} ${key}`);
    else write(map, key, next, adds, removes);
  }

  #newChains(before: ServiceElements, after: ServiceElements): string[] {
    const lines: string[] = [];
    for (const chain of after.counts) {
      if (this.#chains.has(chain)) continue;
      this.#chains.add(chain);
      lines.push(...this.#chain(chain, pickRule(chain, this.#options)));
    }
    const address = this.#options.family === "ip" ? "ipv4_addr" : "ipv6_addr";
    for (const [name, seconds] of after.affinitySets) {
      if (before.affinitySets.has(name)) continue;
      lines.push(`add set ${this.#id} ${name} { type ${address}; flags dynamic,timeout; timeout ${seconds}s; }`);
    }
    for (const name of after.chains.keys()) if (!before.chains.has(name)) lines.push(`add chain ${this.#id} ${name}`);
    for (const [name, rules] of after.chains) {
      const same = before.chains.get(name)?.join("\n") === rules.join("\n");
      if (!same)
        lines.push(`flush chain ${this.#id} ${name}`, ...rules.map((rule) => `add rule ${this.#id} ${name} ${rule}`));
    }
    return lines;
  }

  #chain(name: string, rules: readonly string[]): string[] {
    return [`add chain ${this.#id} ${name}`, ...rules.map((rule) => `add rule ${this.#id} ${name} ${rule}`)];
  }

  /** First all are emptied, because they refer to one another. */
  #goneChains(before: ServiceElements, after: ServiceElements): string[] {
    const chains = [...before.chains.keys()].filter((name) => !after.chains.has(name));
    const sets = [...before.affinitySets.keys()].filter((name) => !after.affinitySets.has(name));
    return [
      ...chains.map((name) => `flush chain ${this.#id} ${name}`),
      ...chains.map((name) => `delete chain ${this.#id} ${name}`),
      ...sets.map((name) => `delete set ${this.#id} ${name}`),
    ];
  }

  #commands(verb: "add" | "delete", elements: ReadonlyMap<string, readonly string[]>): string[] {
    const lines: string[] = [];
    for (const [name, list] of elements) {
      for (let i = 0; i < list.length; i += BATCH) {
        lines.push(`${verb} element ${this.#id} ${name} { ${list.slice(i, i + BATCH).join(", ")} }`);
      }
    }
    return lines;
  }
}

/** Notes an element in `into`; one that was to go the other way in the same transaction stays as it is instead. */
function write(
  map: string,
  key: string,
  data: string,
  into: Map<string, string[]>,
  opposite: Map<string, string[]>,
): void {
  const element = isMap(map) ? `${key} : ${data}` : key;
  const pending = opposite.get(map);
  const at = pending?.indexOf(element) ?? -1;
  if (pending && at >= 0) {
    pending.splice(at, 1);
    if (pending.length === 0) opposite.delete(map);
    return;
  }
  const list = into.get(map);
  if (list) list.push(element);
  else into.set(map, [element]);
}
