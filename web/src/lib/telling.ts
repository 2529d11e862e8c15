// fetch for a body whose way can be long: it tells how much of it has left, which the browsers' own does not.

const addressOf = (input: RequestInfo | URL): string => (typeof input === "string" ? input : input instanceof URL ? input.href : input.url);

function headersOf(request: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split("\r\n")) {
    const at = line.indexOf(":");
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  return headers;
}

/** Rejects as fetch does: with a TypeError where there is no answer, with an AbortError when it was stopped. */
export function tellingFetch(onSent: (bytes: number) => void): typeof globalThis.fetch {
  return (input, { method = "GET", headers, body, signal } = {}) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, addressOf(input));
    new Headers(headers).forEach((value, name) => request.setRequestHeader(name, value));
    request.responseType = "blob";
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () => {
      const blob = request.response as Blob;
      resolve(new Response(blob.size > 0 ? blob : undefined, { status: request.status, headers: headersOf(request) }));
    };
    request.onerror = () => reject(new TypeError("There was no answer."));
    request.onabort = () => reject(new DOMException("It was stopped.", "AbortError"));
    if (signal?.aborted === true) return request.onabort(new ProgressEvent("abort"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body as XMLHttpRequestBodyInit);
  });
}
