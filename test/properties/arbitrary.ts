import fc from "fast-check";

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
const word = fc.stringMatching(/^[a-z0-9]{1,10}$/);
const host = fc.oneof(
  fc.array(word, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, "example"].join(".")),
  fc.ipV4(),
  fc.constantFrom("[2001:db8::1]", "[::ffff:192.0.2.1]", "[::]"),
);
const user = fc.stringMatching(/^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-F]{2}){1,16}$/);

/** SIP URIs that the grammar allows. */
export const sipUri = fc
  .record({
    scheme: fc.constantFrom("sip", "sips"),
    user: fc.option(user, { nil: undefined }),
    host,
    port: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
    parameters: fc.array(fc.tuple(word, fc.option(word, { nil: undefined })), { maxLength: 3 }),
  })
  .map((parts) => {
    const parameters = parts.parameters.map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join("");
    const port = parts.port === undefined ? "" : `:${parts.port}`;
    return `${parts.scheme}:${parts.user === undefined ? "" : `${parts.user}@`}${parts.host}${port}${parameters}`;
  });

export const displayName = fc.oneof(
  fc.constant(""),
  fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `${words.join(" ")} `),
  fc.string({ maxLength: 20 }).map((text) => `"${text.replaceAll(/[\\"]/g, "\\$&").replaceAll(/[\r\n]/g, " ")}" `),
);

/** From, To and Contact values with brackets. */
export const nameAddress = fc
  .tuple(displayName, sipUri, fc.array(fc.tuple(word, fc.option(token, { nil: undefined })), { maxLength: 3 }))
  .map(
    ([name, uri, parameters]) =>
      `${name}<${uri}>${parameters.map(([key, value]) => (value === undefined ? `;${key}` : `;${key}=${value}`)).join("")}`,
  );

const headerValue = fc.stringMatching(/^[ -~]{0,40}$/);

/** Requests that the grammar allows, with headers nobody knows and folded lines among them. */
export const request = fc
  .record({
    method: token,
    uri: sipUri,
    from: nameAddress,
    to: nameAddress,
    callId: word,
    cseq: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    via: fc.tuple(token, host, word),
    routes: fc.array(sipUri, { maxLength: 3 }),
    others: fc.array(fc.tuple(word, headerValue, fc.boolean()), { maxLength: 5 }),
    body: fc.string({ maxLength: 60 }),
  })
  .map(({ method, uri, from, to, callId, cseq, via, routes, others, body }) =>
    [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${via[0]} ${via[1]};branch=z9hG4bK${via[2]}`,
      ...routes.map((route) => `Route: <${route};lr>`),
      `From: ${from}`,
      `t: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      "Max-Forwards: 70",
      ...others.map(([name, value, isFolded]) => `X-${name}:${isFolded ? "\r\n " : " "}${value}`),
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );

/** Valid messages with something broken in them. */
export const mutated = withMutations(request);

/** Texts of a kind, with something broken in them. */
export function withMutations(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(texts, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 }), fc.string({ maxLength: 4 })), { minLength: 1, maxLength: 4 }))
    .map(([text, changes]) =>
      changes.reduce((broken, [at, length, put]) => {
        const from = at % (broken.length + 1);
        return broken.slice(0, from) + put + broken.slice(from + length);
      }, text),
    );
}
