/*
 * doctor: what lies between this machine and a server, as a person's browser would find it. The server tells what of a request
 * arrived (GET /doctor); what it must have been is known here.
 */
#include "cli/cli_int.h"
#include "cli/trouble.h"

enum { SKEW_S = 30 }; /* what tokens bear */

/* The last line for people: half of the truth must not look like all of it. */
static const char elsewhere[] =
    "The server's own machine (store, disk, sandbox): coditectd --data DIR --doctor there\n";

enum verdict { GOOD, WEAKER, WRONG };

struct finding {
    enum verdict verdict;
    const char *about;
    const char *how; /* what was found and, unless it is good, its remedy behind the first ": " */
};

struct looking {
    struct cli_run *run;
    bool found[WRONG + 1];
    size_t count;
};

static void say(struct looking *l, struct finding finding)
{
    static const char *const words[] = {"good", "weaker", "WRONG"};
    struct cli_run *run = l->run;
    l->found[finding.verdict] = true;
    if (!run->json) {
        buf_printf(&run->out, "%-7s %-12s ", words[finding.verdict], finding.about);
        cli_escape(&run->out, str_from(finding.how));
        buf_byte(&run->out, '\n');
        return;
    }
    /* As coditectd --doctor --json says it. */
    static const char *const states[] = {"ok", "warning", "failed"};
    struct str how = str_from(finding.how);
    const char *colon = finding.verdict == GOOD ? NULL : strstr(finding.how, ": ");
    size_t end = colon ? (size_t)(colon - finding.how) : how.n;
    BUF_AUTO(text, 16 * 1024);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_object(&w);
    json_member_string(&w, "name", str_from(finding.about));
    json_member_string(&w, "state", str_from(states[finding.verdict]));
    json_member_string(&w, "found", str_slice(how, 0, end));
    if (colon) {
        json_member_string(&w, "remedy", str_slice(how, end + 2, how.n));
    }
    json_object_end(&w);
    cli_print(run, l->count++ > 0 ? STR(",") : STR("["));
    cli_print_json(run, buf_str(&text));
}

static const char *text_of(struct looking *l, const char *format, struct str a, struct str b)
{
    struct arena *arena = &l->run->arena;
    BUF_AUTO(text, 8 * 1024);
    for (const char *p = format; *p; p++) {
        if (*p == '%') {
            buf_add(&text, *++p == 'a' ? a : b);
        } else {
            buf_byte(&text, *p);
        }
    }
    return arena_str(arena, buf_str(&text)).p;
}

static void look_at_scheme(struct looking *l, struct str url, const struct cli_arrived *arrived)
{
    if (str_starts(url, STR("https://"))) {
        say(l, (struct finding){GOOD, "TLS",
                                "the certificate is of an authority that is trusted here"});
        say(l,
            arrived->secure
                ? (struct finding){GOOD, "scheme", "the server knows that it is reached by https"}
                : (struct finding){WRONG, "scheme",
                                   "the server believes that it is reached by http: let the "
                                   "proxy send X-Forwarded-Proto, name it in "
                                   "trusted_proxies, and set public_url"});
    } else {
        say(l,
            (struct finding){WEAKER, "TLS",
                             "none, who is in between reads all: unless it is on this machine, put "
                             "a proxy with a certificate before the server"});
    }
}

static void look_at_host(struct looking *l, struct str url, const struct cli_arrived *arrived)
{
    struct str wanted = str_slice(url, str_find(url, '/', 0) + 2, url.n);
    wanted = str_slice(wanted, 0, str_find(wanted, '/', 0));
    if (str_eq_nocase(arrived->host, wanted)) {
        say(l, (struct finding){GOOD, "Host", "arrives as it was sent"});
        return;
    }
    say(l, (struct finding){WRONG, "Host",
                            text_of(l,
                                    "arrives as %a instead of %b: let the proxy pass it on "
                                    "(nginx: proxy_set_header Host $http_host)",
                                    arrived->host, wanted)});
}

static void look_at_origin(struct looking *l, struct str url, const struct cli_arrived *arrived)
{
    if (!arrived->has_origin || !str_eq(arrived->origin, url)) {
        say(l, (struct finding){WRONG, "Origin",
                                "does not arrive: the proxy must not take it away or change it"});
        return;
    }
    say(l, arrived->own_origin
               ? (struct finding){GOOD, "Origin", "pages of this address are the server's own"}
               : (struct finding){WRONG, "Origin",
                                  text_of(l,
                                          "pages of %a are foreign to the server, nobody stays "
                                          "logged in there: set public_url to it",
                                          url, STR_EMPTY)});
}

static void look_at_upgrade(struct looking *l, const struct cli_arrived *arrived)
{
    say(l,
        arrived->upgrade
            ? (struct finding){GOOD, "Upgrade", "WebSockets reach the server"}
            : (struct finding){WRONG, "Upgrade",
                               "does not arrive, no IDE and no terminal will work: let the proxy "
                               "pass Upgrade and Connection on (nginx: proxy_http_version 1.1; "
                               "proxy_set_header Upgrade $http_upgrade; proxy_set_header "
                               "Connection $connection_upgrade)"});
}

static void look_at_address(struct looking *l, const struct cli_arrived *arrived)
{
    struct str address = arrived->address;
    bool near = str_starts(address, STR("127.")) || str_eq(address, STR("::1")) ||
                str_eq(address, STR("unix"));
    say(l, near ? (struct finding){WEAKER, "address",
                                   text_of(l,
                                           "the server sees you as %a: unless this is its machine, "
                                           "name the proxy in trusted_proxies and let it send "
                                           "X-Forwarded-For, or all people share one limit",
                                           address, STR_EMPTY)}
                : (struct finding){GOOD, "address",
                                   text_of(l, "the server sees you as %a", address, STR_EMPTY)});
}

