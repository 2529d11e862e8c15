// A small server that understands S3 as far as backups need it: objects by path, listed in pages, every signature made again
// (AWS Signature Version 4). It can be told to fail, hang, tear and lie.
import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const xml = (text) => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

export const KEY = "AKIDTESTTESTTEST";
export const SECRET = "test/secret+of=40letters/abcdefghijklmnop";
export const REGION = "eu-test-1";

/** What is wrong with how a request is signed; undefined: nothing. */
function faultOf(req, body) {
  const words = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(req.headers.authorization ?? "");
  if (!words) return ["AccessDenied", "There is no signature."];
  const [, key, day, region, names, signature] = words;
  const time = req.headers["x-amz-date"] ?? "";
  if (key !== KEY) return ["InvalidAccessKeyId", "The key is not known."];
  if (region !== REGION) return ["AuthorizationHeaderMalformed", `The region '${region}' is wrong; expecting '${REGION}'`];
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!time.startsWith(day) || !(Math.abs(at - Date.now()) < 900_000)) return ["RequestTimeTooSkewed", "The time is too far off."];
  const signed = names.split(";");
  for (const must of ["host", "x-amz-content-sha256", "x-amz-date"]) if (!signed.includes(must)) return ["AccessDenied", `${must} is not signed.`];
  if (req.headers.range && !signed.includes("range")) return ["AccessDenied", "range is not signed."];
  if (req.headers["x-amz-content-sha256"] !== sha256(body)) return ["XAmzContentSHA256Mismatch", "The body is another one."];
  const [path, query = ""] = req.url.split("?");
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const sorted = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  const canonical = [req.method, path.split("/").map((part) => encode(decodeURIComponent(part))).join("/"), sorted,
    ...signed.map((name) => `${name}:${req.headers[name].trim()}`), "", names, sha256(body)].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const derived = [day, region, "s3", "aws4_request"].reduce(hmac, `AWS4${SECRET}`);
  const right = hmac(derived, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString("hex");
  return right === signature ? undefined : ["SignatureDoesNotMatch", "The signature is another one."];
}

export class Bucket {
  /** tls: {key, cert} or undefined. */
  constructor(tls) {
    this.objects = new Map(); // "bucket/prefix/name" → bytes
    this.requests = []; // "PUT name", as they came
    this.page = 3;
    this.sized = (_name, size) => size; // what a list says
    this.fault = () => undefined; // (method, name, count, range) → undefined | "500" | "hang" | "tear" | "cut" | "lie" | "lost" | {status, body, headers}, or what answers: (socket) → …; a promise of it holds the request
    this.repeats = false; // its list says each twice
    this.sockets = new Set();
    const take = (req, res) => this.take(req, res);
    this.server = tls ? createTlsServer(tls, take) : createServer(take);
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => {});
    });
    this.scheme = tls ? "https" : "http";
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `${this.scheme}://127.0.0.1:${this.server.address().port}/backups/coditect`;
    return this;
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  names(prefix = "backups/coditect/") {
    return [...this.objects.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)).sort();
  }

  refuse(res, status, code, message) {
    res.writeHead(status, { "Content-Type": "application/xml" });
    res.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${xml(message)}</Message><RequestId>1</RequestId></Error>`);
  }

  async take(req, res) {
    const name = decodeURIComponent(req.url.split("?")[0].slice(1));
    const what = `${req.method} ${name}`;
    const fault = await this.fault(req.method, name, this.requests.push(what), req.headers.range);
    if (fault === "hang") return;
    const pieces = [];
    let size = 0;
    try {
      for await (const piece of req) {
        pieces.push(piece);
        size += piece.length;
        if (fault === "tear" && size > 0) return req.socket.destroy(); // in the middle of an upload
      }
    } catch {
      return; // who asked went away
    }
    const body = Buffer.concat(pieces);
    const wrong = faultOf(req, body);
    if (fault === "500") return this.refuse(res, 500, "InternalError", "Please try again.");
    if (typeof fault === "function") return fault(req.socket);
    if (fault?.status) {
      res.writeHead(fault.status, fault.headers ?? {});
      return res.end(fault.body);
    }
    if (wrong) return this.refuse(res, wrong[0] === "AuthorizationHeaderMalformed" ? 400 : 403, ...wrong);
    if (!name.startsWith("backups")) return this.refuse(res, 404, "NoSuchBucket", "The bucket does not exist.");
    if (name === "backups" && req.method === "GET") return this.list(req, res);
    this[req.method]?.(name, req, res, body, fault) ?? this.refuse(res, 405, "MethodNotAllowed", "No.");
  }

  PUT(name, req, res, body, fault) {
    if (Number(req.headers["content-length"]) !== body.length) return this.refuse(res, 411, "MissingContentLength", "How long is it?") ?? true;
    if (fault !== "lie") this.objects.set(name, body);
    if (fault === "lost") req.socket.destroy(); // kept, and the answer does not arrive
    else res.writeHead(200).end();
    return true;
  }

  GET(name, req, res, _body, fault) {
    const all = this.objects.get(name);
    if (!all) return this.refuse(res, 404, "NoSuchKey", "There is none.") ?? true;
    const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? "");
    const bytes = range ? all.subarray(Number(range[1]), Number(range[2]) + 1) : all;
    res.writeHead(range ? 206 : 200, { "Content-Length": bytes.length });
    if (fault === "cut") res.write(bytes.subarray(0, bytes.length >> 1), () => req.socket.destroy());
    else res.end(bytes);
    return true;
  }

  DELETE(name, _req, res) {
    this.objects.delete(name);
    res.writeHead(204).end();
    return true;
  }

  list(req, res) {
    const query = new URL(req.url, "http://x").searchParams;
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token");
    const from = after ? Buffer.from(after.slice(2), "base64").toString() : "";
    const keys = this.names("backups/").filter((name) => name.startsWith(prefix) && name > from);
    const page = keys.slice(0, this.page).flatMap((name) => (this.repeats ? [name, name] : [name]));
    const more = keys.length > this.page;
    const token = more ? `+/${Buffer.from(page.at(-1)).toString("base64")}` : "";
    res.writeHead(200, { "Content-Type": "application/xml" });
    res.end(`<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>backups</Name><Prefix>${xml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${this.page}</MaxKeys><IsTruncated>${more}</IsTruncated>${
      page.map((name) => `<Contents><Key>${xml(name)}</Key><LastModified>2026-11-22T00:00:00.000Z</LastModified><ETag>&#34;0&#34;</ETag><Size>${this.sized(name, this.objects.get(`backups/${name}`).length)}</Size><StorageClass>STANDARD</StorageClass></Contents>`).join("")
    }${more ? `<NextContinuationToken>${token}</NextContinuationToken>` : ""}</ListBucketResult>`);
  }
}
