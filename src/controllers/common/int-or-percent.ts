/**
 * An IntOrString as a count: an integer as it is, `"25%"` of `total` rounded up or down. Throws on anything else, naming it:
 * validation keeps such values out, so it means a broken object.
 */
export function scaledValue(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === "number") return value;
  const match = /^([0-9]+)%$/.exec(value);
  if (match === null) throw new Error(`invalid value ${JSON.stringify(value)}: expected an integer or a percentage`);
  const exact = (Number(match[1]) * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}
