/* SPDX-License-Identifier: Apache-2.0 */
/* The generator against the floor: what it counts and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor/echo.h"
#include "bench/generator.h"
#include "bench/median.h"
#include "bench/traffic.h"

#define REPLY_SIZE 300

/* A floor in a process of its own; answers its port. */
static uint16_t start_floor(struct process *floor, const struct echo_plan *plan)
{
    int ends[2];
    uint16_t port = 0;
    assert_int_equal(pipe(ends), 0);
    floor->pid = fork();
    if (floor->pid == 0) {
        struct echo *echo = calloc(1, sizeof *echo);
        if (echo == NULL || echo_open(echo, plan) < 0 ||
            write(ends[1], &echo->port, sizeof echo->port) != sizeof echo->port)
            _exit(1);
        while (echo_tick(echo) == 0)
            ;
        _exit(1);
    }
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    close(ends[0]);
    close(ends[1]);
    return port;
}

static void stop_floor(struct process *floor)
{
    kill(floor->pid, SIGKILL);
    waitpid(floor->pid, NULL, 0);
}

/* A floor, and what is asked of it. */
struct run {
    struct process floor;
    struct traffic traffic;
    struct generator_plan plan;
    struct generator_result result;
    char failure[GENERATOR_FAILURE_SIZE];
    uint32_t request_size; /* of one request */
};

/* `path` NULL: on a port. */
static void begin(struct run *run, enum traffic_kind kind, const char *path)
{
    *run = (struct run){.traffic = {.kind = kind}};
    char request[GENERATOR_REQUEST_SIZE_MAX] = "";
    struct traffic traffic = run->traffic;
    uint32_t deep = traffic_deep(kind);
    run->request_size = traffic_fill(&traffic, 0, request) / deep;
    const struct echo_plan floor = {.path = path,
        .request_size = run->request_size,
        .reply_size = REPLY_SIZE,
        .is_resp = kind == TRAFFIC_RESP_CHECKOUT_16};
    run->plan = (struct generator_plan){
        .port = start_floor(&run->floor, &floor),
        .path = path,
        .protocol = floor.is_resp ? GENERATOR_RESP : GENERATOR_HTTP,
        .deep = deep,
        .connections = 4,
        .expected_status = 200,
        .warm_seconds = 0.01,
        .seconds = 5,
        .requests_max = 2000,
        .fill = traffic_fill,
        .context = &run->traffic,
        .server = &run->floor,
    };
}

/* In an open loop. */
static void begin_at_rate(struct run *run, double per_second)
{
    begin(run, TRAFFIC_CHECKOUT, NULL);
    run->plan.per_second = per_second;
    run->plan.seconds = 0.5;
    run->plan.requests_max = 0;
}

static struct generator *open_generator(struct run *run)
{
    struct generator *generator = generator_open(&run->plan, run->failure);
    assert_string_equal(run->failure, "");
    assert_non_null(generator);
    return generator;
}

static bool go_and_end(struct run *run, struct generator *generator)
{
    bool ran = generator_run(generator, &run->result);
    generator_close(generator);
    stop_floor(&run->floor);
    return ran;
}

static bool play(struct run *run)
{
    return go_and_end(run, open_generator(run));
}

static void check_counted(const struct run *run)
{
    const struct generator_result *result = &run->result;
    assert_string_equal(result->failure, "");
    assert_in_range(result->completed, 1000, 2000);
    assert_true(result->request_size > run->request_size - 0.01 &&
                result->request_size < run->request_size + 0.01);
    assert_true(result->reply_size > REPLY_SIZE - 0.01 && result->reply_size < REPLY_SIZE + 0.01);
    assert_int_equal(run->traffic.requests_made, 2000);
}

static void requests_and_replies_are_counted_with_their_sizes(void **state)
{
    (void)state;
    struct run run;
    begin(&run, TRAFFIC_CHECKOUT, NULL);
    assert_true(play(&run));
    check_counted(&run);
    assert_true(run.result.cpu.sched_ns > 0);
}

static void sixteen_deep_means_sixteen_replies_to_one_write(void **state)
{
    (void)state;
    struct run run;
    begin(&run, TRAFFIC_RESP_CHECKOUT_16, NULL);
    assert_int_equal(run.plan.deep, 16);
    assert_true(play(&run));
    check_counted(&run);
}

