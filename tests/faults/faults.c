/* Changes of files below a folder, counted; the n-th of them fails, or kills the process.

   Preloaded into a process that forks: the child calls `faults_arm`, the parent reads what came of it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared by the parent and its children. */
static struct {
    char folder[PATH_MAX], name[16], path[PATH_MAX];
    long call, calls;
    int error, armed;
} *state;

__attribute__((constructor)) static void begin(void) {
    void *memory = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) state = memory;
}

/* From now on the `call`-th change below `folder` fails with the number `error`, or kills if that is 0. */
void faults_arm(const char *folder, long call, int error) {
    memset(state, 0, sizeof *state);
    strncpy(state->folder, folder, PATH_MAX - 1);
    state->call = call;
    state->error = error;
    state->armed = 1;
}

long faults_calls(void) { long calls = state->calls; state->armed = 0; return calls; }
const char *faults_name(void) { return state->name; }
const char *faults_path(void) { return state->path; }

static int is_below(const char *path) {
    size_t length = strlen(state->folder);
    return strncmp(path, state->folder, length) == 0 && (path[length] == '/' || !path[length]);
}

static void path_of(int descriptor, char *path) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

/* Count a change; whether it is the one that fails. */
static int fails(const char *name, const char *path) {
    if (!is_below(path) || __sync_add_and_fetch(&state->calls, 1) != state->call) return 0;
    strncpy(state->name, name, sizeof state->name - 1);
    strncpy(state->path, path, PATH_MAX - 1);
    if (!state->error) kill(getpid(), SIGKILL);
    errno = state->error;
    return 1;
}

static int fails_path(const char *name, int folder, const char *given) {
    char path[2 * PATH_MAX];
    if (!state || !state->armed || !given) return 0;
    if (given[0] == '/') return fails(name, given);
    if (folder == AT_FDCWD) { if (!getcwd(path, PATH_MAX)) return 0; }
    else path_of(folder, path);
    size_t length = strlen(path);
    snprintf(path + length, sizeof path - length, "/%s", given);
    return fails(name, path);
}

static int fails_descriptor(const char *name, int descriptor) {
    char path[PATH_MAX];
    if (!state || !state->armed) return 0;
    int saved = errno, flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || (!strcmp(name, "close") && (flags & O_ACCMODE) == O_RDONLY)) { errno = saved; return 0; }
    path_of(descriptor, path);
    if (fails(name, path)) return 1;
    errno = saved;
    return 0;
}

#define NEXT(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define ON_PATH(name, folder, path, parameters, types, arguments)                                   \
    int name parameters {                                                                          \
        return fails_path(#name, folder, path) ? -1 : ((int(*) types)dlsym(RTLD_NEXT, #name)) arguments; \
    }
#define ON_DESCRIPTOR(type, name, parameters, types, arguments)                                    \
    type name parameters {                                                                         \
        return fails_descriptor(#name, fd) ? -1 : ((type(*) types)dlsym(RTLD_NEXT, #name)) arguments; \
    }

ON_PATH(rename, AT_FDCWD, to, (const char *from, const char *to), (const char *, const char *), (from, to))
ON_PATH(renameat, tofd, to, (int fd, const char *from, int tofd, const char *to),
        (int, const char *, int, const char *), (fd, from, tofd, to))
ON_PATH(renameat2, tofd, to, (int fd, const char *from, int tofd, const char *to, unsigned flags),
        (int, const char *, int, const char *, unsigned), (fd, from, tofd, to, flags))
ON_PATH(link, AT_FDCWD, to, (const char *from, const char *to), (const char *, const char *), (from, to))
ON_PATH(linkat, tofd, to, (int fd, const char *from, int tofd, const char *to, int flags),
        (int, const char *, int, const char *, int), (fd, from, tofd, to, flags))
ON_PATH(unlink, AT_FDCWD, path, (const char *path), (const char *), (path))
ON_PATH(unlinkat, fd, path, (int fd, const char *path, int flags), (int, const char *, int), (fd, path, flags))
ON_PATH(rmdir, AT_FDCWD, path, (const char *path), (const char *), (path))
ON_PATH(mkdir, AT_FDCWD, path, (const char *path, mode_t mode), (const char *, mode_t), (path, mode))
ON_PATH(mkdirat, fd, path, (int fd, const char *path, mode_t mode), (int, const char *, mode_t), (fd, path, mode))
ON_PATH(chmod, AT_FDCWD, path, (const char *path, mode_t mode), (const char *, mode_t), (path, mode))

ON_DESCRIPTOR(ssize_t, write, (int fd, const void *data, size_t size), (int, const void *, size_t), (fd, data, size))
ON_DESCRIPTOR(ssize_t, writev, (int fd, const struct iovec *parts, int count), (int, const struct iovec *, int),
              (fd, parts, count))
ON_DESCRIPTOR(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at),
              (int, const void *, size_t, off_t), (fd, data, size, at))
ON_DESCRIPTOR(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at),
              (int, const void *, size_t, off64_t), (fd, data, size, at))
ON_DESCRIPTOR(int, fsync, (int fd), (int), (fd))
ON_DESCRIPTOR(int, fdatasync, (int fd), (int), (fd))
ON_DESCRIPTOR(int, ftruncate, (int fd, off_t size), (int, off_t), (fd, size))
ON_DESCRIPTOR(int, ftruncate64, (int fd, off64_t size), (int, off64_t), (fd, size))
ON_DESCRIPTOR(int, fallocate, (int fd, int mode, off_t at, off_t size), (int, int, off_t, off_t),
              (fd, mode, at, size))

/* Linux closes a descriptor even where it reports an error. */
int close(int fd) {
    int failed = fails_descriptor("close", fd), error = errno;
    int result = NEXT(int, "close", int)(fd);
    if (!failed) return result;
    errno = error;
    return -1;
}

/* Copies in the kernel: refused, so that callers fall back to writes, which are counted. */
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags) {
    if (!state || !state->armed)
        return NEXT(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned)
            (from, at, to, there, size, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    if (fails_descriptor("sendfile", to)) return -1;
    return NEXT(ssize_t, "sendfile64", int, int, off64_t *, size_t)(to, from, at, size);
}

ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    if (fails_descriptor("sendfile", to)) return -1;
    return NEXT(ssize_t, "sendfile", int, int, off_t *, size_t)(to, from, at, size);
}

static int creates(const char *name, int folder, const char *path, int flags) {
    return (flags & (O_CREAT | O_TRUNC)) && fails_path(name, folder, path);
}

#define MODE(flags)                                  \
    mode_t mode = 0;                                 \
    if ((flags) & (O_CREAT | O_TMPFILE)) {           \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                \
    }

#define ON_OPEN(name)                                                                        \
    int name(const char *path, int flags, ...) {                                             \
        MODE(flags)                                                                          \
        if (creates("open", AT_FDCWD, path, flags)) return -1;                               \
        return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode); \
    }
#define ON_OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                          \
        MODE(flags)                                                                                   \
        if (creates("open", folder, path, flags)) return -1;                                          \
        return ((int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name))(folder, path, flags, mode); \
    }

ON_OPEN(open)
ON_OPEN(open64)
ON_OPENAT(openat)
ON_OPENAT(openat64)
