import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type corev1, resources } from "../api/index.ts";
import { type Client, type Informer, createEventRecorder, createInformerFactory } from "../client/index.ts";
import { type Component, type Env, Latch, childController } from "../kit/index.ts";
import { type Cgroups, systemCgroups } from "../host/cgroup/index.ts";
import type { Runtime } from "../host/cri/index.ts";
import { type Mounter, SystemMounter } from "../host/mount/index.ts";
import { DEFAULT_CONFIG, type KubeletConfig } from "./config.ts";
import { ImageManager } from "./images/image-manager.ts";
import { type MachineFacts, machineFacts } from "./node/machine.ts";
import { NodeAgent } from "./node/node-agent.ts";
import { nodeAllocatable, nodeCapacity } from "./node/resources.ts";
import { ObjectSource } from "./objects/object-source.ts";
import { Observer } from "./observe/observer.ts";
import type { KubeletPaths } from "./paths.ts";
import type { Pod } from "./pod/containers.ts";
import { parseResolvConf } from "./pod/dns.ts";
import { serviceEnvironment } from "./pod/service-env.ts";
import { ProbeManager } from "./probes/probe-manager.ts";
import { type ProbeRunner, SystemProbeRunner } from "./probes/runner.ts";
import { DelegatedGatekeeper, type Gatekeeper } from "./server/identity.ts";
import { KubeletServer } from "./server/server.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { TokenManager } from "./volumes/tokens.ts";
import { VolumeManager } from "./volumes/volume-manager.ts";
import { prepareMemoryDir } from "./volumes/memory-dir.ts";
import { keepHouse } from "./worker/housekeeping.ts";
import { PodManager } from "./worker/pod-manager.ts";
import type { NodeFacts, Services } from "./worker/services.ts";

export interface KubeletOptions {
  /** Speaks as `system:node:NAME`. */
  readonly client: Client;
  readonly env: Env;
  readonly runtime: Runtime;
  readonly nodeName: string;
  /** The node's addresses, primary first. */
  readonly nodeIPs: readonly string[];
  /** Volumes and what else belongs to pods; upstream's /var/lib/kubelet. */
  readonly rootDir: string;
  /** Default `ROOT/log/pods`. */
  readonly podLogsDir?: string;
  /** Links to the logs of all containers; default `ROOT/log/containers`. */
  readonly containerLogsDir?: string;
  readonly config?: Partial<KubeletConfig>;
  /** Default: this machine's. */
  readonly mounter?: Mounter;
  /** Default: this machine's; null: none are made. */
  readonly cgroups?: Cgroups | null;
  readonly machine?: MachineFacts;
  readonly probeRunner?: ProbeRunner;
  /** PEM. Without it there is no server: no logs, exec, attach or port-forward. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Who may ask the server what; default: the API server decides. */
  readonly gatekeeper?: Gatekeeper;
}

/** The agent of one node: runs the pods that are bound to it. */
export interface Kubelet extends Component {
  ready(signal?: AbortSignal): Promise<void>;
}

