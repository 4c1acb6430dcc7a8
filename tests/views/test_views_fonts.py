"""Labels that no font draws are spelled out; a font that the extra brings is found without its package."""

from __future__ import annotations

import sys

import pytest
from matplotlib import font_manager

from tests.views.test_views_plots import of_dataset
from tokkit.views import fonts


@pytest.fixture
def without_fonts(monkeypatch):
    monkeypatch.setattr(fonts, "_FONTS", ())
    monkeypatch.setattr(fonts, "_CARRIER", "no_such_package")


def test_fonts_undrawable_names_labels_no_font_has(without_fonts):
    assert fonts.without_glyphs(["joy", "기쁨", "", "über", "슬픔!"]) == ["기쁨", "슬픔!"]


def test_fonts_spell_out_what_cannot_be_drawn_and_keep_labels_apart(without_fonts):
    labels = ["joy", "기쁨", "", "\U0010fffd", "기!", "gi!", "a\nb"]
    assert fonts.drawable(labels) == ["joy", "gibbeum", "", "\\U0010fffd", "gi!", "gi! (2)", "a\\nb"]


@pytest.mark.filterwarnings("error")
def test_fonts_never_leave_a_box_in_a_picture(without_fonts, monkeypatch):
    monkeypatch.setattr("warnings.filterwarnings", lambda *arguments, **settings: None)
    assert of_dataset({"학습": {"기쁨": 1}}, {"학습": {}}, "words", {}, "png")


def test_fonts_of_the_extra_are_found_and_its_package_is_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "carrier_of_a_font"
    (package / "fonts").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "fonts" / "NanumGothic.ttf").write_bytes(
        open(font_manager.findfont("DejaVu Serif"), "rb").read()
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fonts, "_CARRIER", package.name)
    monkeypatch.setattr(fonts, "_FONTS", ("DejaVu Serif",))
    monkeypatch.setattr(
        font_manager.fontManager,
        "ttflist",
        [font for font in font_manager.fontManager.ttflist if font.name != "DejaVu Serif"],
    )
    assert fonts.families() == ["DejaVu Sans", "DejaVu Serif"]
    assert package.name not in sys.modules


def test_fonts_that_the_cache_of_matplotlib_lacks_are_found(tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    known = font_manager.fontManager.ttflist
    paths = [str(broken), font_manager.findfont("DejaVu Serif")]
    monkeypatch.setattr(fonts, "_FONTS", ("DejaVu Serif",))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: paths)
    monkeypatch.setattr(
        font_manager.fontManager, "ttflist", [font for font in known if font.name != "DejaVu Serif"]
    )
    fonts._add_new_fonts.cache_clear()
    assert fonts.families() == ["DejaVu Sans", "DejaVu Serif"]
