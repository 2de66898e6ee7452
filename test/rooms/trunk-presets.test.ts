import { describe, expect, it } from "vitest";
import { api } from "./support/homes.ts";

interface Preset {
  readonly id: string;
  readonly server?: string;
  readonly transport?: string;
  readonly format?: string;
  readonly media?: { readonly profile?: string; readonly codecs?: readonly string[] };
  readonly tried?: string;
}

const { presets }: { presets: readonly Preset[] } = await (await api("/trunk-presets")).json();

describe("the presets of trunks", () => {
  it("are fifteen, each of a name of its own", () => {
    expect(new Set(presets.map(({ id }) => id)).size).toBe(15);
  });

  it("say that they were tried only where a test does that", () => {
    expect(presets.filter(({ tried }) => tried !== undefined).map(({ id }) => id)).toEqual(["kamailio"]);
  });

  it("have a server with their transport", () => {
    const unlike = presets.filter(({ server = "", transport }) => {
      const written = /;transport=(.*)$/.exec(server)?.[1];
      return server !== "" && written !== transport;
    });
    expect(unlike).toEqual([]);
  });

  it("are settings that a trunk takes", async () => {
    await api("/domains/presets.example", { method: "PUT" });
    for (const { id, server, format, media } of presets) {
      const body = { server: (server ?? "sip:pbx.example.com;transport=tls").toLowerCase(), format, media };
      const answer = await api(`/domains/presets.example/trunks/${id}`, { method: "PUT", body: JSON.stringify(body) });
      expect([id, answer.status]).toEqual([id, 200]);
    }
  });
});
