import { expect, it } from "vitest";
import { testEnv } from "../../kit/index.ts";
import { Seats } from "./seats.ts";

it("seats the first, lines up the next, and sends the rest away", async () => {
  const { clock } = testEnv();
  const seats = new Seats({ seats: 1, queue: 2, patience: 1000 }, clock);
  expect(seats.take()).toBeUndefined();
  const order: string[] = [];
  const second = seats.take()?.then(() => order.push("second"));
  const third = seats.take()?.then(() => order.push("third"));
  await expect(seats.take()).rejects.toMatchObject({ code: 429, status: { details: { retryAfterSeconds: 1 } } });
  seats.leave();
  await second;
  expect([seats.taken, seats.waiting]).toEqual([1, 1]);
  seats.leave();
  await third;
  expect(order).toEqual(["second", "third"]);
  seats.leave();
  expect(seats.taken).toBe(0);
});

it("does not let anybody wait for ever", async () => {
  const { clock } = testEnv();
  const seats = new Seats({ seats: 1, queue: 2, patience: 1000 }, clock);
  void seats.take();
  const waiting = seats.take();
  const refused = expect(waiting).rejects.toMatchObject({ code: 429 });
  await clock.advance(1000);
  await refused;
  seats.leave();
  expect([seats.taken, seats.waiting]).toEqual([0, 0]);
});
