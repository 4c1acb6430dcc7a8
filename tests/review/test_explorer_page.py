"""The page of `explore` in a real browser without a network: counts, tokens, decisions, keys, scripts."""

from __future__ import annotations

import json

import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences
from tests.review.test_review_explore import COPIES, HARD, write_rows
from tokkit.data.row_hash import row_hash


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    here = tmp_path_factory.mktemp("pages")
    (here / "data").mkdir()
    write_rows(here / "data" / "train.csv", [*HARD, *sentences(3000, 1), *COPIES])
    write_rows(here / "data" / "test.csv", [*sentences(500, 2), HARD[2], COPIES[0]])
    tokkit.train_wordpiece(here / "data" / "test.csv", here / "wp", vocab_size=300, recipe="korean")
    tokkit.explore(here / "data", here / "page.html", tokenizer=here / "wp", max_length=16)
    return here


@pytest.fixture(scope="module")
def rows(data):
    """What the page should have, by polars."""
    splits = [
        pl.read_csv(data / "data" / f"{split}.csv").with_columns(split=pl.lit(split)).with_row_index("row")
        for split in ("train", "test")
    ]
    backend = tokkit.tokenizer.folder.load.load(data / "wp").backend
    rows = pl.concat(splits).with_columns(pl.col("text").fill_null(""))
    lengths = [len(backend.encode(text).ids) if text else 0 for text in rows["text"]]
    return rows.with_columns(length=pl.Series(lengths)).with_row_index("page_row")


def test_a_page_opens_without_a_network(data, rows, browser):
    with browser.open(data / "page.html") as page:
        assert page.count() == len(page.rows()) == rows.height
        assert page.search("기쁘") == rows["text"].str.contains("기쁘", literal=True).sum()
        assert page.search("</SCRIPT>") == 1
        assert page.page.locator("#list .text").first.inner_text() == HARD[0][0]
        assert (page.requests, page.errors) == ([], [])


@pytest.mark.long
def test_search_counts_are_those_of_polars(data, rows, browser):
    lowered = rows["text"].str.to_lowercase()
    with browser.open(data / "page.html") as page:
        for words in (
            "at home",
            "AT HOME",
            "오늘",
            "😀",
            "سعيد",
            "&amp;",
            "${7*7}",
            "3",
            "zzz",
            "\u2028",
            "straße",
        ):
            assert page.search(words) == lowered.str.contains(words.lower(), literal=True).sum(), words
        assert page.search("joy", "label") == (rows["label"] == "joy").sum()
        assert page.search("test", "split") == (rows["split"] == "test").sum()
        assert page.search("test-17", "id") == rows["id"].str.contains("test-17", literal=True).sum()
        backend = tokkit.tokenizer.folder.load.load(data / "wp").backend
        token = backend.encode("오늘").tokens[1]
        having = sum(token in backend.encode(text).tokens for text in rows["text"])
        assert page.search(token, "token") == having > 0
        page.page.check("#pattern")
        assert (
            page.search(r"feel (sad|blue) \d{2,3} ")
            == rows["text"].str.contains(r"feel (sad|blue) \d{2,3} ").sum()
        )
        page.page.fill("#query", "(")
        assert page.page.get_attribute("#query", "aria-invalid") == "true"
        assert (page.requests, page.errors) == ([], [])


@pytest.mark.long
def test_filters_and_brushing_count_as_polars_does(data, rows, browser):
    with browser.open(data / "page.html") as page:
        page.facet("Label", "sadness").click()
        sad = rows.filter(pl.col("label") == "sadness")
        assert page.count() == sad.height
        page.facet("Split", "test").click()
        assert page.count() == sad.filter(pl.col("split") == "test").height
        shown = page.facet("Label", "joy").locator(".number").inner_text()
        in_test = rows.filter(pl.col("split") == "test")
        assert int(shown) == (in_test["label"] == "joy").sum(), "a facet counts what the other filters leave"
        page.page.click("#clear")
        assert page.count() == rows.height
        chart = page.page.locator("#filters .chart", has_text="Tokens")
        box = chart.locator(".bars").bounding_box()
        y = box["y"] + box["height"] / 2
        page.page.mouse.move(box["x"] + 0.2 * box["width"], y)
        page.page.mouse.down()
        page.page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=4)
        page.page.mouse.up()
        low, high = (int(field.input_value()) for field in chart.locator("input").all())
        assert low < high
        assert page.count() == rows["length"].is_between(low, high).sum()
        chart.locator("input").first.fill("13")
        chart.locator("input").last.fill("15")
        chart.locator("input").last.press("Tab")
        assert page.count() == rows["length"].is_between(13, 15).sum()
        page.page.click("#clear")
        for name, expected in (
            ("truncated", (rows["length"] > 16).sum()),
            ("in another split", rows.filter(pl.col("split").n_unique().over("text") > 1).height),
            ("no label", rows["label"].is_null().sum()),
        ):
            page.facet("Findings", name).click()
            assert page.count() == expected, name
            page.facet("Findings", name).click()
        assert page.errors == []


