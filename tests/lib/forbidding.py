# SPDX-License-Identifier: Apache-2.0
"""Runs a program to which the kernel refuses io_uring, as containers do:

    forbidding.py ERRNO PROGRAM ARGUMENT...

A seccomp filter answers the three system calls of io_uring with ERRNO, and stays for ever.
"""

import ctypes
import os
import sys

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ERRNO = 0x00050000
SECCOMP_RET_ALLOW = 0x7fff0000
BPF_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
BPF_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
BPF_RETURN = 0x06  # BPF_RET | BPF_K
NUMBER_OFFSET = 0  # of struct seccomp_data
SETUP, ENTER, REGISTER = 425, 426, 427  # the same numbers on every architecture


class Instruction(ctypes.Structure):
    """struct sock_filter"""
    _fields_ = [("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8),
                ("if_false", ctypes.c_uint8), ("value", ctypes.c_uint32)]


class Program(ctypes.Structure):
    """struct sock_fprog"""
    _fields_ = [("count", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction))]


def forbid(error):
    instructions = (Instruction * 6)(
        (BPF_LOAD_WORD, 0, 0, NUMBER_OFFSET),
        (BPF_JUMP_IF_EQUAL, 3, 0, SETUP),
        (BPF_JUMP_IF_EQUAL, 2, 0, ENTER),
        (BPF_JUMP_IF_EQUAL, 1, 0, REGISTER),
        (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW),
        (BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | error))
    program = Program(len(instructions), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")


if __name__ == "__main__":
    forbid(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
