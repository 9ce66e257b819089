import { expect, it } from "vitest";
import { scheduleProblem } from "./cron.ts";

it.each([
  ["* * * * *", undefined],
  ["*/5 0-6 1,15 jan-mar MON", undefined],
  ["0/15 * ? * *", undefined],
  ["@hourly", undefined],
  ["@every 1h30m", undefined],
  ["TZ=Europe/Berlin 0 0 * * *", undefined],
  ["CRON_TZ=Nowhere/Land 0 0 * * *", "provided bad location Nowhere/Land: unknown time zone Nowhere/Land"],
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
  ["1/2/3 * * * *", "too many slashes: 1/2/3"],
  ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ["@sometimes", "unrecognized descriptor: @sometimes"],
  ["@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'],
])("%s", (schedule, problem) => expect(scheduleProblem(schedule)).toBe(problem));
