import { ParseError, StatusError, decodeJson, statusErrorFrom } from "../../machinery/index.ts";
import { connectionFailed } from "../connection-error.ts";
import type { WatchEvent } from "../transport.ts";

const NEWLINE = 0x0a;

/** Watch events out of the bytes of a stream, one JSON object a line. Reads on only when asked for the next event. */
export async function* watchEvents(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent, void, undefined> {
  let carry: Buffer[] = [];
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      let text = chunk.toString("utf8", start, end);
      if (carry.length > 0) {
        text = Buffer.concat([...carry, chunk.subarray(start, end)]).toString("utf8");
        carry = [];
      }
      start = end + 1;
      if (text !== "") yield eventOf(text);
    }
    if (start < chunk.length) carry.push(chunk.subarray(start));
  }
  if (carry.length > 0) throw connectionFailed("the watch broke off in the middle of an event");
}

function eventOf(text: string): WatchEvent {
  const event = decodeJson(text) as WatchEvent | { readonly type: "ERROR"; readonly object: unknown };
  if (event?.type !== "ERROR") {
    if (typeof event?.type === "string" && "object" in event) return event;
    throw new ParseError(`not a watch event: ${text.slice(0, 200)}`);
  }
  throw statusErrorFrom(event.object) ?? unknownError(event.object);
}

function unknownError(object: unknown): StatusError {
  const message = `the watch reported an error that is no Status: ${JSON.stringify(object)}`;
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });
}
