import { WorkerEntrypoint } from "cloudflare:workers";

/** Decides as the call itself asks for, in a header. */
export class Router extends WorkerEntrypoint {
  async route(call) {
    const wish = call.headers["x-wish"] ?? (call.is_test ? '{"action":"ring","targets":[{"to":"sales"}]}' : "");
    if (wish === "never") return new Promise((resolve) => setTimeout(() => resolve({ action: "reject", status: 480 }), 10_000));
    if (wish === "huge") return { action: "reject", status: 480, reason: "x".repeat(10_485_760) };
    if (wish === "echo") return { action: "continue", headers: { "X-Asked": JSON.stringify({ ...call, headers: {} }) } };
    if (wish === "") throw new Error("there is no wish");
    return JSON.parse(wish);
  }
}
