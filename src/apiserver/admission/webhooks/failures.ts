import type { metav1 } from "../../../api/index.ts";
import { quote, StatusError } from "../../../machinery/index.ts";

/** A webhook could not be asked, or its answer was none. Whether the write goes on is its registration's to say. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";

  constructor(webhook: string, reason: string) {
    super(`failed calling webhook ${quote(webhook)}: ${reason}`);
  }
}

/** What a client is told when a webhook said no. */
export function denial(webhook: string, result: Partial<metav1.Status> = {}): StatusError {
  const denied = `admission webhook ${quote(webhook)} denied the request`;
  const why = result.message || result.reason;
  const code = result.code ?? 0;
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    ...result,
    metadata: result.metadata ?? {},
    status: !result.status || result.status === "Success" ? "Failure" : result.status,
    message: why ? `${denied}: ${why}` : `${denied} without explanation`,
    code: code < 400 ? 400 : code,
  });
}
