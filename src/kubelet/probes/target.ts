import type { corev1 } from "../../api/index.ts";
import { CodedError } from "../../kit/index.ts";
import type { Container } from "../pod/containers.ts";

/** A port by number, or by the name that one of the container's ports has. Throws `ProbeTarget`. */
export function portNumber(port: string | number, container: Container): number {
  const named = container.ports?.find((p) => p.name === port)?.containerPort;
  const number = typeof port === "number" ? port : (named ?? Number(port));
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new CodedError(
    "ProbeTarget",
    `couldn't find port: ${JSON.stringify(port)} in ${JSON.stringify(container.name)}`,
  );
}

/** Headers as a request carries them: upstream's own first, those of the probe over them. */
export function probeHeaders(
  list: readonly corev1.HTTPHeader[] | undefined,
  userAgent: string,
): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = { "user-agent": userAgent, accept: "*/*" };
  for (const { name, value } of list ?? []) {
    const key = name.toLowerCase();
    if (value === "" && (key === "accept" || key === "user-agent")) delete headers[key];
    else headers[key] = value;
  }
  return headers;
}
