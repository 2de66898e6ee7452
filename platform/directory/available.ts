import { type Fault, fault } from "../../lib/syntax/fault.ts";
import { DirectoryUnavailable } from "./errors.ts";

/** The result of the directory; 503 if it cannot be reached. */
export async function available<T>(asked: () => Promise<T>): Promise<T | Fault> {
  try {
    return await asked();
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return fault(503, "the directory cannot be reached", [["Retry-After", "5"]]);
  }
}
