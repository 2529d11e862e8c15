/* Media types by the endings of names (IANA's registry, as browsers want them). */
#include "http/http.h"

const char *http_media_type(struct str name)
{
    static const struct {
        struct str ending;
        const char *type;
    } rows[] = {
        {STR(".css"), "text/css; charset=utf-8"},
        {STR(".eot"), "application/vnd.ms-fontobject"},
        {STR(".gif"), "image/gif"},
        {STR(".htm"), "text/html; charset=utf-8"},
        {STR(".html"), "text/html; charset=utf-8"},
        {STR(".ico"), "image/x-icon"},
        {STR(".jpeg"), "image/jpeg"},
        {STR(".jpg"), "image/jpeg"},
        {STR(".js"), "text/javascript; charset=utf-8"},
        {STR(".json"), "application/json"},
        {STR(".map"), "application/json"},
        {STR(".md"), "text/markdown; charset=utf-8"},
        {STR(".mjs"), "text/javascript; charset=utf-8"},
        {STR(".mp3"), "audio/mpeg"},
        {STR(".otf"), "font/otf"},
        {STR(".pdf"), "application/pdf"},
        {STR(".png"), "image/png"},
        {STR(".svg"), "image/svg+xml"},
        {STR(".ttf"), "font/ttf"},
        {STR(".txt"), "text/plain; charset=utf-8"},
        {STR(".wasm"), "application/wasm"},
        {STR(".wav"), "audio/wav"},
        {STR(".webmanifest"), "application/manifest+json"},
        {STR(".webp"), "image/webp"},
        {STR(".woff"), "font/woff"},
        {STR(".woff2"), "font/woff2"},
        {STR(".xml"), "text/xml; charset=utf-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (name.n > rows[i].ending.n &&
            str_eq_nocase(str_slice(name, name.n - rows[i].ending.n, name.n), rows[i].ending)) {
            return rows[i].type;
        }
    }
    return "application/octet-stream";
}
