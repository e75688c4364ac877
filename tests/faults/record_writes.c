/* Keeps a log of what a program writes to one SQLite store and when it has it synced. Loaded with LD_PRELOAD by
   `power_cut.py`, which says how the log is read: POWER_CUT_STORE is the database's path, POWER_CUT_LOG the log's.
   For 64-bit Linux. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* The function of the C library that ours stands in front of. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { NONE, DATABASE, WAL, FOLDER, FILES, MOST_DESCRIPTORS = 1 << 16 };

struct record {
    char kind; /* w: bytes were written at offset; t: cut to offset; s: synced; u: unlinked */
    char file;
    char unused[2];
    uint32_t length; /* of the bytes that follow */
    int64_t offset;
};

static char *paths[FILES];
static unsigned char file_of[MOST_DESCRIPTORS];
static int log_descriptor = -1;
/* Held over each call and its record, so that the log has the order of the disk. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *store = getenv("POWER_CUT_STORE"), *log = getenv("POWER_CUT_LOG");
    if (!store || !log || asprintf(&paths[DATABASE], "%s", store) < 0 || asprintf(&paths[WAL], "%s-wal", store) < 0 ||
        asprintf(&paths[FOLDER], "%.*s", (int)(strrchr(store, '/') - store), store) < 0)
        abort();
    log_descriptor = NEXT(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log_descriptor < 0)
        abort();
}

static int file_at(const char *path) {
    for (int file = DATABASE; file < FILES; file++)
        if (paths[file] && !strcmp(path, paths[file]))
            return file;
    return NONE;
}

static int file_behind(int descriptor) {
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS ? file_of[descriptor] : NONE;
}

static void note(char kind, int file, int64_t offset, const void *bytes, size_t length) {
    struct record record = {kind, (char)file, {0}, (uint32_t)length, offset};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, length}};
    if (writev(log_descriptor, parts, 2) != (ssize_t)(sizeof record + length))
        abort(); /* a log with a hole would let a test pass that should not */
}

static int opened(int descriptor, const char *path) {
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS)
        file_of[descriptor] = (unsigned char)file_at(path);
    return descriptor;
}

#define OPEN(name)                                                      \
    EXPORT int name(const char *path, int flags, ...) {                 \
        va_list more;                                                   \
        va_start(more, flags);                                          \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;       \
        va_end(more);                                                   \
        return opened(NEXT(name)(path, flags, mode), path);             \
    }

#define PWRITE(name, offset_type)                                                              \
    EXPORT ssize_t name(int descriptor, const void *bytes, size_t length, offset_type offset) { \
        int file = file_behind(descriptor);                                                    \
        if (!file)                                                                             \
            return NEXT(name)(descriptor, bytes, length, offset);                              \
        pthread_mutex_lock(&turn);                                                             \
        ssize_t written = NEXT(name)(descriptor, bytes, length, offset);                       \
        if (written > 0)                                                                       \
            note('w', file, offset, bytes, (size_t)written);                                   \
        pthread_mutex_unlock(&turn);                                                           \
        return written;                                                                        \
    }

/* A call whose success is a record without bytes. */
#define CALL(name, parameters, arguments, kind, file_expression, offset) \
    EXPORT int name parameters {                                         \
        int file = file_expression;                                      \
        if (!file)                                                       \
            return NEXT(name) arguments;                                 \
        pthread_mutex_lock(&turn);                                       \
        int status = NEXT(name) arguments;                               \
        if (!status)                                                     \
            note(kind, file, offset, NULL, 0);                           \
        pthread_mutex_unlock(&turn);                                     \
        return status;                                                   \
    }

int open64(const char *path, int flags, ...);
ssize_t pwrite64(int descriptor, const void *bytes, size_t length, int64_t offset);
int ftruncate64(int descriptor, int64_t length);

OPEN(open)
OPEN(open64)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, int64_t)
CALL(ftruncate, (int descriptor, off_t length), (descriptor, length), 't', file_behind(descriptor), length)
CALL(ftruncate64, (int descriptor, int64_t length), (descriptor, length), 't', file_behind(descriptor), length)
CALL(fsync, (int descriptor), (descriptor), 's', file_behind(descriptor), 0)
CALL(fdatasync, (int descriptor), (descriptor), 's', file_behind(descriptor), 0)
CALL(unlink, (const char *path), (path), 'u', file_at(path), 0)

/* SQLite seeks and writes where it was built without pwrite. */
EXPORT ssize_t write(int descriptor, const void *bytes, size_t length) {
    int file = file_behind(descriptor);
    if (!file)
        return NEXT(write)(descriptor, bytes, length);
    pthread_mutex_lock(&turn);
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t written = NEXT(write)(descriptor, bytes, length);
    if (written > 0)
        note('w', file, offset, bytes, (size_t)written);
    pthread_mutex_unlock(&turn);
    return written;
}

EXPORT int close(int descriptor) {
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS)
        file_of[descriptor] = NONE;
    return NEXT(close)(descriptor);
}
