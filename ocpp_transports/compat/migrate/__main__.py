"""The command line of the migration: `python -m ocpp_transports.compat.migrate`.

Exit codes:

* 0: every file was read; with `--write`, every change was written.
* 1: at least one file was skipped; the report names it.
* 2: the arguments are wrong, or a path does not exist.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from difflib import diff_bytes, unified_diff
from pathlib import Path

from ._program import Migration, Program

_EPILOG = "The exit code is 0 on success, 1 if a file was skipped, 2 for wrong arguments."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the migration. Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if missing := [str(path) for path in options.paths if not path.exists()]:
        parser.error(f"no such file or folder: {', '.join(missing)}")
    program = Program(options.paths, modernises=options.modernise)
    migrations = [_written(each) if options.write else each for each in program.migrations()]
    if not options.write:
        sys.stdout.buffer.writelines(line for each in migrations for line in _diff(each))
        sys.stdout.buffer.flush()
    for place in program.own.places:
        sys.stderr.write(f"{place}: own-package: imports of its modules were left; if it copies `ocpp`, delete it\n")
    sys.stderr.writelines(_report(migrations, written=options.write))
    return 1 if any(each.problem for each in migrations) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocpp_transports.compat.migrate",
        description="Rewrite imports of the package `ocpp` to `ocpp_transports.compat`.",
        epilog=_EPILOG,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder with Python files")
    parser.add_argument("--write", action="store_true", help="change the files instead of showing a diff")
    parser.add_argument("--modernise", action="store_true", help="also replace spellings of releases before 2.0.0")
    return parser


def _written(migration: Migration) -> Migration:
    """Write a changed file. Returns the migration, with the problem if the file cannot be written."""
    if migration.after == migration.before:
        return migration
    try:
        migration.path.write_bytes(migration.after)
    except OSError as error:
        problem = f"cannot write it: {error.strerror}"
        return Migration(migration.path, migration.before, migration.before, migration.findings, problem)
    return migration


def _diff(migration: Migration) -> Iterator[bytes]:
    """Yield the lines of a file's diff, in its encoding and with its line ends, so that it can be applied."""
    before, after = (content.splitlines(keepends=True) for content in (migration.before, migration.after))
    path = os.fsencode(migration.path)
    for line in diff_bytes(unified_diff, before, after, b"a/" + path, b"b/" + path):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _report(migrations: Sequence[Migration], *, written: bool) -> Iterator[str]:
    """Yield the lines of the report: what was left, what was skipped, and the numbers."""
    for each in migrations:
        yield from (f"{each.path}:{finding}\n" for finding in each.findings)
        if each.problem:
            yield f"{each.path}: skipped: {each.problem}\n"
    changed = sum(each.after != each.before for each in migrations)
    skipped = sum(each.problem is not None for each in migrations)
    places = sum(len(each.findings) for each in migrations)
    verb = "changed" if written else "to change"
    yield f"files: {len(migrations)}, {verb}: {changed}, skipped: {skipped}, places to check: {places}\n"


if __name__ == "__main__":
    sys.exit(main())
