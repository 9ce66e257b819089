import { decode, encode } from "dns-packet";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../kit/index.ts";
import { type Answer, encodeAnswer, MalformedQuery, parseQuery, RCODE, TYPE } from "./message.ts";

function query(name: string, type: "A" | "SRV" = "A", edns?: number): Buffer {
  return encode({
    type: "query",
    id: 4711,
    flags: 0x100,
    questions: [{ type, name }],
    additionals: edns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: edns,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

function answerOf(count: number, name = "web.default.svc.cluster.local"): Answer {
  const answers = Array.from({ length: count }, (_, i) => ({
    name,
    ttl: 30,
    data: { type: TYPE.A, address: `10.1.${i >> 8}.${i & 255}` },
  }));
  return { rcode: RCODE.ok, authoritative: true, answers, authority: [], additional: [] };
}

describe("parseQuery", () => {
  it("reads what a resolver sends", () => {
    expect(parseQuery(query("Web.Default.svc.cluster.LOCAL", "A", 4096))).toMatchObject({
      id: 4711,
      recursionDesired: true,
      question: { name: "web.default.svc.cluster.local", type: TYPE.A },
      maxSize: 4096,
      edns: true,
    });
  });

  it("throws MalformedQuery, and nothing else, for any bytes", () => {
    const random = new SeededRandom(7);
    const good = query("web.default.svc.cluster.local", "A", 4096);
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(
        i % 2 === 0 ? random.bytes(random.int(64)) : good.subarray(0, random.int(good.length + 1)),
      );
      if (bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256);
      try {
        parseQuery(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedQuery);
      }
    }
  });
});

describe("encodeAnswer", () => {
  it("is read back by another implementation", () => {
    const asked = parseQuery(query("_http._tcp.web.default.svc.cluster.local", "SRV"));
    const bytes = encodeAnswer(
      asked,
      {
        rcode: RCODE.ok,
        authoritative: true,
        answers: [
          {
            name: "_http._tcp.web.default.svc.cluster.local",
            ttl: 30,
            data: { type: TYPE.SRV, priority: 0, weight: 100, port: 80, target: "web.default.svc.cluster.local" },
          },
        ],
        authority: [],
        additional: [{ name: "web.default.svc.cluster.local", ttl: 30, data: { type: TYPE.AAAA, address: "fd00::7" } }],
      },
      512,
    );
    const read = decode(bytes);
    expect(read).toMatchObject({ id: 4711, type: "response", rcode: "NOERROR" });
    expect(read.answers?.[0]).toMatchObject({
      type: "SRV",
      data: { port: 80, target: "web.default.svc.cluster.local" },
    });
    expect(read.additionals?.[0]).toMatchObject({ type: "AAAA", name: "web.default.svc.cluster.local" });
  });

  it("compresses names: 40 addresses in under 700 bytes", () => {
    const asked = parseQuery(query("web.default.svc.cluster.local", "A", 1232));
    const bytes = encodeAnswer(asked, answerOf(40), 1232);
    expect(bytes.length).toBeLessThan(700);
    expect(decode(bytes).answers).toHaveLength(40);
  });

  it("cuts what does not fit and says so", () => {
    const asked = parseQuery(query("web.default.svc.cluster.local"));
    const bytes = encodeAnswer(asked, answerOf(100), 512);
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(decode(bytes)).toMatchObject({ flag_tc: true });
  });
});
