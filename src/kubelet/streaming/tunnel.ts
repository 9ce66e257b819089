import { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** The sub-protocol of port-forward: SPDY inside WebSocket messages (KEP-4006). */
export const TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io";

/** The bytes inside a WebSocket's binary messages, as one connection. */
export function tunnel(socket: WebSocket): Duplex {
  const duplex = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => socket.send(chunk, { binary: true }, (error) => done(error ?? null)),
    final: (done) => {
      socket.close(1000);
      done();
    },
    destroy: (error, done) => {
      socket.terminate();
      done(error);
    },
  });
  socket.on("message", (message: Buffer) => {
    if (!duplex.push(message)) socket.pause();
  });
  socket.on("close", () => {
    duplex.push(null);
    duplex.destroy();
  });
  socket.on("error", () => duplex.destroy());
  return duplex;
}
