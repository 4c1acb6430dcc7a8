"""The site builds without a warning, and links lead somewhere, also to files outside of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT, page_name, pages

PAPERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "corpora/README.md")]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|<img[^>]* src=\"([^\"]+)\"")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "how-to" / "from-python" / "index.html").exists()
    assert "../../tokkit/" not in (tmp_path / "design" / "cutting" / "index.html").read_text("utf-8")


def test_the_site_loads_nothing_from_another_host(tmp_path):
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert config["theme"]["font"] is False
    for page in pages():
        assert "```mermaid" not in page.read_text("utf-8"), "the theme would load it from another host"


@pytest.mark.parametrize("page", [*pages(), *PAPERS], ids=page_name)
def test_links_lead_to_files(page):
    for link, image in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        target = link or image
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_block_is_of_a_kind_that_is_known():
    known = {"sh", "python", "text", "toml", "yaml"}
    for page in pages():
        fences = re.findall(r"^```(.*)$", page.read_text("utf-8"), re.MULTILINE)
        assert set(fences[::2]) <= known, page
        assert set(fences[1::2]) <= {""}, page


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
