import { z } from "@hono/zod-openapi";

/** One of the servers of a trunk, in answers and in events. */
export const serverMembers = {
  transport: z.enum(["tls", "tcp", "wss", "ws"]).openapi({ description: "The transport of the connection" }),
  host: z.string().openapi({ description: "The name that its certificate must have" }),
  address: z.string().openapi({ description: "Its IP address; over WebSocket its name" }),
  port: z.int().openapi({ description: "Its port" }),
};