@pytest.mark.long
def test_the_chosen_row_is_displayed_with_the_tokens_of_the_tokenizer(data, rows, browser):
    backend = tokkit.tokenizer.folder.load.load(data / "wp").backend
    with browser.open(data / "page.html") as page:
        long = int((rows["length"] > 16).arg_max())
        for row in (0, 1, 2, 3, 4, 5, long):
            page.page.evaluate(f"explorer.page.choose({row})")
            page.page.wait_for_selector("#detail .tokens")
            text = rows["text"][row]
            tokens = page.page.locator("#detail .tokens .token").all_inner_texts()
            assert tokens == backend.encode(text).tokens
            assert page.page.text_content("#detail .colored") == text
            unknown = page.page.locator("#detail .tokens .unknown").count()
            assert unknown == backend.encode(text).tokens.count("[UNK]")
        assert page.page.locator("#detail .tokens .cut").count() == rows["length"][long] - 16
        page.page.evaluate("explorer.page.choose(3)")
        assert page.page.evaluate("document.querySelector('#detail .colored').matches(':dir(rtl)')")
        assert page.page.evaluate("document.querySelector('#row-3 .text').matches(':dir(rtl)')")
        copies = rows.filter(pl.col("text") == COPIES[0][0])["page_row"].to_list()
        page.page.evaluate(f"explorer.page.choose({copies[0]})")
        assert page.page.locator("#detail .copies .other").count() == 3, "one of them in other letters"
        assert page.errors == []


@pytest.mark.long
def test_decisions_are_downloaded_with_their_rows(data, rows, browser, tmp_path):
    with browser.open(data / "page.html") as page:
        page.page.locator("#list .row").nth(2).click()
        page.press("k", "d")
        page.press("r")
        assert page.page.evaluate("document.activeElement.className") == "relabel"
        page.page.keyboard.type("anger")
        page.press("Enter")
        page.press("m")
        page.page.keyboard.type("irony </script>")
        page.press("Tab")
        page.search("test-1", "id")
        page.page.click("#bulk")
        page.page.get_by_role("button", name="Drop", exact=True).last.click()
        page.page.click("#open-decisions")
        with page.page.expect_download() as download:
            page.page.click("#download")
        assert download.value.suggested_filename == "decisions.jsonl"
        download.value.save_as(tmp_path / "decisions.jsonl")
        assert (page.requests, page.errors) == ([], [])
        written = [json.loads(line) for line in (tmp_path / "decisions.jsonl").open(encoding="utf-8")]
        bulk = rows.filter(pl.col("id").str.contains("test-1"))
        decided = [
            (2, "keep", None, None),
            (3, "drop", None, None),
            (4, "relabel", "anger", "irony </script>"),
        ]
        expected = [*decided, *((row, "drop", None, None) for row in bulk["page_row"])]
        assert len(written) == len(expected)
        for record, (row, decision, label, reason) in zip(written, expected, strict=True):
            own = rows.row(row, named=True)
            assert record == {
                "id": own["id"],
                "split": own["split"],
                "row": own["row"],
                "hash": row_hash(own["text"], own["label"]),
                "text": own["text"],
                "label": own["label"],
                "decision": decision,
                "new_label": label,
                "reason": reason,
            }
        applied = tokkit.clean(data / "data", tmp_path / "clean", apply=str(tmp_path / "decisions.jsonl"))
        counts = applied.as_dict()["applied"]
        assert [counts[name] for name in ("keep", "drop", "relabel")] == [1, 1 + bulk.height, 1]
        page.page.reload()
        page.until("window.explorer !== undefined")
        assert page.page.inner_text("#open-decisions b") == str(len(expected)), "a reload loses nothing"
    with browser.open(data / "page.html") as page:
        assert page.page.inner_text("#open-decisions b") == "0"
        page.page.click("#open-decisions")
        page.page.set_input_files("#decisions input[type=file]", tmp_path / "decisions.jsonl")
        page.until("explorer.page.decisions.size > 0")
        assert page.page.evaluate("explorer.page.decisions.lines") == (
            tmp_path / "decisions.jsonl"
        ).read_text("utf-8")


