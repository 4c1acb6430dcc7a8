"""The distribution: its name, its version, its license, and the workflow that publishes it."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml

import tokkit
from tests.docs.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OTHERS_PACKAGE = re.compile(r"pip3? install\b[^\n`]*?[\s'\"]tokkit(?!-nlp|[\w/-])")
HOSTS = ("pypi" + ".org", "python" + "hosted")


def tracked() -> list[str]:
    return subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")[:-1]


def test_the_name_belongs_to_this_project():
    assert PROJECT["project"]["name"] == "tokkit-nlp"
    assert PROJECT["project"]["scripts"] == {"tokkit": "tokkit.cli.start:main"}


@pytest.mark.parametrize(
    "text", ["pip install tokkit", "pip install 'tokkit[clean]'", "pip install -U tokkit"]
)
def test_the_pattern_finds_the_name_of_the_other_package(text):
    assert OTHERS_PACKAGE.search(text)
    assert not OTHERS_PACKAGE.search(text.replace("tokkit", "tokkit-nlp"))


def test_nothing_tells_to_install_the_other_package_or_names_an_index():
    here = "tests/docs/test_packaging.py"
    for name in tracked():
        path = ROOT / name
        if name == here or path.suffix in (".txt", ".png", ".conll") or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        assert not OTHERS_PACKAGE.search(text), name
        assert not any(host in text for host in HOSTS), name


def test_the_version_is_that_of_the_package():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "tokkit/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", tokkit.__version__)


def test_the_license_is_the_whole_apache_license():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_keeps_to_its_form():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    sections = re.findall(r"^## \[(.*)\](?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert sections[-1] == "0.1.0"
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.fixture
def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))


def test_the_release_checks_the_wheel_in_a_fresh_environment_before_it_publishes(workflow):
    jobs = workflow["jobs"]
    assert jobs["check"]["needs"] == "build"
    assert jobs["publish"]["needs"] == "check"
    commands = "\n".join(step.get("run", "") for step in jobs["check"]["steps"])
    assert "-m venv fresh" in commands
    assert "dist/*.whl" in commands
    assert "tokkit demo" in commands


def test_the_release_is_published_without_a_token(workflow):
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert workflow["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    assert "password" not in text
