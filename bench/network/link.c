/*
 * A long-distance link between two network namespaces of its own, in user space, for machines without tc's
 * netem. Needs root and /dev/net/tun.
 *
 *   link DELAY_MS MBIT_PER_S LOSS_PERCENT QUEUE_MS SEED
 *
 *   clients' namespace  10.99.0.1 [tun] ── queue ── rate ── delay ── [tun] 10.99.0.2  servers' namespace
 *
 * Each direction has the delay (one way), the rate, a queue of so many milliseconds that drops what comes on
 * top, and the random loss. It says "ready" when packets pass; the namespaces are then /proc/PID/fd/10 (the
 * clients') and /proc/PID/fd/11 (the servers'), for `nsenter --net=`. They have no name, so they are gone with
 * this process and with those inside them. It ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MTU = 1500, SLOTS = 1 << 15, READS_AT_ONCE = 64, FIRST_NAMESPACE = 10 };

struct packet {
  uint64_t due;
  uint32_t length;
  unsigned char bytes[MTU];
};

/* One direction: a ring of packets on their way. */
struct lane {
  int from, to;
  uint32_t head, tail;
  uint64_t line_free_at;
  struct packet *ring;
};

static uint64_t delay_ns, queue_ns;
static double ns_per_byte, loss;

static void fail(const char *what) {
  fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void set_address(int socket, unsigned long request, struct ifreq *device, const char *address) {
  struct sockaddr_in *in = (struct sockaddr_in *)&device->ifr_addr;
  memset(in, 0, sizeof *in);
  in->sin_family = AF_INET;
  inet_pton(AF_INET, address, &in->sin_addr);
  if (ioctl(socket, request, device)) fail(address);
}

static void bring_up(int socket, const char *name) {
  struct ifreq device = {0};
  strcpy(device.ifr_name, name);
  device.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket, SIOCSIFFLAGS, &device)) fail(name);
}

/* What one connection learned of the path must not help or hinder the next client. */
static void forget_paths(void) {
  int file = open("/proc/sys/net/ipv4/tcp_no_metrics_save", O_WRONLY);
  if (file < 0 || write(file, "1", 1) != 1) fail("tcp_no_metrics_save");
  close(file);
}

/* Enters a new namespace that stays open as `descriptor`. Returns its end of the link. */
static int new_end(int descriptor, const char *address) {
  if (unshare(CLONE_NEWNET)) fail("a network namespace (root is needed)");
  int namespace = open("/proc/self/ns/net", O_RDONLY);
  if (namespace < 0 || dup2(namespace, descriptor) < 0) fail("/proc/self/ns/net");
  close(namespace);
  forget_paths();

  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq device = {0};
  strcpy(device.ifr_name, "wan0");
  device.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (tun < 0 || ioctl(tun, TUNSETIFF, &device)) fail("/dev/net/tun");

  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  set_address(socket_, SIOCSIFADDR, &device, address);
  set_address(socket_, SIOCSIFNETMASK, &device, "255.255.255.252");
  device.ifr_mtu = MTU;
  if (ioctl(socket_, SIOCSIFMTU, &device)) fail("MTU");
  device.ifr_qlen = 10000; /* the link has its own queue: the device must not drop */
  if (ioctl(socket_, SIOCSIFTXQLEN, &device)) fail("queue length");
  bring_up(socket_, "wan0");
  bring_up(socket_, "lo");
  close(socket_);
  return tun;
}

static int is_lost(const struct lane *lane, uint64_t now) {
  if ((lane->tail + 1) % SLOTS == lane->head) return 1;
  if (lane->line_free_at > now + queue_ns) return 1;
  return loss > 0 && drand48() < loss;
}

static void take_in(struct lane *lane) {
  for (int count = 0; count < READS_AT_ONCE; count++) {
    struct packet *packet = &lane->ring[lane->tail];
    ssize_t length = read(lane->from, packet->bytes, MTU);
    if (length <= 0) return;
    uint64_t now = now_ns();
    if (is_lost(lane, now)) continue;
    if (lane->line_free_at < now) lane->line_free_at = now;
    lane->line_free_at += (uint64_t)((double)length * ns_per_byte);
    packet->length = (uint32_t)length;
    packet->due = lane->line_free_at + delay_ns;
    lane->tail = (lane->tail + 1) % SLOTS;
  }
}

static void hand_out(struct lane *lane) {
  while (lane->head != lane->tail && lane->ring[lane->head].due <= now_ns()) {
    struct packet *packet = &lane->ring[lane->head];
    /* Only a full receive queue refuses it: a loss like any other. */
    if (write(lane->to, packet->bytes, packet->length) < 0 && errno != EAGAIN && errno != ENOBUFS) fail("tun");
    lane->head = (lane->head + 1) % SLOTS;
  }
}

static uint64_t next_due(const struct lane *lanes) {
  uint64_t due = UINT64_MAX;
  for (int i = 0; i < 2; i++)
    if (lanes[i].head != lanes[i].tail && lanes[i].ring[lanes[i].head].due < due)
      due = lanes[i].ring[lanes[i].head].due;
  return due;
}

int main(int count, char **values) {
  if (count != 6) {
    fprintf(stderr, "link DELAY_MS MBIT_PER_S LOSS_PERCENT QUEUE_MS SEED\n");
    return 2;
  }
  delay_ns = (uint64_t)(atof(values[1]) * 1e6);
  ns_per_byte = 8000 / atof(values[2]);
  loss = atof(values[3]) / 100;
  queue_ns = (uint64_t)(atof(values[4]) * 1e6);
  srand48(atol(values[5]));

  int near = new_end(FIRST_NAMESPACE, "10.99.0.1"), far = new_end(FIRST_NAMESPACE + 1, "10.99.0.2");
  struct lane lanes[2] = {{.from = near, .to = far}, {.from = far, .to = near}};
  for (int i = 0; i < 2; i++)
    if (!(lanes[i].ring = calloc(SLOTS, sizeof *lanes[i].ring))) fail("memory");
  puts("ready");
  fflush(stdout);

  for (;;) {
    struct pollfd polled[3] = {{near, POLLIN, 0}, {far, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    uint64_t now = now_ns(), due = next_due(lanes), wait = due <= now ? 0 : due - now;
    struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
    if (ppoll(polled, 3, due == UINT64_MAX ? NULL : &timeout, NULL) < 0 && errno != EINTR) fail("ppoll");
    if (polled[2].revents) return 0;
    for (int i = 0; i < 2; i++) {
      if (polled[i].revents & POLLIN) take_in(&lanes[i]);
      hand_out(&lanes[i]);
    }
  }
}
