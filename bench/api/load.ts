import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; "certificate-authority-data": string } }[];
  readonly users: readonly { user: { "client-certificate-data": string; "client-key-data": string } }[];
}

/** A connection as the user of a kubeconfig (in JSON). */
export function open(file: string): ClientHttp2Session {
  const config = JSON.parse(readFileSync(file, "utf8")) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (!cluster || !user) throw new Error(`${file} names no cluster or user`);
  const pem = (text: string): Buffer => Buffer.from(text, "base64");
  const session = connect(cluster.server, {
    ca: pem(cluster["certificate-authority-data"]),
    cert: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
    settings: { initialWindowSize: 16 << 20 },
  });
  // What breaks a connection also breaks its requests, which tell.
  session.on("error", () => undefined);
  session.once("connect", () => session.setLocalWindowSize(64 << 20));
  return session;
}

/** Requests spread over some connections. */
export class Load {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  /** The revision of a collection now. */
  async revision(path: string): Promise<string> {
    const { text } = await this.call("GET", `${path}?limit=1`);
    return /"resourceVersion":"(\d+)"/.exec(text)?.[1] ?? "0";
  }

  /** Resolves with the size of the answer; rejects for answers of 300 and above. */
  async send(method: string, path: string, body?: string, accept?: string): Promise<number> {
    return (await this.call(method, path, body, accept)).size;
  }

  /** Keeps the text of small answers. */
  call(
    method: string,
    path: string,
    body?: string,
    accept = "application/json",
  ): Promise<{ size: number; text: string }> {
    const session = this.#sessions[this.#next++ % this.#sessions.length];
    if (!session) throw new Error("no connection");
    return new Promise((resolve, reject) => {
      const headers = { ":method": method, ":path": path, accept, ...(body && { "content-type": "application/json" }) };
      const stream = session.request(headers);
      let status = 0;
      let size = 0;
      let text = "";
      stream.on("response", (head) => (status = head[":status"] ?? 0));
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size < 10_000) text += chunk.toString();
      });
      stream.on("end", () =>
        status < 300 ? resolve({ size, text }) : reject(new Error(`${method} ${path}: ${status} ${text}`)),
      );
      stream.on("error", reject);
      stream.end(body);
    });
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}

/** Calls a second, `flight` of them at a time. */
export async function rate(count: number, flight: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const before = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: flight }, worker));
  return count / ((performance.now() - before) / 1000);
}
