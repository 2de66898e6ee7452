import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { keepRecords } from "../../platform/call-records.ts";
import { newDomain } from "./support/keys.ts";

it("each call gives a data point for each of its domains that keeps records", async () => {
  const domain = await newDomain();
  const points: unknown[] = [];
  const ANALYTICS: AnalyticsEngineDataset = { writeDataPoint: (point) => void points.push(point) };
  const started = Date.UTC(2026, 0, 5);
  const parties = { from: "<sip:a@b>", to: "<sip:b@b>", dialled: "sip:b@b", caller: "", callee: "", forwarded: [] };
  const both = { ...parties, domains: [domain, "none.example"], devices: [], timeline: [], started, callId: "x" };
  const answered = { outcome: "answered", status: 200, reason: "OK", endedBy: "callee", trunk: "carrier" } as const;
  const missed = { outcome: "missed", status: 480, reason: "No", endedBy: "caller" } as const;
  await keepRecords({ ...env, ANALYTICS }, [
    { ...both, ...answered, id: "a-1", rang: started + 500, answered: started + 2500, ended: started + 62_500 },
    { ...both, ...missed, id: "a-2", rang: started + 250, ended: started + 9000 },
  ]);
  expect(points).toEqual([
    { indexes: [domain], blobs: [domain, "answered", "callee", "carrier"], doubles: [200, 0.5, 2, 60] },
    { indexes: [domain], blobs: [domain, "missed", "caller", ""], doubles: [480, 0.25, -1, -1] },
  ]);
});
