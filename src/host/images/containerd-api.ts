import { CodedError, isCoded } from "../../kit/index.ts";
import { GrpcClient, Wire } from "../cri/index.ts";

/** The messages of containerd's own API that image import needs (containerd/api, v1 services). */
const wire = new Wire({
  messages: {
    Lease: "id 1 string",
    CreateLease: "id 1 string,labels 3 map<string,string>",
    LeaseCreated: "lease 1 Lease",
    DeleteLease: "id 1 string",
    Empty: "",
    Info: "digest 1 string,size 2 int64,labels 5 map<string,string>",
    InfoRequest: "digest 1 string",
    InfoResponse: "info 1 Info",
    FieldMask: "paths 1 *string",
    UpdateContent: "info 1 Info,updateMask 2 FieldMask",
    Write:
      "action 1 WriteAction,ref 2 string,total 3 int64,expected 4 string,offset 5 int64,data 6 bytes,labels 7 map<string,string>",
    Written: "offset 4 int64,digest 6 string",
    Descriptor: "mediaType 1 string,digest 2 string,size 3 int64",
    Image: "name 1 string,labels 2 map<string,string>,target 3 Descriptor",
    WriteImage: "image 1 Image",
    Mount: "type 1 string,source 2 string,target 3 string,options 4 *string",
    Prepare: "snapshotter 1 string,key 2 string,parent 3 string,labels 4 map<string,string>",
    Prepared: "mounts 1 *Mount",
    Commit: "snapshotter 1 string,name 2 string,key 3 string,labels 4 map<string,string>",
    Stat: "snapshotter 1 string,key 2 string",
    Apply: "diff 1 Descriptor,mounts 2 *Mount",
  },
  enums: { WriteAction: ["STAT", "WRITE", "COMMIT"] },
});

/** containerd's namespace of everything that came through CRI. */
const NAMESPACE = "k8s.io";

type Labels = Readonly<Record<string, string>>;
export interface ContainerdDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What containerd says about leases, content, snapshots and images, in CRI's namespace. */
export class ContainerdApi {
  readonly #grpc: GrpcClient;
  #lease: string | undefined;

  constructor(socket: string) {
    this.#grpc = new GrpcClient(socket);
  }

  close(): void {
    this.#grpc.close();
  }

  /** Runs `work` under a lease, so that the garbage collector leaves alone what it makes until all of it hangs together. */
  async leased<T>(id: string, expires: number, work: () => Promise<T>): Promise<T> {
    const labels = { "containerd.io/gc.expire": new Date(expires).toISOString() };
    await this.#call("leases.v1.Leases/Create", "CreateLease", { id, labels }, "LeaseCreated");
    this.#lease = id;
    try {
      return await work();
    } finally {
      this.#lease = undefined;
      await this.#call("leases.v1.Leases/Delete", "DeleteLease", { id }, "Empty").catch(() => undefined);
    }
  }

  async hasContent(digest: string): Promise<boolean> {
    return this.#exists(() => this.#call("content.v1.Content/Info", "InfoRequest", { digest }, "InfoResponse"));
  }

  /** Streams a blob in; containerd checks its size and digest. */
  async writeContent(target: ContainerdDescriptor, data: AsyncIterable<Uint8Array>, labels: Labels): Promise<void> {
    const ref = `k8ts-${target.digest}`;
    const messages = async function* (): AsyncGenerator<Uint8Array> {
      const head = { ref, total: target.size, expected: target.digest };
      yield wire.encode("Write", { ...head, action: "WRITE" });
      let offset = 0;
      for await (const piece of piecesOf(data)) {
        yield wire.encode("Write", { action: "WRITE", offset, data: piece });
        offset += piece.length;
      }
      yield wire.encode("Write", { ...head, action: "COMMIT", offset, labels });
    };
    const path = "/containerd.services.content.v1.Content/Write";
    try {
      const call = { path, message: messages(), metadata: this.#metadata() };
      for await (const _ of this.#grpc.stream(call)) void _;
    } catch (error) {
      if (!isCoded(error, "AlreadyExists")) throw error;
    }
  }

  async labelContent(digest: string, labels: Labels): Promise<void> {
    const updateMask = { paths: Object.keys(labels).map((label) => `labels.${label}`) };
    await this.#call("content.v1.Content/Update", "UpdateContent", { info: { digest, labels }, updateMask }, "Empty");
  }

  /** Creates the image, or points the existing one at `target`. */
  async putImage(name: string, target: ContainerdDescriptor, labels: Labels): Promise<void> {
    const image = { image: { name, target, labels } };
    try {
      await this.#call("images.v1.Images/Create", "WriteImage", image, "Empty");
    } catch (error) {
      if (!isCoded(error, "AlreadyExists")) throw error;
      await this.#call("images.v1.Images/Update", "WriteImage", image, "Empty");
    }
  }

  hasSnapshot(snapshotter: string, key: string): Promise<boolean> {
    return this.#exists(() => this.#call("snapshots.v1.Snapshots/Stat", "Stat", { snapshotter, key }, "Empty"));
  }

  /** Unpacks one layer on top of `parent` as the snapshot `name`. */
  async applyLayer(snapshotter: string, parent: string, name: string, layer: ContainerdDescriptor): Promise<void> {
    const key = `k8ts-unpack-${name}`;
    const labels = { "containerd.io/snapshot.ref": name };
    try {
      const prepare = { snapshotter, key, parent, labels };
      const { mounts } = await this.#call<{ mounts: object[] }>(
        "snapshots.v1.Snapshots/Prepare",
        "Prepare",
        prepare,
        "Prepared",
      );
      await this.#call("diff.v1.Diff/Apply", "Apply", { diff: layer, mounts }, "Empty");
      await this.#call("snapshots.v1.Snapshots/Commit", "Commit", { snapshotter, name, key }, "Empty");
    } catch (error) {
      if (isCoded(error, "AlreadyExists") && (await this.hasSnapshot(snapshotter, name))) return;
      const stat = { snapshotter, key };
      await this.#call("snapshots.v1.Snapshots/Remove", "Stat", stat, "Empty").catch(() => undefined);
      throw error;
    }
  }

  async #exists(look: () => Promise<unknown>): Promise<boolean> {
    try {
      await look();
      return true;
    } catch (error) {
      if (isCoded(error, "NotFound")) return false;
      throw error;
    }
  }

  async #call<T>(method: string, request: string, message: object, response: string): Promise<T> {
    const path = `/containerd.services.${method}`;
    try {
      const call = { path, message: wire.encode(request, message), metadata: this.#metadata() };
      return wire.decode<T>(response, await this.#grpc.unary(call));
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      throw new CodedError(cause.code, `containerd ${method}: ${cause.message}`, { cause });
    }
  }

  #metadata(): Record<string, string> {
    return { "containerd-namespace": NAMESPACE, ...(this.#lease !== undefined && { "containerd-lease": this.#lease }) };
  }
}

const PIECE = 1 << 20;

/** Cuts what is larger than a message may be. */
async function* piecesOf(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of data) {
    for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE);
  }
}
