#!/usr/bin/env python3
"""terminal.py - runs a command on a pseudo-terminal and prints what it wrote there, byte by byte.

usage: terminal.py COLUMNS COMMAND ARGUMENT...      its exit status is that of the command

Touches: the command.
"""
import fcntl
import os
import pty
import struct
import sys
import termios

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[2], sys.argv[2:])
out = b""
try:
    while chunk := os.read(fd, 4096):
        out += chunk
except OSError:  # the other end is closed
    pass
sys.stdout.buffer.write(out)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
