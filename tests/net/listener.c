/* SPDX-License-Identifier: Apache-2.0 */
/* Where clients knock: one port for all shards, one Unix socket for all, and clear refusals. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop/listener.h"

enum { ERROR_SIZE = 256 };

static struct config_address tcp(uint16_t port)
{
    return (struct config_address){.port = port, .host = "127.0.0.1"};
}

static struct config_address local(char directory[32])
{
    struct config_address address = {.is_unix = true};
    snprintf(directory, 32, "listener_test_XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(address.host, sizeof address.host, "%s/socket", directory);
    return address;
}

static uint16_t port_in(const struct listener *listener)
{
    const char *colon = strrchr(listener->address, ':');
    assert_non_null(colon);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

static void shards_share_a_port_and_say_which(void **state)
{
    (void)state;
    struct listener listener;
    char error[ERROR_SIZE];
    struct config_address any = tcp(0);
    assert_int_equal(listener_open(&listener, &any, 3, "server.http", error, sizeof error), 0);
    assert_int_not_equal(port_in(&listener), 0);
    assert_false(listener.local);
    assert_int_not_equal(listener.sockets[0], listener.sockets[1]);
    assert_int_not_equal(listener.sockets[1], listener.sockets[2]);
    listener_close(&listener);
}

static void a_port_in_use_is_refused_even_for_sharing(void **state)
{
    (void)state;
    struct listener first, second;
    char error[ERROR_SIZE] = "";
    struct config_address any = tcp(0);
    assert_int_equal(listener_open(&first, &any, 2, "server.http", error, sizeof error), 0);
    struct config_address same = tcp(port_in(&first));
    assert_int_not_equal(listener_open(&second, &same, 2, "server.http", error, sizeof error), 0);
    assert_non_null(strstr(error, "server.http = 127.0.0.1:"));
    assert_non_null(strstr(error, "another server is there"));
    listener_close(&first);
    assert_int_equal(listener_open(&second, &same, 2, "server.http", error, sizeof error), 0);
    listener_close(&second);
}

static void *close_soon(void *listener)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    listener_close(listener);
    return NULL;
}

static void the_port_of_a_server_that_is_just_ending_is_waited_for(void **state)
{
    (void)state;
    struct listener first, second;
    char error[ERROR_SIZE] = "";
    struct config_address any = tcp(0);
    assert_int_equal(listener_open(&first, &any, 2, "server.http", error, sizeof error), 0);
    struct config_address same = tcp(port_in(&first));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_soon, &first), 0);
    assert_int_equal(listener_open(&second, &same, 2, "server.http", error, sizeof error), 0);
    pthread_join(thread, NULL);
    listener_close(&second);
}

static void all_shards_accept_from_one_unix_socket(void **state)
{
    (void)state;
    struct listener listener;
    char error[ERROR_SIZE], directory[32];
    struct config_address address = local(directory);
    struct stat status;
    assert_int_equal(listener_open(&listener, &address, 2, "server.http", error, sizeof error), 0);
    assert_true(listener.local);
    assert_int_equal(listener.sockets[0], listener.sockets[1]);
    assert_int_equal(stat(address.host, &status), 0);
    listener_close(&listener);
    assert_int_not_equal(stat(address.host, &status), 0);
    rmdir(directory);
}

static void the_socket_file_of_a_dead_server_is_replaced_but_not_a_living_one(void **state)
{
    (void)state;
    struct listener living, other;
    char error[ERROR_SIZE], directory[32];
    struct config_address address = local(directory);
    struct sockaddr_un dead = {.sun_family = AF_UNIX};
    snprintf(dead.sun_path, sizeof dead.sun_path, "%s", address.host);
    int left = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(left, (struct sockaddr *)&dead, sizeof dead), 0);
    close(left);
    assert_int_equal(listener_open(&living, &address, 1, "server.http", error, sizeof error), 0);
    assert_int_not_equal(listener_open(&other, &address, 1, "server.http", error, ERROR_SIZE), 0);
    listener_close(&living);
    rmdir(directory);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    struct listener listener;
    char error[ERROR_SIZE] = "", directory[32];
    struct config_address address = local(directory);
    FILE *file = fopen(address.host, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_not_equal(
        listener_open(&listener, &address, 1, "server.http", error, sizeof error), 0);
    assert_non_null(strstr(error, "not a socket"));
    assert_int_equal(unlink(address.host), 0);
    rmdir(directory);
}

static int option_of(int socket, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(socket, level, name, &value, &size), 0);
    return value;
}

/* What the listening socket is told, each client's socket has, without a call for each. */
static void a_client_that_vanished_is_noticed_by_the_kernel(void **state)
{
    (void)state;
    struct listener listener;
    char error[ERROR_SIZE];
    struct config_address any = tcp(0);
    assert_int_equal(listener_open(&listener, &any, 1, "server.http", error, sizeof error), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_in(&listener))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int accepted = accept(listener.sockets[0], NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
    int quiet = option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE);
    int probing = option_of(accepted, IPPROTO_TCP, TCP_KEEPINTVL) *
                  option_of(accepted, IPPROTO_TCP, TCP_KEEPCNT);
    assert_int_equal(quiet, 60);
    assert_int_equal(probing, 30);
    int unanswered = option_of(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT);
    assert_int_equal(unanswered, (quiet + probing) * 1000);
    close(accepted);
    close(client);
    listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_share_a_port_and_say_which),
        cmocka_unit_test(a_port_in_use_is_refused_even_for_sharing),
        cmocka_unit_test(the_port_of_a_server_that_is_just_ending_is_waited_for),
        cmocka_unit_test(all_shards_accept_from_one_unix_socket),
        cmocka_unit_test(the_socket_file_of_a_dead_server_is_replaced_but_not_a_living_one),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(a_client_that_vanished_is_noticed_by_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
