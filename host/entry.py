"""Where the program `nightjar` begins and ends: a signal ends it with its own code, from its first line to its last."""

from host.early import end_at_once

end_at_once()


def main() -> None:
    """Run the command line and end the process.

    The interpreter is not taken down piece by piece: a signal that came then would find its handlers
    gone. What has to be cleaned up is a context manager of its command. Where NIGHTJAR_EXIT_FILE names
    a file, a code other than 0 is left there for who cannot see it, as make behind SCons.
    """
    import os
    import sys

    # What is opened next would become standard input or standard error, where they are closed.
    for descriptor in (0, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)

    from host.cli import run

    code = run(sys.argv[1:])
    file = os.environ.get("NIGHTJAR_EXIT_FILE")
    if file and code:
        from pathlib import Path

        from host.exit_codes import write_code

        write_code(Path(file), code)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            pass  # who read it has gone
    os._exit(code)


if __name__ == "__main__":
    main()
