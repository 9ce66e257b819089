import type { resourcev1 } from "../../../api/index.ts";

/** All devices of some requests must have the same value of an attribute. */
export class MatchAttribute {
  readonly #requests: ReadonlySet<string>;
  readonly #attribute: string;
  #value: resourcev1.DeviceAttribute | undefined;
  #count = 0;

  constructor(attribute: string, requests: readonly string[] | undefined) {
    this.#attribute = attribute;
    this.#requests = new Set(requests);
  }

  /** Takes a device for a request, `base` or `base/sub`; or refuses it. */
  add(base: string, sub: string | undefined, driver: string, device: resourcev1.Device): boolean {
    if (!this.#concerns(base, sub)) return true;
    const value = attributeOf(device, driver, this.#attribute);
    if (!value) return false;
    if (this.#count === 0) this.#value = value;
    else if (!same(value, this.#value)) return false;
    this.#count++;
    return true;
  }

  /** Undoes an {@link add} that took the device. */
  remove(base: string, sub: string | undefined): void {
    if (this.#concerns(base, sub)) this.#count--;
  }

  #concerns(base: string, sub: string | undefined): boolean {
    const names = this.#requests;
    return names.size === 0 || names.has(base) || (sub !== undefined && names.has(`${base}/${sub}`));
  }
}

/** By its full name, or its short one if its domain is the driver. */
function attributeOf(
  { attributes }: resourcev1.Device,
  driver: string,
  name: string,
): resourcev1.DeviceAttribute | undefined {
  const own = `${driver}/`;
  return attributes?.[name] ?? (name.startsWith(own) ? attributes?.[name.slice(own.length)] : undefined);
}

function same(a: resourcev1.DeviceAttribute, b: resourcev1.DeviceAttribute | undefined): boolean {
  if (a.string !== undefined) return a.string === b?.string;
  if (a.int !== undefined) return a.int === b?.int;
  if (a.bool !== undefined) return a.bool === b?.bool;
  // Versions of semver 2.0.0 are equal only as text.
  return a.version !== undefined && a.version === b?.version;
}