static void another_status_than_expected_is_told_with_the_reply(void **state)
{
    (void)state;
    struct run run;
    begin(&run, TRAFFIC_AVAILABILITY, NULL);
    run.plan.expected_status = 201;
    assert_false(play(&run));
    assert_non_null(strstr(run.result.failure, "unexpected reply: HTTP/1.1 200 OK"));
}

static void a_unix_socket_serves_as_a_port_does(void **state)
{
    (void)state;
    char path[] = "/tmp/hotshelf-floor-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    struct run run;
    begin(&run, TRAFFIC_CHECKOUT, path);
    assert_true(play(&run));
    unlink(path);
    check_counted(&run);
}

/* Half of a second at 2,000 a second, whatever the floor could do. */
static void an_open_loop_sends_what_is_due_and_no_more(void **state)
{
    (void)state;
    struct run run;
    begin_at_rate(&run, 2000);
    assert_true(play(&run));
    const struct generator_result *result = &run.result;
    double due = run.plan.per_second * (result->seconds + 0.1);
    assert_true(result->completed > 0 && (double)result->completed <= due);
    assert_true(result->p50_us > 0 && result->p50_us <= result->p99_us);
    assert_true(result->p99_us <= result->p999_us && result->late_p99_us > 0);
}

/* A server that stops for a while makes everybody wait who was due meanwhile, not one. */
static void a_stall_is_in_the_time_of_all_that_were_due(void **state)
{
    (void)state;
    struct run run;
    begin_at_rate(&run, 1000);
    struct generator *generator = open_generator(&run);
    /* Stopped before the first request; continued when half of the time is over. */
    kill(run.floor.pid, SIGSTOP);
    pid_t waker = fork();
    if (waker == 0) {
        usleep(300000);
        kill(run.floor.pid, SIGCONT);
        _exit(0);
    }
    assert_true(go_and_end(&run, generator));
    waitpid(waker, NULL, 0);
    /* Of those due in the first 300 of 500 ms, half waited 150 ms and more. */
    assert_true(run.result.p99_us > 200000 && run.result.p50_us > 20000);
}

static void nobody_listening_is_a_clear_failure(void **state)
{
    (void)state;
    /* Bound, so that nobody else takes the port, and not listening. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    struct traffic traffic = {.kind = TRAFFIC_AVAILABILITY};
    struct generator_plan plan = {.port = ntohs(address.sin_port),
        .connections = 4,
        .fill = traffic_fill,
        .context = &traffic};
    char failure[GENERATOR_FAILURE_SIZE] = "";
    assert_null(generator_open(&plan, failure));
    assert_non_null(strstr(failure, "refused"));
    close(fd);
}

static void every_request_of_a_kind_has_the_same_size(void **state)
{
    (void)state;
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++) {
        char request[GENERATOR_REQUEST_SIZE_MAX] = "";
        char before[GENERATOR_REQUEST_SIZE_MAX];
        struct traffic traffic = {.kind = (enum traffic_kind)kind};
        uint32_t size = traffic_fill(&traffic, 3, request);
        assert_int_equal(size, traffic.request_size * traffic_deep(traffic.kind));
        for (int at = 0; at < 30; at++) {
            memcpy(before, request, sizeof before);
            assert_int_equal(traffic_fill(&traffic, 3, request), size);
            assert_int_equal(strlen(request), size);
            assert_int_equal(memcmp(before, request, size) != 0, traffic_is_kept(traffic.kind));
        }
    }
}

static void the_median_is_the_middle(void **state)
{
    (void)state;
    assert_true(median((double[]){3, 1, 2}, 3) > 1.99 && median((double[]){3, 1, 2}, 3) < 2.01);
    assert_true(
        median((double[]){4, 1, 2, 100}, 4) > 2.99 && median((double[]){4, 1, 2, 100}, 4) < 3.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_replies_are_counted_with_their_sizes),
        cmocka_unit_test(sixteen_deep_means_sixteen_replies_to_one_write),
        cmocka_unit_test(another_status_than_expected_is_told_with_the_reply),
        cmocka_unit_test(a_unix_socket_serves_as_a_port_does),
        cmocka_unit_test(an_open_loop_sends_what_is_due_and_no_more),
        cmocka_unit_test(a_stall_is_in_the_time_of_all_that_were_due),
        cmocka_unit_test(nobody_listening_is_a_clear_failure),
        cmocka_unit_test(every_request_of_a_kind_has_the_same_size),
        cmocka_unit_test(the_median_is_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
