/* A Modbus server on libmodbus, TCP or RTU, written to test and measure a client against code
 * that is not its own.
 *
 *     server PORT COUNT [PERIOD_MS]
 *     server DEVICE:UNIT COUNT [PERIOD_MS]      RTU, 9600 8N1, such as /dev/pts/3:17
 *
 * PORT 0 takes a free one; the line "port N" on stdout tells which, as soon as it listens
 * ("port DEVICE" on a serial line).
 * COUNT is the number of addresses in each of the four tables.
 *
 * In generation g, address i holds
 *     holding register   (i + g) mod 65536
 *     input register     65535 - (i + g) mod 65536
 *     coil               1 if (i + g) mod 3 = 0
 *     discrete input     1 if (i + g) mod 2 = 0
 * The generation is 0 at the start and rises by one every PERIOD_MS (never without it), all
 * tables at once and between two answers. Without PERIOD_MS what a client writes stays.
 *
 * Any number of connections up to FD_SETSIZE, or one serial line; one thread. Ends on SIGTERM or
 * when stdin closes.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fill(modbus_mapping_t *map, unsigned generation)
{
    for (int i = 0; i < map->nb_registers; i++) {
        unsigned sum = i + generation;
        map->tab_registers[i] = (uint16_t)sum;
        map->tab_input_registers[i] = (uint16_t)(65535 - sum % 65536);
        map->tab_bits[i] = sum % 3 == 0;
        map->tab_input_bits[i] = sum % 2 == 0;
    }
}

static void serve_one(modbus_t *context, modbus_mapping_t *map, int socket, fd_set *all)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(context, socket);
    int length = modbus_receive(context, request);
    if (length > 0)
        modbus_reply(context, request, length, map);
    else if (length < 0 && modbus_get_header_length(context) > 1) { /* TCP: the client is gone */
        close(socket);
        FD_CLR(socket, all);
    }
}

static int accept_one(int listener, fd_set *all, int highest)
{
    int yes = 1;
    int socket = accept(listener, NULL, NULL);
    if (socket < 0)
        return highest;
    if (socket >= FD_SETSIZE) {
        close(socket);
        return highest;
    }
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    FD_SET(socket, all);
    return socket > highest ? socket : highest;
}

/* `listener` is -1 on a serial line, whose descriptor is then `line` */
static void run(modbus_t *context, modbus_mapping_t *map, int listener, int line, int64_t period_us)
{
    fd_set all;
    FD_ZERO(&all);
    FD_SET(STDIN_FILENO, &all);
    int highest = listener < 0 ? line : listener;
    FD_SET(highest, &all);
    unsigned generation = 0;
    int64_t due_us = now_us() + period_us;
    for (;;) {
        struct timeval wait = {0, 0};
        int64_t left_us = due_us - now_us();
        if (period_us > 0 && left_us <= 0) {
            fill(map, ++generation);
            due_us += period_us;
            continue;
        }
        wait.tv_sec = left_us / 1000000;
        wait.tv_usec = left_us % 1000000;
        fd_set ready = all;
        if (select(highest + 1, &ready, NULL, NULL, period_us > 0 ? &wait : NULL) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        for (int fd = 0; fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == listener)
                highest = accept_one(listener, &all, highest);
            else if (fd != STDIN_FILENO)
                serve_one(context, map, fd, &all);
            else if (getchar() == EOF)
                return;
        }
    }
}

/* Takes the port and tells it; gives the listening descriptor, or -1. */
static int listen_tcp(modbus_t *context)
{
    int listener = modbus_tcp_listen(context, 64);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return -1;
    printf("port %d\n", ntohs(address.sin_port));
    return listener;
}

/* Opens the serial line and tells it; gives its descriptor, or -1. */
static int open_rtu(modbus_t *context, const char *device, int unit)
{
    if (modbus_set_slave(context, unit) < 0 || modbus_connect(context) < 0)
        return -1;
    printf("port %s\n", device);
    return modbus_get_socket(context);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: server PORT|DEVICE:UNIT COUNT [PERIOD_MS]\n");
        return 2;
    }
    char *unit = strchr(argv[1], ':');
    if (unit != NULL)
        *unit++ = '\0';
    int count = atoi(argv[2]);
    modbus_t *context = unit == NULL ? modbus_new_tcp("127.0.0.1", atoi(argv[1]))
                                     : modbus_new_rtu(argv[1], 9600, 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(count, count, count, count);
    if (context == NULL || map == NULL) {
        fprintf(stderr, "cannot set up: %s\n", modbus_strerror(errno));
        return 1;
    }
    fill(map, 0);
    int listener = unit == NULL ? listen_tcp(context) : -1;
    int line = unit == NULL ? -1 : open_rtu(context, argv[1], atoi(unit));
    if (listener < 0 && line < 0) {
        fprintf(stderr, "cannot listen: %s\n", modbus_strerror(errno));
        return 1;
    }
    fflush(stdout);
    run(context, map, listener, line, argc == 4 ? (int64_t)atoi(argv[3]) * 1000 : 0);
    if (listener >= 0)
        close(listener);
    modbus_mapping_free(map);
    modbus_free(context);
    return 0;
}
