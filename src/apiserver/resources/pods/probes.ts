import type { corev1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isHttpHeaderName,
  isValidPortName,
  isValidPortNumber,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, nonNegative } from "../common/errors.ts";

/** All that a probe or a lifecycle hook can do. */
export type Handler = corev1.Probe & corev1.LifecycleHandler;

/** A port by number or by name. */
export function validatePortNumberOrName(errors: Errors, path: string, port: number | string | undefined): void {
  if (typeof port === "string") invalidEach(errors, path, port, isValidPortName(port));
  else invalidEach(errors, path, port ?? 0, isValidPortNumber(port ?? 0));
}

/** The one thing a handler does, and that it is one. `grace` is the pod's. */
export function validateHandler(errors: Errors, path: string, handler: Handler, grace: number | undefined): void {
  const given = (["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const).filter((kind) => handler[kind]);
  for (const extra of given.slice(1)) {
    errors.push(forbiddenField(`${path}.${extra}`, "may not specify more than 1 handler type"));
  }
  const kind = given[0];
  if (kind === undefined) errors.push(required(path, "must specify a handler type"));
  else if (kind === "exec") {
    if ((handler.exec?.command?.length ?? 0) === 0) errors.push(required(`${path}.exec.command`));
  } else if (kind === "httpGet") validateHttpGet(errors, `${path}.httpGet`, handler.httpGet);
  else if (kind === "sleep") {
    const seconds = handler.sleep?.seconds ?? 0;
    if (grace !== undefined && (seconds < 0 || seconds > grace)) {
      const words = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
      errors.push(invalidValue(`${path}.sleep`, seconds, words));
    }
  } else validatePortNumberOrName(errors, `${path}.${kind}.port`, handler[kind]?.port);
}

function validateHttpGet(errors: Errors, path: string, action: corev1.HTTPGetAction | undefined): void {
  if (!action?.path) errors.push(required(`${path}.path`));
  validatePortNumberOrName(errors, `${path}.port`, action?.port);
  const scheme = action?.scheme ?? "";
  if (scheme !== "HTTP" && scheme !== "HTTPS") errors.push(notSupported(`${path}.scheme`, scheme, ["HTTP", "HTTPS"]));
  for (const { name } of action?.httpHeaders ?? []) {
    invalidEach(errors, `${path}.httpHeaders`, name, isHttpHeaderName(name));
  }
}

type ProbeKind = "livenessProbe" | "readinessProbe" | "startupProbe";

/** One of a container's three probes. */
export function validateProbe(
  errors: Errors,
  path: string,
  container: Partial<Record<ProbeKind, corev1.Probe>>,
  options: { readonly kind: ProbeKind; readonly grace: number | undefined },
): void {
  const { kind, grace } = options;
  const probe = container[kind];
  if (!probe) return;
  const at = `${path}.${kind}`;
  validateHandler(errors, at, probe, grace);
  for (const field of NUMBERS) nonNegative(errors, `${at}.${field}`, probe[field]);
  const own = probe.terminationGracePeriodSeconds;
  if (own !== undefined && own <= 0) {
    errors.push(invalidValue(`${at}.terminationGracePeriodSeconds`, own, "must be greater than 0"));
  }
  if (kind === "readinessProbe") {
    if (own !== undefined) {
      errors.push(invalidValue(`${at}.terminationGracePeriodSeconds`, own, "must not be set for readinessProbes"));
    }
  } else if (probe.successThreshold !== 1) {
    errors.push(invalidValue(`${at}.successThreshold`, probe.successThreshold ?? 0, "must be 1"));
  }
}

const NUMBERS = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

const REALTIME = [
  ...Array.from({ length: 15 }, (_, i) => `SIGRTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `SIGRTMAX-${i + 1}`),
];
const SIGNALS: Readonly<Record<string, readonly string[]>> = {
  windows: ["SIGKILL", "SIGTERM"],
  linux: [
    ...(
      "SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL " +
      "SIGPROF SIGPWR SIGQUIT SIGRTMAX SIGRTMIN SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU " +
      "SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ"
    ).split(" "),
    ...REALTIME,
  ].toSorted(),
};

/** A container's hooks and stop signal. */
export function validateLifecycle(
  errors: Errors,
  path: string,
  lifecycle: corev1.Lifecycle,
  options: { readonly grace: number | undefined; readonly os: string | undefined },
): void {
  if (lifecycle.postStart) validateHandler(errors, `${path}.postStart`, lifecycle.postStart, options.grace);
  if (lifecycle.preStop) validateHandler(errors, `${path}.preStop`, lifecycle.preStop, options.grace);
  const signal = lifecycle.stopSignal;
  if (signal === undefined) return;
  if (options.os === undefined) {
    errors.push(forbiddenField(`${path}.stopSignal`, "may not be set for containers with empty `spec.os.name`"));
    return;
  }
  const known = SIGNALS[options.os];
  if (known && !known.includes(signal)) errors.push(notSupported(`${path}.stopSignal`, signal, known));
}
