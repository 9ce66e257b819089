import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import type { Clock } from "../../kit/index.ts";
import { wireError } from "./failures.ts";
import type { TlsParameters } from "./tls-options.ts";

/** How long connecting and shaking hands may take, ms. */
const DIAL_TIMEOUT = 30_000;

/** Opens a TLS connection, offering `protocols`; what was agreed is its `alpnProtocol`. */
export function dialTls(
  url: URL,
  options: TlsParameters,
  protocols: readonly string[],
  clock: Clock,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let socket: TLSSocket;
    try {
      socket = connect({ ...options, port: Number(url.port || 443), ALPNProtocols: [...protocols] });
    } catch (error) {
      // Certificates and keys that cannot be read.
      reject(wireError(url.origin, error, "dial"));
      return;
    }
    const timer = clock.setTimer(DIAL_TIMEOUT, () =>
      socket.destroy(new Error(`no connection within ${DIAL_TIMEOUT / 1000} s`)),
    );
    const onError = (error: Error): void => {
      timer.cancel();
      reject(wireError(url.origin, error, "dial"));
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      timer.cancel();
      socket.off("error", onError);
      resolve(socket);
    });
  });
}
