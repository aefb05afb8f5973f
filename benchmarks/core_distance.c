// How long a cache line takes from one CPU to another, every 50 ms: do the two share a cache just now?
//
//     cc -O2 -pthread benchmarks/core_distance.c -o core_distance && ./core_distance 60 [CPU CPU]
//
// Prints the time (s since the epoch) and ns a passage. On a virtual machine the host may move a
// virtual CPU to a core of another cache: what two threads share travels then. As root it goes
// before all else (SCHED_FIFO) and disturbs a measurement beside it by 1 %.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSAGES = 2000, PERIOD_NS = 50000000, SECOND_NS = 1000000000 };

static atomic_int turn, arrived;
static struct timespec start;
static double end_s;
static int cpus[2] = {0, 1};

static double now_s(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec + at.tv_nsec * 1e-9;
}

static void *pass(void *argument) {
    const int me = (int)(long)argument;
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(cpus[me], &mine);
    pthread_setaffinity_np(pthread_self(), sizeof mine, &mine);
    const struct sched_param first = {.sched_priority = 50};
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
    struct timespec next = start;
    for (int round = 1; next.tv_sec < end_s; round++) {
        next.tv_nsec += PERIOD_NS;
        if (next.tv_nsec >= SECOND_NS) {
            next.tv_nsec -= SECOND_NS;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        atomic_fetch_add(&arrived, 1);
        while (atomic_load(&arrived) < 2 * round) {
        }
        const double begin_s = now_s(CLOCK_MONOTONIC);
        for (int at = 0; at < PASSAGES / 2; at++) {
            while (atomic_load_explicit(&turn, memory_order_acquire) != me) {
            }
            atomic_store_explicit(&turn, 1 - me, memory_order_release);
        }
        if (me == 1) {
            const double took_ns = (now_s(CLOCK_MONOTONIC) - begin_s) * 1e9;
            printf("%.3f %.0f\n", now_s(CLOCK_REALTIME), took_ns / PASSAGES);
            fflush(stdout);
        }
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 2 && count != 4) {
        fprintf(stderr, "usage: %s SECONDS [CPU CPU]\n", arguments[0]);
        return 2;
    }
    for (int at = 2; at < count; at++) cpus[at - 2] = atoi(arguments[at]);
    clock_gettime(CLOCK_MONOTONIC, &start);
    end_s = start.tv_sec + atof(arguments[1]);
    pthread_t threads[2];
    for (long at = 0; at < 2; at++) pthread_create(&threads[at], NULL, pass, (void *)at);
    for (int at = 0; at < 2; at++) pthread_join(threads[at], NULL);
    return 0;
}
