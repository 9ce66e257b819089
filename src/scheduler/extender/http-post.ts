import { readFileSync } from "node:fs";
import { type RequestOptions, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../kit/index.ts";
import type { Extender } from "../config/types.ts";
import type { Post } from "./http-extender.ts";

/** Posts JSON over HTTP or HTTPS with the extender's TLS settings. */
export function httpPost(config: Extender, clock: Clock): Post {
  const tls = tlsOptions(config);
  return (url, body, timeout) =>
    new Promise((resolve, reject) => {
      const payload = JSON.stringify(body);
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
      const abort = new AbortController();
      const timer = clock.setTimer(timeout, () => abort.abort(new Error(`no answer within ${timeout / 1000} s`)));
      const settle = (error: Error | undefined, value?: unknown): void => {
        timer.cancel();
        if (error) reject(new Error(`Post ${JSON.stringify(url)}: ${error.message}`, { cause: error }));
        else resolve(value);
      };
      const send = url.startsWith("https:") ? httpsRequest : httpRequest;
      const options: RequestOptions = { method: "POST", headers, signal: abort.signal, ...tls };
      const request = send(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", settle);
        response.on("end", () => {
          if (response.statusCode !== 200) {
            settle(new Error(`failed with extender at URL ${url}, code ${response.statusCode}`));
            return;
          }
          try {
            settle(undefined, JSON.parse(Buffer.concat(chunks).toString("utf8")));
          } catch (error) {
            settle(error as Error);
          }
        });
      });
      request.on("error", (error) => settle((abort.signal.reason as Error | undefined) ?? error));
      request.end(payload);
    });
}

function tlsOptions({ enableHTTPS, tlsConfig = {} }: Extender): object {
  const { caData, caFile, certData, certFile, keyData, keyFile, insecure, serverName } = tlsConfig;
  const read = (data: string | undefined, file: string | undefined): Buffer | undefined => {
    if (data) return Buffer.from(data, "base64");
    return file ? readFileSync(file) : undefined;
  };
  const [ca, cert, key] = [read(caData, caFile), read(certData, certFile), read(keyData, keyFile)];
  // As upstream: HTTPS that was asked for without an authority is taken on trust.
  const trusting = insecure === true || (enableHTTPS === true && !ca);
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(serverName && { servername: serverName }),
    ...(trusting && { rejectUnauthorized: false }),
  };
}
