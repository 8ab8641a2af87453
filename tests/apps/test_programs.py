"""`python -m ocpp_apps`: the list of the programs, and a way to start each."""

import subprocess
import sys
from pathlib import Path

import pytest

import ocpp_apps
from ocpp_apps.__main__ import main

PROGRAMS = sorted(path.parent.name for path in Path(ocpp_apps.__file__).parent.glob("*/__main__.py"))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=str)
def test_the_list_names_every_program_and_how_to_start_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    commands = [line.split()[:4] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert commands == [["python", "-m", "ocpp_apps", name] for name in PROGRAMS]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gets_the_other_arguments(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main([name, "--help"])
    assert ending.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m ocpp_apps.{name} ")


def test_a_program_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coffee"]) == 2
    assert capsys.readouterr().err == "expected a program (demo, station), got 'coffee'\n"


def test_the_package_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "ocpp_apps"], capture_output=True, text=True, check=True)
    assert "python -m ocpp_apps demo" in done.stdout
