import type { corev1 } from "../../api/index.ts";
import type { Admission } from "../seams/index.ts";
import { handlesOnly, refusal } from "./common.ts";

/** Services may not claim addresses of others; what they have they may keep. Off by default. */
export function denyServiceExternalIps(): Admission {
  return {
    name: "DenyServiceExternalIPs",
    handles: handlesOnly("services", "", "CREATE", "UPDATE"),
    validate(request) {
      const ipsOf = (service: unknown): readonly string[] =>
        (service as corev1.Service | undefined)?.spec.externalIPs ?? [];
      const before = ipsOf(request.oldObject);
      if (ipsOf(request.object).every((ip) => before.includes(ip))) return;
      throw refusal(request, "Use of external IPs is denied by admission control");
    },
  };
}
