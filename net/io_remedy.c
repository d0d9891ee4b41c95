/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EPERM has three sources that look alike from inside: the sysctl for everybody, the sysctl for all
 * but a group, and a seccomp profile, which is what containers have. The first two can be read.
 */
#include "net/io_remedy.h"

#include <errno.h>
#include <stdio.h>

#define SECCOMP_REMEDY                                                                             \
    "let the seccomp profile of the container or service allow io_uring_setup, io_uring_enter "    \
    "and io_uring_register (docker run --security-opt seccomp=FILE, Kubernetes seccompProfile, "   \
    "systemd SystemCallFilter=)"

static int read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    int number;
    if (file == NULL)
        return -1;
    if (fscanf(file, "%d", &number) != 1)
        number = -1;
    fclose(file);
    return number;
}

struct io_permission io_permission_read(void)
{
    return (struct io_permission){
        .disabled = read_number("/proc/sys/kernel/io_uring_disabled"),
        .group = read_number("/proc/sys/kernel/io_uring_group"),
    };
}

static void forbidden(const struct io_permission *permission, char *text, size_t size)
{
    if (permission->disabled == 2)
        snprintf(text, size,
            "kernel.io_uring_disabled = 2 forbids it to everybody: "
            "`sysctl kernel.io_uring_disabled=0` allows it");
    else if (permission->disabled == 1)
        snprintf(text, size,
            "kernel.io_uring_disabled = 1 forbids it to all but the group "
            "kernel.io_uring_group = %d: put this user into that group%s, or "
            "`sysctl kernel.io_uring_disabled=0`",
            permission->group, permission->group < 0 ? " (first name one there)" : "");
    else
        snprintf(text, size, "%s%s",
            permission->disabled == 0 ? "kernel.io_uring_disabled = 0 would allow it: " : "",
            SECCOMP_REMEDY);
}

void io_remedy(int error, const struct io_permission *permission, char *text, size_t size)
{
    switch (-error) {
    case EPERM:
    case EACCES:
        forbidden(permission, text, size);
        break;
    case ENOSYS:
        snprintf(text, size,
            "this kernel has no io_uring (6.1 or newer with CONFIG_IO_URING is needed), or it is "
            "hidden: " SECCOMP_REMEDY);
        break;
    case EINVAL:
        snprintf(text, size, "this kernel is too old: 6.1 or newer is needed (Debian 12 has it)");
        break;
    case ENOMEM:
        snprintf(text, size,
            "raise what may be locked (ulimit -l, LimitMEMLOCK=) or the memory of the container");
        break;
    case EMFILE:
    case ENFILE:
        snprintf(text, size, "raise the number of open files (ulimit -n, LimitNOFILE=)");
        break;
    default:
        text[0] = '\0';
    }
}
