# The proxy of docker-compose.scale.yml, for Varnish 7 to 9: balances over the replicas, keeps public replies
# for as long as they say themselves, and drops them when a replica says what has changed (PURGE).
# The addresses are in replicas.vcl beside it. How varnishd is started, with gzip left to the replicas, is in
# docker-compose.scale.yml.
vcl 4.1;

import directors;
import std;

# A replica that ends says so some seconds before it does (server.drain_seconds): one red answer takes it out.
probe ready {
    .url = "/health/ready";
    .interval = 1s;
    .timeout = 3s;
    .window = 2;
    .threshold = 2;
    .initial = 2;
}

include "replicas.vcl";

sub vcl_recv {
    # X-Forwarded-For is right already: varnishd itself adds the client's address as the last one.
    if (req.method == "PURGE") {
        call drop;
    }
    # The public surface. /metrics and /health/ are not on it, however they are spelled.
    if (req.url !~ "^/(v1/|desk(/|\?|$)|embed(/|\.js(\?|$))|docs(/|\?|$)|openapi\.json(\?|$)|problems/)") {
        return (synth(404, "Not Found"));
    }
    # Which replica: by chance, and the other ones when that does not answer. (The header stays for them: what is unset for
    # one attempt is not there for the next.)
    set req.http.Turn = req.xid;
    set req.backend_hint = replicas.backend(by=KEY, key=replicas.key(req.http.Turn));

    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Server-Sent Events: each as it comes, and one thread for each listener.
    if (req.method == "GET" && req.url ~ "^/(v1/sites/[a-z0-9-]+/(posts/[^/?]+|queue)|desk/[a-z0-9-]+)/events(\?|$)") {
        return (pipe);
    }
    # Public reading, where a credential changes nothing: with the next ones the only replies that are looked up and kept.
    if (req.url ~ "^/v1/sites/[a-z0-9-]+/(counts|(posts/[^/?]+/)?comments)(\.[a-z]+)?(\?|$)") {
        call name_one_coding;
        if (req.url ~ "/posts/[^/?]+/comments(\?|$)") {
            # JSON, or HTML where Accept prefers that: only the first is kept. All lines of it count, as for a replica.
            std.collect(req.http.Accept);
            if (req.http.Accept ~ "(?i)text/(html|\*)|application/(json|\*)\s*;") {
                return (pass);
            }
            unset req.http.Accept;
        }
        return (hash);
    }
    # What is the same until a replica starts anew: what a form needs to know of a site, and the embed's files.
    if (req.url ~ "^/(v1/sites/[a-z0-9-]+(\?|$)|embed(/|\.js(\?|$)))") {
        call name_one_coding;
        return (hash);
    }
    return (pass);
}

# Replies vary by Accept-Encoding: as few different ones as there are codings.
sub name_one_coding {
    std.collect(req.http.Accept-Encoding);
    set req.http.Accept-Encoding = regsuball(req.http.Accept-Encoding, "[^,]*;\s*q=0(\.0*)?\s*(,|$)", "");
    if (req.http.Accept-Encoding ~ "(?i)(^|[, ])br([;, ]|$)") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|[, ])gzip([;, ]|$)") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
}

# PURGE with the tags in Surrogate-Key, separated by spaces: from a replica, and with the secret where there is one.
sub drop {
    if (client.ip !~ purgers ||
        (std.getenv("PURGE_SECRET") ~ "." && req.http.Purge-Key != std.getenv("PURGE_SECRET"))) {
        return (synth(403, "Forbidden"));
    }
    if (req.http.Surrogate-Key !~ "^[a-z0-9.-]+( [a-z0-9.-]+)*$") {
        return (synth(400, "Bad Request"));
    }
    # Only what the object carries is asked, so that the ban lurker can do the work and forget the ban.
    if (!std.ban("obj.http.Surrogate-Key ~ (^|\s)(" +
            regsuball(regsuball(req.http.Surrogate-Key, "[.]", "[.]"), " ", "|") + ")(\s|$)")) {
        std.log("ban: " + std.ban_error());
        return (synth(500, "Internal Server Error"));
    }
    return (synth(200, "Dropped"));
}

# Replies hold no address of ours but the configured one, so the name by which we were called makes no difference.
sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

sub vcl_hit {
    set req.http.X-Cache = "hit";
}

sub vcl_miss {
    set req.http.X-Cache = "miss";
}

sub vcl_pass {
    set req.http.X-Cache = "pass";
}

# Nothing after this one request may take the same way past these rules.
sub vcl_pipe {
    set bereq.http.Connection = "close";
}

sub vcl_backend_fetch {
    set bereq.backend = replicas.backend(by=KEY, key=replicas.key(bereq.http.Turn), alt=bereq.retries);
    unset bereq.http.X-Cache;
}

sub vcl_backend_response {
    # Reads only: a write may have happened, and whoever sent it repeats it with its Idempotency-Key.
    if (beresp.status == 503 && bereq.retries == 0 && bereq.method ~ "^(GET|HEAD)$") {
        return (retry);
    }
    # Whole, or not at all: a replica that ends within its reply is not the reader's loss.
    set beresp.do_stream = false;
    if (bereq.uncacheable) {
        return (deliver);
    }
    # A revalidation that failed replaces nothing.
    if (bereq.is_bgfetch && beresp.status != 200) {
        return (abandon);
    }
    if (beresp.status != 200 || beresp.ttl <= 0s || beresp.http.Set-Cookie ||
        beresp.http.Cache-Control !~ "(?i)\bpublic\b.*\b(s-maxage|max-age)=" ||
        beresp.http.Cache-Control ~ "(?i)\b(private|no-store|no-cache)\b") {
        # Everybody asks a replica then, with their own If-None-Match, and nobody waits for another.
        return (pass(10s));
    }
    # When its time is over (beresp.grace is its stale-while-revalidate), ask with If-None-Match.
    set beresp.keep = 1h;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.retries < 2 && bereq.method ~ "^(GET|HEAD)$") {
        return (retry);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.body = {"{"type":"about:blank","title":""} + beresp.reason + {"","status":"} + beresp.status + "}";
    return (deliver);
}

sub vcl_deliver {
    # A purge reaches this cache and none further out, so those may keep nothing, whichever way a reply came. Where a CDN
    # stands in front that is purged as well, let it have all three.
    if (resp.http.Cache-Control ~ "s-maxage=") {
        set resp.http.Cache-Control = regsub(resp.http.Cache-Control, "s-maxage=.*", "s-maxage=0");
    }
    # With a page is kept the id of the request that fetched it: that is nobody else's.
    if (req.http.X-Cache == "hit") {
        set resp.http.X-Request-ID = req.xid;
        if (req.http.X-Request-ID ~ "^[A-Za-z0-9._-]{1,128}$") {
            set resp.http.X-Request-ID = req.http.X-Request-ID;
        }
    }
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    set resp.http.X-Cache = req.http.X-Cache;
}

sub vcl_synth {
    set resp.http.Cache-Control = "no-store";
    if (resp.status == 200) {
        set resp.body = "";
    } else {
        set resp.http.Content-Type = "application/problem+json";
        set resp.body = {"{"type":"about:blank","title":""} + resp.reason + {"","status":"} + resp.status + "}";
    }
    return (deliver);
}
