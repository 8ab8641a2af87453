/* The yardstick: how little a WebSocket server costs on this machine.
 *
 * It unmasks each text message, copies the message id of the CALL into a response of usual length, and sends it. It
 * reads no JSON, checks nothing, and keeps no deadline. One thread, one epoll, one read and one write a message.
 *
 * The load always sends the key of RFC 6455 section 1.3, so the matching Sec-WebSocket-Accept is a constant here.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS = 256, BUFFER = 65536, ID_MOST = 36 };

static const char KEY[] = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
static const char ACCEPT[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                             "Sec-WebSocket-Protocol: ";
static const char PROTOCOL[] = "Sec-WebSocket-Protocol: ";
static const char ANSWER[] = "\",{\"currentTime\":\"2026-03-01T12:00:00.000Z\"}]";

struct connection {
    int socket;
    int is_open;         /* upgraded to WebSocket */
    unsigned char *rest; /* a message that has not arrived in full, or NULL */
    size_t rest_length;
};

static unsigned char buffer[BUFFER];
static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int socket, struct connection *connection) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) < 0) fail("epoll_ctl");
}

static void drop(struct connection *connection) {
    close(connection->socket);
    free(connection->rest);
    free(connection);
}

static int put(struct connection *connection, const void *data, size_t length) {
    return write(connection->socket, data, length) == (ssize_t)length;
}

/* Answer the upgrade request with its first subprotocol. Returns its length, 0 if it is incomplete, -1 on errors. */
static ssize_t upgrade(struct connection *connection, const char *request, size_t length) {
    const char *end = memmem(request, length, "\r\n\r\n", 4);
    char response[512];
    if (end == NULL) return length < BUFFER / 2 ? 0 : -1;
    size_t head = (size_t)(end - request) + 2;
    const char *protocol = memmem(request, head, PROTOCOL, strlen(PROTOCOL));
    if (protocol == NULL || memmem(request, head, KEY, strlen(KEY)) == NULL) return -1;
    protocol += strlen(PROTOCOL);
    int size = snprintf(response, sizeof response, "%s%.*s\r\n\r\n", ACCEPT, (int)strcspn(protocol, ",\r"), protocol);
    if ((size_t)size >= sizeof response) return -1;
    connection->is_open = 1;
    return put(connection, response, (size_t)size) ? end + 4 - request : -1;
}

static void unmask(unsigned char *data, size_t length, const unsigned char *mask) {
    uint64_t key, word;
    memcpy(&key, mask, 4);
    memcpy((char *)&key + 4, mask, 4);
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        memcpy(&word, data + at, 8);
        word ^= key;
        memcpy(data + at, &word, 8);
    }
    for (; at < length; at++) data[at] ^= mask[at & 3];
}

/* Answer [2,"id",...] with a CALLRESULT. Returns 0 if this is not a CALL. */
static int answer(struct connection *connection, const char *call, size_t length) {
    unsigned char frame[2 + 4 + ID_MOST + sizeof ANSWER];
    const char *end = length > 5 && memcmp(call, "[2,\"", 4) == 0 ? memchr(call + 4, '"', length - 4) : NULL;
    if (end == NULL || end - call - 4 > ID_MOST) return 0;
    size_t id = (size_t)(end - call) - 4, size = 4 + id + strlen(ANSWER);
    frame[0] = 0x81;
    frame[1] = (unsigned char)size; /* at most 4 + 36 + 45, so one byte is enough */
    memcpy(frame + 2, "[3,\"", 4);
    memcpy(frame + 6, call + 4, id);
    memcpy(frame + 6 + id, ANSWER, strlen(ANSWER));
    return put(connection, frame, 2 + size);
}

/* Answer one frame. Returns its length, 0 if it is incomplete, -1 to end the connection. */
static ssize_t frame(struct connection *connection, unsigned char *data, size_t length) {
    if (length < 2) return 0;
    size_t size = data[1] & 0x7f, head = 6;
    if (data[0] != 0x81 || !(data[1] & 0x80) || size == 127) return -1; /* the load sends nothing else */
    if (size == 126) {
        if (length < 4) return 0;
        size = (size_t)data[2] << 8 | data[3], head = 8;
    }
    if (head + size > BUFFER / 2) return -1;
    if (length < head + size) return 0;
    unmask(data + head, size, data + head - 4);
    return answer(connection, (const char *)data + head, size) ? (ssize_t)(head + size) : -1;
}

/* Keep what belongs to an incomplete message until more arrives. */
static void keep(struct connection *connection, const unsigned char *data, size_t length) {
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_length = length;
    if (length == 0) return;
    if ((connection->rest = malloc(length)) == NULL) fail("malloc");
    memcpy(connection->rest, data, length);
}

/* Read once and answer every whole message. Returns 0 to end the connection. */
static int receive(struct connection *connection) {
    size_t length = connection->rest_length, at = 0;
    if (length > 0) memcpy(buffer, connection->rest, length);
    ssize_t got = read(connection->socket, buffer + length, BUFFER - length);
    if (got <= 0) return 0;
    length += (size_t)got;
    while (at < length) {
        ssize_t used = connection->is_open ? frame(connection, buffer + at, length - at)
                                           : upgrade(connection, (const char *)buffer + at, length - at);
        if (used < 0) return 0;
        if (used == 0) break;
        at += (size_t)used;
    }
    if (at < length || connection->rest != NULL) keep(connection, buffer + at, length - at);
    return 1;
}

static void take(int listener) {
    int one = 1, socket = accept(listener, NULL, NULL);
    struct connection *connection = calloc(1, sizeof *connection);
    if (socket < 0 || connection == NULL) fail("accept");
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->socket = socket;
    watch(socket, connection);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct connection listener = {.socket = socket(AF_INET, SOCK_STREAM, 0)}, parent = {.socket = STDIN_FILENO};
    struct epoll_event events[EVENTS];
    if (bind(listener.socket, (struct sockaddr *)&address, size) < 0 || listen(listener.socket, BACKLOG) < 0) fail("listen");
    if (getsockname(listener.socket, (struct sockaddr *)&address, &size) < 0) fail("getsockname");
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    watch(listener.socket, &listener);
    watch(STDIN_FILENO, &parent); /* ends when the benchmark does, like every server here */
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection == &parent) return 0;
            if (connection == &listener) take(listener.socket);
            else if (!receive(connection)) drop(connection);
        }
    }
}