/* Half of the time that the question took is the least that can be known. */
static void look_at_clock(struct looking *l, const struct cli_arrived *arrived, usec_t asked)
{
    usec_t there;
    usec_t now = time_now();
    usec_t here = asked + (now - asked) / 2;
    if (time_parse(arrived->time, &there) < 0) {
        say(l,
            (struct finding){WRONG, "clock",
                             "the server's time is none: let the proxy pass its replies on as they "
                             "are, and look at the clock there (timedatectl)"});
        return;
    }
    usec_t apart = there > here ? there - here : here - there;
    say(l,
        apart <= SKEW_S * USEC_PER_SEC + (now - asked) / 2
            ? (struct finding){GOOD, "clock", "the server's and this machine's agree"}
            : (struct finding){WRONG, "clock",
                               text_of(l,
                                       "the server's says %a: let both machines follow a time "
                                       "server (timedatectl set-ntp true)",
                                       cli_time_text(&l->run->arena, arrived->time), STR_EMPTY)});
}

/* libcurl's words, without what would end the finding and begin its remedy. */
static struct str plain(struct looking *l, const char *why)
{
    BUF_AUTO(text, 8 * 1024);
    for (const char *p = why; *p; p++) {
        buf_byte(&text, *p == ':' && p[1] == ' ' ? ',' : *p);
    }
    return arena_str(&l->run->arena, buf_str(&text));
}

/* Nothing came back: what a browser would say of it, and its remedy. */
static void look_at_silence(struct looking *l, struct str url)
{
    static const struct {
        const char *about, *how;
    } rows[] = {
        [CLI_TROUBLE_NAME] = {"name", "no address of %b is known here (%a): look at how it is "
                                      "written and at its DNS record (getent hosts)"},
        [CLI_TROUBLE_PORT] = {"port", "nobody answers at %b (%a): start the server or its proxy "
                                      "there, and look at the address that it listens on (listen) "
                                      "and at firewalls between"},
        [CLI_TROUBLE_CERTIFICATE] =
            {"TLS", "the certificate of %b is not trusted here (%a): let the server send its full "
                    "chain, for this name and not past its end; when its authority is your own, "
                    "name that one's certificate in SSL_CERT_FILE"},
        [CLI_TROUBLE_AUTHORITIES] = {"TLS",
                                     "the authorities that vouch for %b cannot be read (%a): let "
                                     "SSL_CERT_FILE name a file of certificates in PEM, or "
                                     "install those of the system (ca-certificates)"},
        [CLI_TROUBLE_TLS] = {"TLS", "none can be agreed on with %b (%a): ask at the port where the "
                                    "proxy speaks https, and let it speak TLS 1.2 or later"},
        [CLI_TROUBLE_BROKEN] = {"reply", "none came from %b (%a): look at whether Coditect or its "
                                         "proxy listens there, and at the proxy's log"},
    };
    const char *why;
    enum cli_trouble trouble = cli_client_trouble(l->run->client, &why);
    if (trouble != CLI_TROUBLE_NONE) {
        say(l, (struct finding){WRONG, rows[trouble].about,
                                text_of(l, rows[trouble].how, plain(l, why), url)});
        cli_print(l->run, l->run->json ? STR("]\n") : STR_EMPTY);
    }
}

static int choose_server(struct cli_run *run, struct str *ret_url)
{
    const char *given = run->operand_count > 0 ? run->operands[0] : NULL;
    struct cli_account account;
    bool key = false;
    int r = 0;
    if (!given) {
        r = cli_account_given(run, &account, &key);
        r = r < 0 || key ? r : cli_account_load(run, &run->arena, &account);
    }
    struct str url = given ? str_from(given) : r == 0 ? account.url : STR_EMPTY;
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    *ret_url = r == 0 ? arena_str(&run->arena, url) : url;
    return r;
}

static int doctor(struct cli_run *run)
{
    struct looking l = {.run = run};
    struct str url;
    struct cli_reply reply;
    struct cli_arrived arrived = {0};
    int r = choose_server(run, &url);
    r = r < 0 ? r : cli_client_create(run, url, &run->client);
    if (r < 0) {
        return r;
    }
    struct cli_content content = CLI_CONTENT;
    content.handshake = true;
    usec_t asked = time_now();
    r = cli_doctor(run->client, NULL, &content, &reply);
    if (r < 0) {
        look_at_silence(&l, url);
        return r;
    }
    r = cli_shape_read(run, &cli_shape_arrived, reply.data, &arrived);
    if (r < 0) {
        return r;
    }
    look_at_scheme(&l, url, &arrived);
    look_at_host(&l, url, &arrived);
    look_at_origin(&l, url, &arrived);
    look_at_upgrade(&l, &arrived);
    look_at_address(&l, &arrived);
    look_at_clock(&l, &arrived, asked);
    cli_print(run, run->json ? STR("]\n") : str_from(elsewhere));
    return l.found[WRONG]
               ? cli_fail(run, ERR_INTERNAL, "something between here and the server is wrong")
               : 0;
}

static const struct cli_operand operands[] = {{.name = "URL", .optional = true}, {.name = NULL}};
static const struct cli_example examples[] = {
    {"coditect doctor https://c.example.com", "Asks by way of the proxy, as a browser would."},
    {.line = NULL},
};
const struct cli_command cli_command_doctor = {
    .name = "doctor",
    .summary = "Look at what lies between here and a server: proxy, TLS, clock.",
    .text =
        "Without URL: the server of the present login. A line for each thing, with its remedy when "
        "it is wrong. What protects the server's own machine says coditectd --data DIR --doctor "
        "there.",
    .operands = operands,
    .examples = examples,
    .run = doctor,
};
