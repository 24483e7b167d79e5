/*
 * The floor under an HTTP server's figures: answers whatever it reads with the bytes of a file, from one thread,
 * without looking at them. Prints its port on loopback. For a client that sends one request after the other.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { answer_max = 64 * 1024, events_max = 128 };

static char answer[answer_max];
static size_t answer_len;

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void read_answer(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail(path);
    answer_len = fread(answer, 1, sizeof(answer), file);
    (void)fclose(file);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        fail("listen");
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static void accept_one(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        fail("accept");
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watch(epoll, fd);
}

static void answer_one(int fd)
{
    char request[4096];
    if (read(fd, request, sizeof(request)) <= 0 || write(fd, answer, answer_len) != (ssize_t)answer_len)
        (void)close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench-floor ANSWER_FILE\n");
        return 2;
    }
    read_answer(argv[1]);
    int listener = listen_on_loopback();
    int epoll = epoll_create1(0);
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[events_max];
        int count = epoll_wait(epoll, events, events_max, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_one(epoll, listener);
            else
                answer_one(events[i].data.fd);
        }
    }
}
