"""The summary on the console."""

from __future__ import annotations

import io
import re
from string import Formatter

import pytest

from sim.outcomes.console import NARROWEST_TABLE, SECTIONS, plain, print_summary, rows
from sim.outcomes.indicators import INDICATORS, by_country, summary
from tests.figures import synthetic

WORLD = synthetic.world()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def year() -> synthetic.FrameSet:
    return synthetic.frames(workers=2000)


def test_every_name_in_the_table_is_an_indicator() -> None:
    texts = [text for lines in SECTIONS.values() for _, text in lines]
    names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    assert names <= set(INDICATORS)
    assert len(names) > 30
    assert list(SECTIONS) == ["Pay", "Hours", "Market", "Money", "North and South", "World, in a year"]


def test_values_are_written_for_people() -> None:
    numbers = {
        "pay_all_in_median": 1.4567,
        "pay_all_in_mean": 12345.678,
        "unpaid_share": 0.30555,
        "workers_active": 99_999,
        "workers_joined": 1_234_567,
        "workers_left": 0,
        "market_turnover": 2_379_603.465206,
        "hours_per_week_median": 5.44,
    }
    found = {
        label: text for _, label, text in rows({name: {"value": value} for name, value in numbers.items()})
    }
    assert found["hourly pay, all working time"] == "1.46 USD median, 12,345.68 mean"
    assert found["unpaid share of working time"] == "30.6 %"
    assert found["workers"] == "99,999; 1.23 m joined, 0 left"
    assert found["requesters spent"] == "2.38 m USD"
    assert found["working hours a week"] == "5.4 h median"
    assert found["fill rate"] == "n/a"


def test_what_is_missing_has_a_reason() -> None:
    found = {label: text for _, label, text in rows(summary(synthetic.nothing(), WORLD))}
    assert found["fill rate"] == "n/a: no days recorded"
    partly = {"pay_all_in_p10": {"value": 1.0}, "pay_all_in_p90": {"value": None, "reason": "none"}}
    assert ("Pay", "middle 80 % of workers", "1.00 to n/a USD") in rows(partly)


def test_plain_text_has_a_line_for_each_row_and_no_colour(year: synthetic.FrameSet) -> None:
    found = summary(year, WORLD)
    out = io.StringIO()
    print_summary(found, by_country(year, WORLD), out)
    lines = out.getvalue().splitlines()
    assert out.getvalue().isascii()
    assert max(map(len, lines)) <= 100
    assert len(lines) == sum(map(len, SECTIONS.values())) + len(SECTIONS) + 2 + 8
    fill = next(line for line in lines if line.startswith("  fill rate "))
    assert fill.split()[2:] == [f"{100 * found['fill_rate']['value']:.1f}", "%"]
    assert any("n < 200" in line for line in lines)
    assert lines[-1].startswith("  ")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_terminal_gets_a_table(
    year: synthetic.FrameSet, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    print_summary(summary(year, WORLD), by_country(year, WORLD), out)
    assert "\x1b[" in out.getvalue()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert max(len(line) for line in shown.splitlines()) <= columns
    assert "\u2026" not in shown, "something was cut off"
    for _, label, _ in rows(summary(year, WORLD)):
        assert label in shown
    assert "India" in shown
    assert "n < 200" in shown


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_plain_text_keeps_to_narrow_columns(
    year: synthetic.FrameSet, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Lines are broken and nothing is lost; without COLUMNS, they are as wide as a page."""
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = plain(summary(year, WORLD), by_country(year, WORLD))
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = plain(summary(year, WORLD), by_country(year, WORLD))
    assert max(map(len, wide.splitlines())) <= 100
    # Four columns of numbers need 55.
    assert max(map(len, narrow.splitlines())) <= max(columns, 58)
    assert sorted(narrow.split()) == sorted(wide.split())


def test_without_countries_there_is_no_list_of_them(year: synthetic.FrameSet) -> None:
    found = summary(year, WORLD)
    assert "Countries" not in plain(found)
    assert "Countries" not in plain(found, by_country(synthetic.nothing(), WORLD))


def test_it_goes_to_standard_output(year: synthetic.FrameSet, capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(year, WORLD)
    print_summary(found)
    assert capsys.readouterr().out == plain(found)


def test_a_narrow_terminal_gets_plain_text(year: synthetic.FrameSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of 40 columns would set two letters in a line."""
    found, countries = summary(year, WORLD), by_country(year, WORLD)
    for columns in (40, 59, 60, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        terminal = Terminal()
        print_summary(found, countries, terminal)
        told = terminal.getvalue()
        assert (told == plain(found, countries, columns)) == (columns < NARROWEST_TABLE)
        assert "median" in told and "USD" in told.split()
