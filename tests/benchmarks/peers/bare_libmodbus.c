/* The bare loop of libmodbus: reads every register at each interval and drops what it read.
 *
 *     bare_libmodbus WARM_UP_S SECONDS VALUES INTERVAL_MS PUBLISHING_MS QUEUE PORT...
 *
 * Prints what a window of it cost as one line of JSON; ends when stdin closes.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_DEVICES 64
#define REGISTERS_PER_REQUEST 125

static double seconds_on(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_s(double s)
{
    struct timespec wait = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&wait, NULL);
}

static long read_device(modbus_t *device, int size)
{
    uint16_t registers[REGISTERS_PER_REQUEST];
    for (int start = 0; start < size; start += REGISTERS_PER_REQUEST) {
        int count = size - start < REGISTERS_PER_REQUEST ? size - start : REGISTERS_PER_REQUEST;
        if (modbus_read_registers(device, start, count, registers) != count) {
            fprintf(stderr, "read: %s\n", modbus_strerror(errno));
            exit(1);
        }
    }
    return size;
}

/* Read all devices in turn until a time, on an absolute schedule; a late round shifts it. */
static long read_until(double end_s, modbus_t **devices, int count, int size, double interval_s)
{
    long values = 0;
    double due_s = seconds_on(CLOCK_MONOTONIC);
    while (due_s < end_s) {
        for (int i = 0; i < count; i++)
            values += read_device(devices[i], size);
        double now_s = seconds_on(CLOCK_MONOTONIC);
        due_s += interval_s;
        if (due_s > now_s)
            sleep_s(due_s - now_s);
        else
            due_s = now_s;
    }
    return values;
}

int main(int argc, char **argv)
{
    modbus_t *devices[MAX_DEVICES];
    int count = argc - 7;
    if (count < 1 || count > MAX_DEVICES) {
        fprintf(stderr, "usage: see the head of the source\n");
        return 2;
    }
    double warm_up_s = atof(argv[1]), seconds = atof(argv[2]), interval_s = atof(argv[4]) / 1000;
    int size = atoi(argv[3]);
    for (int i = 0; i < count; i++) {
        devices[i] = modbus_new_tcp("127.0.0.1", atoi(argv[7 + i]));
        if (devices[i] == NULL || modbus_connect(devices[i]) != 0) {
            fprintf(stderr, "connect: %s\n", modbus_strerror(errno));
            return 1;
        }
    }
    read_until(seconds_on(CLOCK_MONOTONIC) + warm_up_s, devices, count, size, interval_s);
    double start_s = seconds_on(CLOCK_MONOTONIC);
    double cpu_s = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
    long values = read_until(start_s + seconds, devices, count, size, interval_s);
    printf("{\"values\": %ld, \"cpu_s\": %.9f, \"wall_s\": %.9f}\n", values,
           seconds_on(CLOCK_PROCESS_CPUTIME_ID) - cpu_s, seconds_on(CLOCK_MONOTONIC) - start_s);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (int i = 0; i < count; i++)
        modbus_free(devices[i]);
    return 0;
}
