"""Runs a program in a terminal of its own: `terminal.py <width> <height> <program> [argument...]`.

Its output goes to stdout. Lines on stdin say what happens at the terminal, as JSON: {"type": "text"} or
{"resize": [width, height]}. Ends with the exit code of the program.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(terminal, width, height):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', height, width, 0, 0))


def main():
    width, height, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    ready_reader, ready_writer = os.pipe()
    process, terminal = pty.fork()
    if process == 0:
        os.read(ready_reader, 1)  # until the terminal has its size
        os.execvp(program[0], program)
    resize(terminal, width, height)
    os.write(ready_writer, b'x')
    sources, pending = [terminal, 0], b''
    while True:
        readable, _, _ = select.select(sources, [], [])
        if terminal in readable:
            try:
                output = os.read(terminal, 65536)
            except OSError:
                output = b''  # the program has closed its terminal
            if not output:
                break
            os.write(1, output)
        if 0 in readable:
            commands = os.read(0, 65536)
            if not commands:
                sources.remove(0)
            *lines, pending = (pending + commands).split(b'\n')
            for line in lines:
                command = json.loads(line)
                if 'type' in command:
                    os.write(terminal, command['type'].encode())
                if 'resize' in command:
                    resize(terminal, *command['resize'])
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


main()
