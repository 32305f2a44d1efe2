/**
 * A browser's fetch, as far as another origin is concerned: it asks before it sends, and a page sees
 * only what the answer exposes. Node's own fetch asks nobody and shows everything.
 */

/** What a page may send without asking, unless its content type is an uncommon one. */
const SAFE_TO_SEND = ["accept", "accept-language", "content-language"];
/** What a page may see without being told so. */
const SAFE_TO_SEE = ["cache-control", "content-language", "content-length", "content-type"];

/** A list in a header. */
export function listed(header) {
  return (header ?? "").split(",").map((name) => name.trim().toLowerCase());
}

/** What a browser asks before it sends these headers from this origin. */
export function preflight(url, origin, headers) {
  const asked = [...headers.keys()].filter((name) => !SAFE_TO_SEND.includes(name));
  return fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": asked.sort().join(","),
    },
  });
}

/** The fetch of a page from this origin. */
export function browser(origin) {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    const asked = await preflight(url, origin, headers);
    await asked.arrayBuffer();
    expectAllowed(asked, origin);
    const allowed = [...SAFE_TO_SEND, ...listed(asked.headers.get("access-control-allow-headers"))];
    for (const name of headers.keys()) {
      if (!allowed.includes(name)) throw new TypeError(`the header ${name} may not be sent`);
    }
    headers.set("origin", origin);
    const response = await fetch(url, { ...init, headers });
    expectAllowed(response, origin);
    const seen = [
      ...SAFE_TO_SEE,
      ...listed(response.headers.get("access-control-expose-headers")),
    ];
    const shown = [...response.headers].filter(([name]) => seen.includes(name));
    return new Response(response.body, { status: response.status, headers: shown });
  };
}

function expectAllowed(response, origin) {
  const allowed = response.headers.get("access-control-allow-origin");
  if (!response.ok || allowed !== origin) {
    throw new TypeError(`a page from ${origin} may not read this: ${response.status}, ${allowed}`);
  }
}
