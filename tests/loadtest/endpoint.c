/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server is, and from where it is reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include "loadtest/endpoint.h"

static const struct sockaddr_in *internet(const struct endpoint *endpoint)
{
    assert_int_equal(endpoint->address.ss_family, AF_INET);
    return (const struct sockaddr_in *)&endpoint->address;
}

static void a_url_names_host_and_port(void **state)
{
    (void)state;
    struct endpoint endpoint;
    assert_int_equal(endpoint_parse(&endpoint, "http://127.0.0.1:8080/"), 0);
    assert_string_equal(endpoint.host, "127.0.0.1:8080");
    assert_int_equal(ntohs(internet(&endpoint)->sin_port), 8080);
    assert_int_equal(endpoint_parse(&endpoint, "http://127.0.0.1"), 0);
    assert_int_equal(ntohs(internet(&endpoint)->sin_port), 80);
    assert_int_equal(endpoint_parse(&endpoint, "http://[::1]:99"), 0);
    assert_string_equal(endpoint.host, "[::1]:99");
    assert_int_equal(endpoint.address.ss_family, AF_INET6);
    assert_int_equal(endpoint_parse_resp(&endpoint, "127.0.0.1"), 0);
    assert_int_equal(ntohs(internet(&endpoint)->sin_port), 6390);
    assert_int_equal(endpoint_parse_resp(&endpoint, "redis://127.0.0.1:7000"), 0);
    assert_int_equal(ntohs(internet(&endpoint)->sin_port), 7000);
}

static void a_path_names_a_unix_socket(void **state)
{
    (void)state;
    struct endpoint endpoint;
    const struct sockaddr_un *address = (const struct sockaddr_un *)&endpoint.address;
    for (uint32_t round = 0; round < 2; round++) {
        const char *url = "unix:/run/hotshelf/http.sock";
        int result =
            round == 0 ? endpoint_parse(&endpoint, url) : endpoint_parse_resp(&endpoint, url);
        assert_int_equal(result, 0);
        assert_int_equal(address->sun_family, AF_UNIX);
        assert_string_equal(address->sun_path, "/run/hotshelf/http.sock");
        assert_string_equal(endpoint.host, "localhost");
    }
}

static void what_is_no_place_is_refused(void **state)
{
    (void)state;
    struct endpoint endpoint;
    char path[256] = "unix:/";
    memset(path + 6, 'x', sizeof path - 7);
    assert_int_equal(endpoint_parse(&endpoint, path), -1);
    assert_int_equal(endpoint_parse(&endpoint, ""), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http:///v1"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://127.0.0.1:8080/v1"), -1);
    assert_int_equal(endpoint_parse_resp(&endpoint, "http://127.0.0.1:6390"), -1);
    assert_int_equal(endpoint_parse_resp(&endpoint, "redis://"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "ftp://x"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "unix:"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://:80"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://[]:80"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://[::1"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://[::1]80"), -1);
    assert_int_equal(endpoint_parse(&endpoint, "http://::1"), -1);
    assert_int_equal(endpoint_parse_resp(&endpoint, ""), -1);
}

static void a_port_is_a_number_of_16_bits(void **state)
{
    (void)state;
    static const char *const no_port[] = {"", "0", "65536", "83646", "-1", "+80", "80x", " 80", "x",
        "http", "1e3", "00000080", "4294967376"};
    struct endpoint endpoint;
    char url[64];
    assert_int_equal(endpoint_parse(&endpoint, "http://127.0.0.1:65535"), 0);
    assert_int_equal(ntohs(internet(&endpoint)->sin_port), 65535);
    assert_int_equal(endpoint_parse(&endpoint, "http://[::1]:1"), 0);
    for (size_t at = 0; at < sizeof no_port / sizeof no_port[0]; at++) {
        snprintf(url, sizeof url, "http://127.0.0.1:%s", no_port[at]);
        assert_int_equal(endpoint_parse(&endpoint, url), -1);
        assert_int_equal(endpoint_check(url), -1);
        assert_int_equal(endpoint_parse_resp(&endpoint, url + strlen("http://")), -1);
        assert_int_equal(endpoint_check_resp(url + strlen("http://")), -1);
        snprintf(url, sizeof url, "http://[::1]:%s", no_port[at]);
        assert_int_equal(endpoint_parse(&endpoint, url), -1);
    }
}

static void a_place_is_judged_without_looking_its_name_up(void **state)
{
    (void)state;
    assert_int_equal(endpoint_check("http://no.such.host.invalid:8080"), 0);
    assert_int_equal(endpoint_check("unix:/no/such/socket"), 0);
    assert_int_equal(endpoint_check_resp("redis://no.such.host.invalid"), 0);
}

/* The address that a socket to the server comes from; 0: any. */
static uint32_t source_of(const char *url, uint32_t source)
{
    struct endpoint endpoint;
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    assert_int_equal(endpoint_parse(&endpoint, url), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    endpoint_bind(&endpoint, fd, source);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(address.sin_port, 0);
    close(fd);
    return ntohl(address.sin_addr.s_addr);
}

static void more_connections_to_this_machine_come_from_more_addresses(void **state)
{
    (void)state;
    assert_int_equal(source_of("http://127.0.0.1:80", 0), INADDR_ANY);
    assert_int_equal(source_of("http://127.0.0.1:80", 1), INADDR_LOOPBACK + 1);
    assert_int_equal(source_of("http://127.0.0.1:80", 4), INADDR_LOOPBACK + 4);
    assert_int_equal(source_of("http://192.0.2.1:80", 4), INADDR_ANY);
    assert_int_equal(source_of("unix:/run/http.sock", 4), INADDR_ANY);
}

static void a_connection_waits_no_longer_than_it_was_told(void **state)
{
    (void)state;
    struct endpoint endpoint;
    char url[64], byte;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(endpoint_parse(&endpoint, url), 0);
    assert_int_equal(endpoint_connect(&endpoint, 50), -ECONNREFUSED);
    assert_int_equal(listen(listener, 1), 0);
    int fd = endpoint_connect(&endpoint, 50);
    assert_true(fd >= 0);
    assert_int_equal(recv(fd, &byte, 1, 0), -1); /* nobody accepts and answers */
    assert_int_equal(errno, EAGAIN);
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_names_host_and_port),
        cmocka_unit_test(a_path_names_a_unix_socket),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(a_port_is_a_number_of_16_bits),
        cmocka_unit_test(a_place_is_judged_without_looking_its_name_up),
        cmocka_unit_test(more_connections_to_this_machine_come_from_more_addresses),
        cmocka_unit_test(a_connection_waits_no_longer_than_it_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
