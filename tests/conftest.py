"""What all tests share: examples that are the same each time, and a count of what each test exercised."""

from __future__ import annotations

import signal
from typing import Any, Protocol

import hypothesis
import pytest

# The same examples in every run and on every machine: a failure is never luck, nor is a success.
hypothesis.settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, print_blob=False
)
hypothesis.settings.load_profile("fixed")

# A shell that starts tests in the background has them, and what they start, ignore Ctrl+C; some ask about it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

EXERCISED = "exercised"

FIRST = (
    "tests/study/test_compare.py",  # compiles the model
    *("tests/figures/", "tests/report/", "tests/test_composition.py"),  # need nothing compiled
    *("tests/study/test_sweep.py", "tests/app/", "tests/policy/", "tests/reproducibility/"),
    *(
        "tests/test_docs_site.py",
        "tests/experiments/",
        "tests/equivalence/",
        "tests/test_config_robustness.py",
    ),
    *("tests/test_config_robustness.py", "tests/invariants/", "tests/analytic/", "tests/metamorphic/"),
    *("tests/study/", "tests/market/"),
)
"""What begins first, where two processes share the tests file by file.

On a new machine one compiles while the other does without; both would compile the same functions at the same
time otherwise, for a minute. What takes longest comes before what is short, so that both end at once.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in that order; files that are not named follow as they are found."""
    places = {item: [item.nodeid.startswith(one) for one in FIRST] for item in items}
    items.sort(key=lambda item: places[item].index(True) if any(places[item]) else len(FIRST))


class Exercised(Protocol):
    """Note a count, and fail where it is below its floor."""

    def __call__(self, what: str, count: int, at_least: int, nightly: int | None = None) -> None: ...


@pytest.fixture
def exercised(record_property: Any) -> Exercised:
    """Tell how much a test exercised; the counts are printed at the end of the run.

    A test that looks at nothing passes. So each says how much it looked at, how little would be too little,
    and, where it takes a sample, how many the nightly test takes.
    """

    def note(what: str, count: int, at_least: int, nightly: int | None = None) -> None:
        more = "" if nightly is None else f", nightly {nightly:,}"
        record_property(EXERCISED, f"{what}: {count:,} (at least {at_least:,}{more})")
        assert count >= at_least, f"only {count:,} {what}; at least {at_least:,} are needed to say anything"

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests exercised, in the order in which they ran."""
    lines = [
        f"{report.nodeid.partition('::')[2]}: {told}"
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, told in report.user_properties
        if name == EXERCISED
    ]
    if lines:
        terminalreporter.section("exercised")
        terminalreporter.write_line("\n".join(lines))
