import type { Answer, Known, Question } from "../../lib/routing/question.ts";
import { type Fault, isFault } from "../../lib/syntax/fault.ts";
import { decodeAnswer, encodeQuestion } from "./wire-format.ts";

interface Kept {
  readonly answer: Answer;
  /** Milliseconds. */
  readonly until: number;
}

/** Seconds. */
const maxLifetime = 3600;
/** Seconds until a failed lookup is tried again. */
const failureKept = 5;
const maxKept = 5000;
/** Milliseconds. */
const patience = 3000;
/** Maximum rounds of an inquiry: answers can lead to further questions. */
const maxRounds = 8;

/** DNS over HTTPS (RFC 8484); answers are cached for their time to live, also negative ones. */
export class Resolver {
  readonly #url: string;
  readonly #kept = new Map<string, Kept>();

  /** @param url of the server's resource, without a query */
  constructor(url: string) {
    this.#url = url;
  }

  /** Answers the questions of an inquiry until it has a result. */
  async settle<T>(
    inquire: (known: Known) => T | { readonly kind: "ask"; readonly questions: readonly Question[] } | Fault,
  ): Promise<T | Fault> {
    /** An answer may expire during the inquiry. */
    const told = new Map<string, Answer>();
    for (let round = 0; round < maxRounds; round += 1) {
      const result = inquire((question) => told.get(nameOf(question)));
      if (isFault(result) || !isAsking(result)) return result;
      const ask = async (question: Question) => told.set(nameOf(question), this.#known(question) ?? (await this.#ask(question)));
      await Promise.all(result.questions.map(ask));
    }
    throw new Error("a DNS inquiry did not end");
  }

  #known(question: Question): Answer | undefined {
    const found = this.#kept.get(nameOf(question));
    return found !== undefined && found.until > Date.now() ? found.answer : undefined;
  }

  async #ask(question: Question): Promise<Answer> {
    const answer = await this.#fetch(question);
    const seconds = answer.kind === "failed" ? failureKept : Math.min(Math.max(answer.ttl, 1), maxLifetime);
    const name = nameOf(question);
    this.#kept.delete(name);
    this.#kept.set(name, { answer, until: Date.now() + seconds * 1000 });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > maxKept && oldest.done !== true) this.#kept.delete(oldest.value);
    return answer;
  }

  /** RFC 8484 §4.1 by POST; any error is a failed lookup. */
  async #fetch(question: Question): Promise<Answer> {
    try {
      const type = "application/dns-message";
      const init = { method: "POST", headers: { "Content-Type": type, Accept: type }, body: encodeQuestion(question) };
      const response = await fetch(this.#url, { ...init, signal: AbortSignal.timeout(patience) });
      return response.ok ? decodeAnswer(question, await response.arrayBuffer()) : { kind: "failed" };
    } catch (error) {
      console.error(JSON.stringify({ note: "a DNS lookup failed", name: question.name, type: question.type, error: String(error) }));
      return { kind: "failed" };
    }
  }
}

function isAsking<T>(
  result: T | { readonly kind: "ask"; readonly questions: readonly Question[] },
): result is { readonly kind: "ask"; readonly questions: readonly Question[] } {
  return typeof result === "object" && result !== null && "kind" in result && result.kind === "ask";
}

function nameOf({ name, type }: Question): string {
  return `${type} ${name}`;
}
