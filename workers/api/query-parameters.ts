import { z } from "@hono/zod-openapi";

/** What the API's description says of a query parameter. */
export const inQuery = (name: string, description: string) => ({ param: { name, in: "query" as const }, description });

/** `limit`, for lists in pages. @param things what the list has */
export const pageLimit = (things: string) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .openapi(inQuery("limit", `The maximum number of ${things} on a page`));

/** `cursor`, for lists in pages whose cursor has a form. */
export const pageCursor = (isPlace: (cursor: string) => boolean) =>
  z
    .string()
    .max(200)
    .refine(isPlace, "is not the next_cursor of a page")
    .optional()
    .openapi(inQuery("cursor", "next_cursor of the previous page"));
