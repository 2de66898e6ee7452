import { DirectoryUnavailable } from "./errors.ts";

/** The result of D1; the log has the reason if it fails. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    console.error(JSON.stringify({ note: "the directory cannot be reached", error: String(error) }));
    throw new DirectoryUnavailable(String(error));
  }
}
