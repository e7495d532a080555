/*
 * Makes calls that change files fail, for tests. Loaded before the C library into the server and into git.
 *
 * FAULTS_CONTROL names a file of struct control that all processes share and the test writes. FAULTS_PATHS has the
 * beginnings of the paths whose calls count, with colons between them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NO_SPACE = 1, IO = 2, SHORT = 3, SYNC = 4 };

struct control {
    _Atomic uint64_t from;  /* the first call that fails; 0 fails none */
    _Atomic uint64_t until; /* the last one */
    _Atomic uint64_t kind;
    _Atomic uint64_t calls; /* how many were counted */
    _Atomic uint64_t hits;  /* how many of them failed */
};

static struct control *control;
static const char *paths;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULTS_CONTROL");
    paths = getenv("FAULTS_PATHS");
    if (!file || !paths) return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = real(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED) control = mapped;
}

static int counts(const char *path) {
    for (const char *at = paths; *at;) {
        size_t length = strcspn(at, ":");
        if (length && strncmp(path, at, length) == 0) return 1;
        at += length + (at[length] == ':');
    }
    return 0;
}

/* The kind of fault that a call on a path meets, or 0. */
static int fault_at(const char *path, int is_write, int is_sync) {
    if (!control || !path || !counts(path)) return 0;
    int kind = (int)atomic_load(&control->kind);
    if ((kind == SYNC && !is_sync) || (kind == SHORT && !is_write)) return 0;
    uint64_t from = atomic_load(&control->from);
    uint64_t call = atomic_fetch_add(&control->calls, 1) + 1;
    if (!from || call < from || call > atomic_load(&control->until)) return 0;
    atomic_fetch_add(&control->hits, 1);
    return kind;
}

static int fault_on(int fd, int is_write, int is_sync) {
    char link[32], path[4096];
    if (!control) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return fault_at(path, is_write, is_sync);
}

static int failing(int kind) {
    errno = kind == NO_SPACE ? ENOSPC : EIO;
    return -1;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define WRITES(name, parameters, arguments, shorter) \
    ssize_t name parameters { \
        REAL(name); \
        int kind = fault_on(fd, 1, 0); \
        if (kind == SHORT && size > 1) { size_t size_ = size / 2; (void)size_; return real shorter; } \
        if (kind == NO_SPACE || kind == IO) return failing(kind); \
        return real arguments; \
    }

WRITES(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size_))
WRITES(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), (fd, data, size_, at))
WRITES(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), (fd, data, size_, at))

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    int kind = fault_on(fd, 1, 0);
    if (kind == SHORT && count > 1) return real(fd, parts, 1);
    if (kind == NO_SPACE || kind == IO) return failing(kind);
    return real(fd, parts, count);
}

#define ON_FILE(name, parameters, arguments, is_sync) \
    int name parameters { \
        REAL(name); \
        int kind = fault_on(fd, 0, is_sync); \
        return kind ? failing(kind) : real arguments; \
    }

ON_FILE(fsync, (int fd), (fd), 1)
ON_FILE(fdatasync, (int fd), (fd), 1)
ON_FILE(syncfs, (int fd), (fd), 1)
ON_FILE(ftruncate, (int fd, off_t size), (fd, size), 0)
ON_FILE(ftruncate64, (int fd, off64_t size), (fd, size), 0)

#define ON_PATH(name, parameters, arguments, path) \
    int name parameters { \
        REAL(name); \
        int kind = fault_at(path, 0, 0); \
        return kind ? failing(kind) : real arguments; \
    }

ON_PATH(rename, (const char *from, const char *to), (from, to), to)
ON_PATH(link, (const char *from, const char *to), (from, to), to)
ON_PATH(symlink, (const char *from, const char *to), (from, to), to)
ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path)

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        /* Opening a file that is there takes no room. */ \
        int creates = (flags & O_CREAT) && access(path, F_OK) != 0; \
        int kind = creates ? fault_at(path, 0, 0) : 0; \
        return kind ? failing(kind) : real(path, flags, mode); \
    }

OPENS(open)
OPENS(open64)