@pytest.mark.long
def test_points_are_brushed_and_suspects_come_first(data, rows, browser):
    """The points of a map and the rows of a review file, as `features --map` and `audit` write them."""
    on_map = rows.head(400).select("id", "split", x=pl.col("page_row") % 20, y=pl.col("page_row") // 20)
    on_map.write_parquet(data / "points.parquet")
    suspects = [40, 12, 300]
    records = [
        {
            "split": own["split"],
            "row": own["row"],
            "hash": row_hash(own["text"], own["label"]),
            "suggested": "anger",
            "score": 0.9,
            "reasons": ["<b>why</b>"],
        }
        for own in (rows.row(row, named=True) for row in suspects)
    ]
    (data / "review.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    tokkit.explore(
        data / "data", data / "map.html", features=data / "points.parquet", audit=data / "review.jsonl"
    )
    with browser.open(data / "map.html") as page:
        assert page.rows()[:4] == [*suspects, 0]
        assert page.page.inner_text("#detail .suspicion li") == "<b>why</b>"
        assert page.page.input_value("#detail .relabel") == "anger"
        page.facet("Findings", "suspect label").click()
        assert page.rows() == suspects
        page.page.click("#clear")
        box = page.page.locator("#map canvas").bounding_box()
        left, top, width, height = (box[name] for name in ("x", "y", "width", "height"))
        page.page.mouse.move(left + 2, top + 2)
        page.page.mouse.down()
        for x, y in ((0.5, 0.0), (0.5, 1.0), (0.0, 1.0)):
            page.page.mouse.move(left + 2 + x * (width - 4), top + 2 + y * (height - 4), steps=3)
        page.page.mouse.up()
        # The points are in the middle, whose left half has the columns 0 to 9 of 20.
        expected = on_map.with_row_index("page_row").filter(pl.col("x") < 10)["page_row"]
        assert sorted(page.rows()) == expected.to_list()
        page.page.get_by_role("button", name="Clear selection").click()
        assert page.count() == rows.height
        page.page.mouse.click(left + width / 2, top + height / 2)
        assert page.errors == []


@pytest.mark.long
def test_every_part_is_reached_by_keys(data, browser):
    with browser.open(data / "page.html") as page:
        page.press("/")
        assert page.page.evaluate("document.activeElement.id") == "query"
        page.page.keyboard.type("home")
        page.press("Enter", "ArrowDown", "ArrowDown")
        assert page.page.evaluate("explorer.page.current === explorer.rows()[1]")
        page.press("End")
        assert page.page.evaluate("explorer.page.current === explorer.rows().at(-1)")
        assert page.page.locator(f"#row-{page.rows()[-1]}").is_visible()
        page.press("Home", "k")
        assert page.page.evaluate("explorer.page.decisions.get(explorer.rows()[0]).decision") == "keep"
        page.press("ArrowUp", "u")
        assert page.page.evaluate("explorer.page.decisions.size") == 0
        page.press("?")
        assert page.page.locator("#help[open]").count() == 1
        assert "d3-array 3.2.4 (ISC)" in page.page.inner_text("#help")
        page.press("Escape")
        assert page.page.locator("dialog[open]").count() == 0
        assert page.errors == []


@pytest.mark.long
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_a_page_fits_its_window(data, browser, width, height):
    with browser.open(data / "page.html", width, height, has_touch=width < 800) as page:
        for _ in range(2):
            size = page.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            )
            assert size[0] <= width
            assert size[1] <= height + 1
            page.page.locator("#list .row").nth(1).click()
            page.page.wait_for_selector("#detail .tokens")
            assert page.page.locator("#detail .decide-form").is_visible()
            if width < 800:
                page.page.get_by_role("button", name="Back to the list").click()
                page.page.click("#open-filters")
                assert page.page.locator("#filters").is_visible()
                page.page.click("#open-filters")
        light = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.page.click("#theme")
        assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert page.errors == []
