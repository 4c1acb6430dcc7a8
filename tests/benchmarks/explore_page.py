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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


class Clock:
    """Milliseconds that the main thread of a page has used of the processor."""

    def __init__(self, tab: Any) -> None:
        self.session = tab.context.new_cdp_session(tab)
        self.session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        self.session.send("Performance.enable")

    def read(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


@dataclass
class Timed:
    """What an action takes: milliseconds on the clock, and of the processor (drawing included)."""

    tab: Any
    clock: Clock
    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def run(self, name: str, script: str, argument: Any = None) -> None:
        before = self.clock.read()
        wall = self.tab.evaluate(script, argument)
        self.tab.evaluate("() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))")
        self.wall.setdefault(name, []).append(wall)
        self.cpu.setdefault(name, []).append(self.clock.read() - before)


def measure(page: Path, repeats: int) -> dict[str, object]:
    """Milliseconds until the page can be used and of every filter, and the memory that it takes."""
    with launched() as browser:
        opened, opened_cpu = [], []
        for number in range(repeats):
            context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
            tab = context.new_page()
            clock = Clock(tab)
            tab.goto(page.as_uri(), wait_until="commit")
            while not tab.evaluate("window.explorer !== undefined"):
                tab.wait_for_timeout(50)
            opened_cpu.append(round(clock.read()))
            opened.append(round(tab.evaluate("explorer.opened")))
            if number < repeats - 1:
                context.close()
        tab.wait_for_timeout(3000)
        timed_actions = Timed(tab, clock)
        for words in SEARCHES:
            for _ in range(repeats):
                timed_actions.run(f"search {words}", _SEARCH, words)
        tab.evaluate("explorer.page.clear()")
        for i in range(tab.locator("#filters button.value:visible").count()):
            # On and off again.
            for _ in range(2 * repeats):
                timed_actions.run(f"button {i}", _CLICK, i)
        for chart in range(tab.evaluate("explorer.page.renderers.filter(part => part.over).length")):
            for first in (1, 2, 3, 8, 20, 5):
                timed_actions.run(f"chart {chart}", _BRUSH, [chart, first])
            tab.evaluate("explorer.page.clear()")
        sorts = Timed(tab, clock)
        for order in tab.evaluate("[...document.getElementById('sort').options].map(option => option.value)"):
            sorts.run(order, _SORT, order)
        tab.evaluate("explorer.page.choose(10)")
        tab.wait_for_selector("#detail .tokens")
        heap = tab.evaluate("performance.memory.usedJSHeapSize")
        columns = tab.evaluate("d3.sum(Object.values(explorer.data.columns), c => c.byteLength)")
        renderers = [
            process.memory_info().rss
            for process in psutil.Process().children(recursive=True)
            if "--type=renderer" in process.cmdline()
        ]
    result: dict[str, object] = {"interactive_ms": opened, "interactive_cpu_ms": opened_cpu}
    for kind, times in (("filter_ms", timed_actions.wall), ("filter_cpu_ms", timed_actions.cpu)):
        values = pl.Series([float(value) for of_action in times.values() for value in of_action])
        result[kind] = {
            name: round(float(values.quantile(share) or 0), 1)
            for name, share in (("median", 0.5), ("p90", 0.9), ("most", 1.0))
        }
    slowest = sorted(timed_actions.cpu.items(), key=lambda item: -max(item[1]))[:5]
    return {
        **result,
        "slowest_cpu_ms": {name: round(max(values), 1) for name, values in slowest},
        "sort_ms": {name: round(values[0], 1) for name, values in sorts.wall.items()},
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
