"""The page of `explore` with 100,000 rows: its size, and how fast a browser opens and filters it.

    python -m tests.benchmarks.explore_page ratings_train.tsv --rows 100000

Times are those of headless Chromium on a file; memory is that of JavaScript, and that of the whole process of
the page, after all filters were used.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import polars as pl
import psutil

import tokkit
from tests.review.conftest import launched

SEARCHES = ("영화", "재미", "!", "ㅋㅋㅋ", "없는단어없는단어", "a")


def write_page(source: Path, rows: int, folder: Path) -> dict[str, float]:
    """Trains a tokenizer on a sample of the rows, and writes their page."""
    sample = folder / "rows.parquet"
    data = tokkit.load_dataset(source)["train"].to_polars().drop_nulls()
    data.sample(min(rows, data.height), seed=1).write_parquet(sample)
    tokkit.train_wordpiece(sample, folder / "wp", vocab_size=16_000, recipe="korean")
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = tokkit.explore(sample, folder / "page.html", tokenizer=folder / "wp", max_length=32)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": result.rows,
        "megabytes": round(result.size / 1e6, 2),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, 2),
    }


def timed(body: str) -> str:
    """A script that runs another one, and gives its milliseconds, those of the new layout included."""
    return f"""argument => {{ const start = performance.now(); {body}; void document.body.offsetHeight;
      return performance.now() - start; }}"""


_SEARCH = timed(
    "const field = document.getElementById('query'); field.value = argument;"
    "field.dispatchEvent(new Event('input'))"
)
_CLICK = timed(
    "const buttons = [...document.querySelectorAll('#filters button.value')];"
    "buttons.filter(button => button.offsetParent)[argument].click()"
)
_BRUSH = timed(
    "const [chart, bin] = argument;"
    "explorer.page.renderers.filter(part => part.over)[chart].over(bin, bin + 6)"
)
_SORT = timed("document.getElementById('sort').value = argument; explorer.page.sort()")


def measure(page: Path, repeats: int) -> dict[str, object]:
    """Milliseconds until the page can be used and of every filter, and the memory that it takes."""
    with launched() as browser:
        opening = []
        for number in range(repeats):
            context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
            tab = context.new_page()
            tab.goto(page.as_uri(), wait_until="commit")
            while not tab.evaluate("window.explorer !== undefined"):
                tab.wait_for_timeout(50)
            opening.append(round(tab.evaluate("explorer.opened")))
            if number < repeats - 1:
                context.close()
        tab.wait_for_timeout(1500)
        times = {
            f"search {words}": [tab.evaluate(_SEARCH, words) for _ in range(repeats)] for words in SEARCHES
        }
        tab.evaluate("explorer.page.clear()")
        for i in range(tab.locator("#filters button.value:visible").count()):
            # On and off again.
            times[f"button {i}"] = [tab.evaluate(_CLICK, i) for _ in range(2 * repeats)]
        charts = tab.evaluate("explorer.page.renderers.filter(part => part.over).length")
        for chart in range(charts):
            times[f"chart {chart}"] = [tab.evaluate(_BRUSH, [chart, i]) for i in (1, 2, 3, 8, 20, 5)]
            tab.evaluate("explorer.page.clear()")
        filters = [value for values in times.values() for value in values]
        sorts = tab.evaluate("[...document.getElementById('sort').options].map(option => option.value)")
        times |= {f"sort {order}": [tab.evaluate(_SORT, order)] for order in sorts}
        tab.evaluate("explorer.page.choose(10)")
        tab.wait_for_selector("#detail .tokens")
        heap = tab.evaluate("performance.memory.usedJSHeapSize")
        columns = tab.evaluate(
            "Object.values(explorer.data.columns).reduce((sum, c) => sum + c.byteLength, 0)"
        )
        renderers = [
            process.memory_info().rss
            for process in psutil.Process().children(recursive=True)
            if "--type=renderer" in process.cmdline()
        ]
    slowest = sorted(times.items(), key=lambda item: -max(item[1]))[:8]
    return {
        "interactive_ms": opening,
        "filter_ms_median": round(float(pl.Series(filters).median() or 0), 1),
        "filter_ms_most": round(max(filters), 1),
        "slowest": {name: round(max(values), 1) for name, values in slowest},
        "heap_mb": round(heap / 1e6, 1),
        "columns_mb": round(columns / 1e6, 1),
        "process_mb": round(max(renderers) / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        written = write_page(arguments.source, arguments.rows, folder)
        print(
            json.dumps(
                written | measure(folder / "page.html", arguments.repeats), indent=2, ensure_ascii=False
            )
        )


if __name__ == "__main__":
    main()
