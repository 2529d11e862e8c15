// A terminal's socket as its clients have it: bytes in binary frames, words about it in text frames.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { until } from "./world.mjs";

export class Terminal {
  bytes = Buffer.alloc(0);
  words = [];
  offset = undefined; // of the next byte
  missed = 0;
  constructor(url, options = {}) {
    this.socket = new WebSocket(url, options);
    this.socket.on("message", (data, binary) => (binary ? this.#show(data) : this.#hear(JSON.parse(data))));
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
    this.socket.on("error", (error) => { this.error = error; });
    this.socket.on("unexpected-response", (request, reply) => {
      this.status = reply.statusCode;
      let text = "";
      reply.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => { this.reply = JSON.parse(text); });
      this.refused = once(reply, "end");
    });
  }
  /** Opened, and told which shell it is. */
  static async open(url, options) {
    const terminal = new Terminal(url, options);
    await until(`the terminal opens (${url})`, () => terminal.words.length > 0 || terminal.error || terminal.status);
    assert.equal(terminal.error, undefined, terminal.error?.message);
    assert.equal(terminal.status, undefined, JSON.stringify(terminal.reply));
    return terminal;
  }
  #show(data) {
    this.bytes = Buffer.concat([this.bytes, data]).subarray(-(4 << 20));
    this.offset += data.length;
  }
  #hear(word) {
    this.words.push(word);
    if (word.type === "opened") this.offset = word.offset;
    if (word.type === "missed") {
      assert.equal(word.offset, this.offset + word.bytes);
      this.missed += word.bytes;
      this.offset = word.offset;
    }
  }
  get opened() { return this.words.find((word) => word.type === "opened"); }
  get ended() { return this.words.find((word) => word.type === "ended"); }
  get text() { return this.bytes.toString(); }
  type(text) { this.socket.send(Buffer.from(text)); }
  say(word) { this.socket.send(typeof word === "string" ? word : JSON.stringify(word)); }
  shows(what, seconds = 30) {
    return until(`the terminal shows ${what}`, () => {
      const { text } = this;
      if (what instanceof RegExp ? what.test(text) : text.includes(what)) return true;
      throw new Error(`${this.offset} bytes, ending in ${JSON.stringify(text.slice(-400))}`);
    }, seconds);
  }
  /** Goes without a word, as a machine that is switched off. */
  async vanish() {
    this.socket.terminate();
    await this.closed;
  }
}
