import type { Env } from "../kit/index.ts";
import type { ConnectionConfig } from "./connection-config.ts";
import type { NetworkTransport } from "./network/transport.ts";
import type { ApiRequest, StreamTransport, WatchEvent } from "./transport.ts";

/**
 * The transport to a server over the network: HTTP/2 over TLS, HTTP/1.1 where the server has no more. Connects with the
 * first request; the network modules are loaded then, too. Refusals with Retry-After are waited out, and reads are repeated
 * when the connection broke; credentials that age are renewed. Failures without an answer reject with code `ConnectionFailed`
 * (see `isConnectionError`), bad configuration with `ServerInvalid`, `CredentialsInvalid` or `CredentialPluginFailed`.
 */
export function networkTransport(config: ConnectionConfig, env: Env): StreamTransport {
  let loaded: Promise<NetworkTransport> | undefined;
  const load = (): Promise<NetworkTransport> => {
    loaded ??= import("./network/transport.ts").then((module) => new module.NetworkTransport(config, env));
    return loaded;
  };
  return {
    request: async (request) => (await load()).request(request),
    watch: (request) => lazyWatch(load, request),
    stream: async (request) => (await load()).stream(request),
    connect: async (request, protocols) => (await load()).connect(request, protocols),
    // What could not even be made needs no closing.
    close: () =>
      load().then(
        (transport) => transport.close(),
        () => undefined,
      ),
  };
}

async function* lazyWatch(
  load: () => Promise<NetworkTransport>,
  request: ApiRequest,
): AsyncGenerator<WatchEvent, void, undefined> {
  yield* (await load()).watch(request);
}
