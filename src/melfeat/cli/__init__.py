"""The command line: ``melfeat`` and ``python -m melfeat``. Data goes to stdout, messages to stderr.

Only the standard library is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType

from .. import __version__
from ._common import CannotRunError, Exit, UsageError, any_text, say

__all__ = ["main"]

EPILOG = """\
exit codes:
  0    everything was done
  1    some input failed, or a check found a problem; the rest was done
  2    an option, or a combination of options, cannot work; nothing was done
  3    nothing could be done here: the output cannot be written, something is not installed
  130  interrupted (Ctrl-C); 143 terminated; 141 the reader of the output went away
"""


def _parser() -> argparse.ArgumentParser:
    from . import _dialects, _extract, _info, _machine, _mfcc, _tables

    parser = argparse.ArgumentParser(
        prog="melfeat",
        description="Mel and cepstral features of audio files. Data goes to stdout, messages to stderr.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"melfeat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def add(name: str, summary: str, description: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=summary,
            description=description or f"{summary[0].upper()}{summary[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    _machine.add_demo(add("demo", "compute and draw MFCCs of a bundled recording"))
    _mfcc.add_mfcc(add("mfcc", "compute the MFCCs of audio files", _mfcc.DESCRIPTION))
    _extract.add_extract(add("extract", "make a table of features of many sound files", _extract.DESCRIPTION))
    _tables.add_check(add("check", "read a table back, verify its counts and checksums"))
    _tables.add_convert(add("convert", "write a table in another format", _tables.CONVERT))
    _tables.add_head(add("head", "show the first rows of a table"))
    _info.add_info(add("info", "say what audio files hold and whether they can be read"))
    _dialects.add_presets(add("presets", "list the front ends that are known by name"))
    _dialects.add_explain(add("explain", "say what a front end computes", _dialects.EXPLAIN))
    _dialects.add_diff(add("diff", "say what tells two front ends apart", _dialects.DIFF))
    _machine.add_warmup(add("warmup", "compile all kernels now, so that no later process has to"))
    _machine.add_doctor(add("doctor", "describe this installation, for a bug report or a worried mind"))
    return parser


@contextlib.contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that unfinished files are removed, instead of ending the process at once."""
    usable = threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(Exit.TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _discard_stdout() -> None:
    """Send what is still buffered for stdout nowhere, so that closing it at exit cannot fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _run(args: argparse.Namespace) -> int:
    from ..errors import MelfeatWarning, MissingExtraError, ParameterError

    try:
        code = args.run(args)
        if sys.stdout is not None:  # None if it is closed, as in a service
            sys.stdout.flush()
        return int(code)
    except BrokenPipeError:
        _discard_stdout()
        return Exit.PIPE
    except (UsageError, ParameterError, MelfeatWarning) as error:  # a warning is one under python -W error
        say(f"error: {error}")
        return Exit.USAGE
    except (CannotRunError, MissingExtraError) as error:
        say(f"error: {error}")
        return Exit.CANNOT
    except ImportError as error:
        say(f"error: this installation is not complete: {error}; try: pip install --force-reinstall melfeat")
        return Exit.CANNOT
    except OSError as error:
        _discard_stdout()
        where = f"{os.fspath(error.filename)}: " if isinstance(error.filename, (str, os.PathLike)) else ""
        say(f"error: {where}{error.strerror or error}")
        return Exit.CANNOT
    except MemoryError:
        say("error: out of memory; give fewer or shorter files at once, or use --offset and --duration")
        return Exit.CANNOT
    except KeyboardInterrupt:
        say("interrupted")
        return Exit.INTERRUPTED
    except Exception:
        traceback.print_exc()
        say("error: this is a defect of melfeat, not of your data; please report it with the output of melfeat doctor")
        return Exit.CANNOT


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; ``sys.argv[1:]`` if None.

    Returns
    -------
    code : int
        0 done, 1 some input failed, 2 usage, 3 nothing could be done, 130 interrupted.

    Raises
    ------
    SystemExit
        After ``--help``, ``--version`` and options that do not exist, as argparse does it.

    Examples
    --------
    >>> from melfeat.cli import main
    >>> main(["mfcc", "missing.wav", "-o", "out.txt"])
    2
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        return Exit.USAGE
    with _sigterm_unwinds(), any_text():
        return int(_run(args))
