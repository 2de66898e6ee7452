import { expect, it } from "vitest";
import { isPortForCalls } from "../../../../lib/routing/port.ts";

it.each([80, 443, 5060, 5061, 5062, 5080, 8080, 8443, 10_000, 49_152, 65_535])("calls go to port %i", (port) => {
  expect(isPortForCalls(port)).toBe(true);
});

it.each([0, 1, 21, 22, 23, 25, 53, 79, 110, 119, 135, 143, 389, 445, 465, 587, 993, 995, 1023, 65_536, -1, Number.NaN])(
  "calls do not go to port %d",
  (port) => {
    expect(isPortForCalls(port)).toBe(false);
  },
);

it.each([1433, 2375, 3306, 3389, 5432, 5900, 6379, 6667, 9200, 11_211, 27_017])(
  "calls do not go to port %i, which databases and the like have",
  (port) => {
    expect(isPortForCalls(port)).toBe(false);
  },
);