/** Starts nothing before `run`. When it stops, containers go on; the next kubelet on the same root and runtime adopts them. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const agent = new KubeletAgent(options);
  return { name: "kubelet", run: (signal) => agent.run(signal), ready: (signal) => agent.whenReady(signal) };
}

class KubeletAgent {
  readonly #o: KubeletOptions;
  readonly #config: KubeletConfig;
  readonly #ready = new Latch();
  readonly #registered = new Latch();
  #working = false;
  #port = 0;

  constructor(options: KubeletOptions) {
    this.#o = options;
    this.#config = { ...DEFAULT_CONFIG, ...options.config };
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, env, nodeName, runtime } = this.#o;
    const stop = childController(signal);
    const { paths } = this.#prepare();
    const mounter = this.#o.mounter ?? new SystemMounter();
    await prepareMemoryDir(mounter, paths);
    const version = await runtime.version({});
    const informers = createInformerFactory(client, env);
    const pods = informers.informer(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    const services = informers.informer(resources.services);
    const events = createEventRecorder(client, env, "kubelet", { host: nodeName });
    const { services: parts, manager } = this.#assemble({
      pods,
      serviceInformer: services,
      paths,
      mounter,
      events,
      version: version.runtimeName,
      signal: stop.signal,
    });
    const server = this.#server(parts, manager);
    if (server) this.#port = await server.listen();
    const node = this.#nodeAgent(parts, `${version.runtimeName}://${version.runtimeVersion}`);
    try {
      await Promise.all([
        informers.run(stop.signal),
        server?.run(stop.signal),
        node.run(stop.signal),
        manager.run(stop.signal, () => {
          this.#working = true;
          node.poke();
        }),
        keepHouse(parts, manager, this.#config, stop.signal),
        this.#registered.wait(stop.signal).then(
          () => this.#ready.open(),
          () => undefined,
        ),
      ]);
    } finally {
      stop.abort();
      stop.unlink();
      parts.probes.stop();
      parts.statuses.close();
      events.stop();
    }
  }

  #prepare(): { paths: KubeletPaths } {
    const { rootDir } = this.#o;
    const paths: KubeletPaths = {
      root: rootDir,
      podLogs: this.#o.podLogsDir ?? join(rootDir, "log", "pods"),
      containerLogs: this.#o.containerLogsDir ?? join(rootDir, "log", "containers"),
    };
    for (const dir of [join(rootDir, "pods"), paths.podLogs, paths.containerLogs])
      mkdirSync(dir, { recursive: true, mode: 0o755 });
    return { paths };
  }

  #assemble(parts: Parts): { services: Services; manager: PodManager } {
    const { client, env, runtime } = this.#o;
    const { paths, mounter, events, signal } = parts;
    const tokens = new TokenManager(client, env);
    const objects = new ObjectSource(client, env, signal);
    const statuses = new StatusWriter(client, env);
    const runner = this.#o.probeRunner ?? new SystemProbeRunner(runtime, env);
    const probes = new ProbeManager({ env, runner, events, changed: (uid) => manager.probed(uid) });
    const images = new ImageManager({
      runtime,
      env,
      events,
      serializePulls: this.#config.serializeImagePulls,
      pullSecrets: async (pod) => {
        const names = new Set((pod.spec.imagePullSecrets ?? []).map((s) => s.name ?? ""));
        const refs = [...names].map((name) => ({ kind: "Secret" as const, namespace: pod.metadata.namespace, name }));
        return [...(await objects.read(refs)).secrets.values()];
      },
    });
    const services: Services = {
      env,
      client,
      events,
      runtime,
      runtimeName: parts.version,
      observer: new Observer(runtime),
      statuses,
      probes,
      images,
      tokens,
      objects,
      mounter,
      paths,
      volumes: new VolumeManager({ env, client, paths, mounter, tokens, nodeName: this.#o.nodeName }),
      cgroups: this.#o.cgroups === undefined ? systemCgroups() : (this.#o.cgroups ?? undefined),
      node: this.#nodeFacts(),
      serviceEnvironment: async (pod) => {
        await parts.serviceInformer.whenSynced(signal);
        const { namespace } = pod.metadata;
        return serviceEnvironment(
          parts.serviceInformer.lister.list(),
          namespace,
          pod.spec.enableServiceLinks !== false,
        );
      },
      runtimeHandler: (pod) => this.#runtimeHandler(pod),
      owns: (id, uid) => manager.owns(id, uid),
    };
    const manager = new PodManager(services, parts.pods);
    return { services, manager };
  }

  #nodeFacts(): NodeFacts {
    const config = this.#config;
    const machine = this.#machine();
    const capacity = nodeCapacity(machine, config);
    const root = config.cgroupRoot === "/" ? "" : config.cgroupRoot;
    return {
      name: this.#o.nodeName,
      hostIPs: this.#o.nodeIPs,
      allocatable: nodeAllocatable(capacity, config),
      cgroupRoot: `${root}/kubepods`,
      podPidsLimit: Math.max(0, config.podPidsLimit),
      settings: {
        clusterDns: config.clusterDNS,
        clusterDomain: config.clusterDomain,
        host: parseResolvConf(readOr(config.resolvConf)),
        memoryCapacity: machine.memoryBytes,
        seccompRoot: join(this.#o.rootDir, "seccomp"),
        seccompDefault: config.seccompDefault,
        cpuCfsQuota: config.cpuCFSQuota,
      },
    };
  }

  #machine(): MachineFacts {
    return this.#o.machine ?? machineFacts(this.#o.rootDir);
  }

  #server(services: Services, manager: PodManager): KubeletServer | undefined {
    const { tls, client, env, runtime, nodeName } = this.#o;
    if (!tls) return undefined;
    const { address, port, enableDebuggingHandlers: debugging } = this.#config;
    const gatekeeper = this.#o.gatekeeper ?? new DelegatedGatekeeper(client, env.clock, nodeName);
    const source = { env, runtime, services, manager, metrics: env.metrics };
    return new KubeletServer({ address, port, tls, gatekeeper, debugging }, source);
  }

  #nodeAgent(services: Services, runtimeVersion: string): NodeAgent {
    const { client, env, runtime, nodeName, nodeIPs } = this.#o;
    const machine = this.#machine();
    const capacity = nodeCapacity(machine, this.#config);
    return new NodeAgent({
      client,
      env,
      runtime,
      nodeName,
      nodeIPs,
      machine,
      capacity,
      runtimeVersion,
      config: this.#config,
      allocatable: services.node.allocatable,
      port: () => this.#port || this.#config.port,
      notReady: () => (this.#working ? "" : "kubelet has not looked at its pods yet"),
      registered: this.#registered,
    });
  }

  async #runtimeHandler(pod: Pod): Promise<string> {
    const { runtimeClassName } = pod.spec;
    if (!runtimeClassName) return "";
    return (await this.#o.client.resource(resources.runtimeclasses).get({ name: runtimeClassName })).handler;
  }
}

interface Parts {
  readonly pods: Informer<Pod>;
  readonly serviceInformer: Informer<corev1.Service>;
  readonly paths: KubeletPaths;
  readonly mounter: Mounter;
  readonly events: ReturnType<typeof createEventRecorder>;
  /** The runtime's name. */
  readonly version: string;
  readonly signal: AbortSignal;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
