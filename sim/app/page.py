"""The page itself: widgets over `state`, progress from `desk`, what came out by `results` and `sweeps`.

Streamlit runs this file from top to bottom whenever someone moves something.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from sim.app import results, shared, sweeps
from sim.app import state as states
from sim.app.desk import BROKEN, RUNNING, STOPPED, WAITING, Job
from sim.app.player import COMPILING
from sim.app.results import Found
from sim.app.state import SPANS, WHOLE, State
from sim.errors import UserError, one_of


class Section(NamedTuple):
    """A section of the page: its heading, rows of figures of the gallery, and the tables behind them."""

    heading: str
    figures: tuple[tuple[str, ...], ...]
    tables: tuple[str, ...] = ()
    of_runs: str = ""


SECTIONS = {
    "changes": Section(
        "What changes", (("comparison-forest",), ("comparison-winners",), ("comparison-fan",)),
        ("comparison", "weeks"),
    ),
    "clock": Section(
        "Clock", (("comparison-clock",), ("baseline-clock", "scenario-clock"),
                  ("baseline-week", "scenario-week")), ("clock",), "weekdays",
    ),
    "map": Section("Map", (("comparison-transfers",), ("comparison-hours",)), ("countries", "hours")),
    "pay": Section(
        "Pay", (("comparison-pay", "comparison-lorenz"), ("comparison-deciles",),
                ("baseline-pay", "scenario-pay")), ("spread",), "workers",
    ),
    "money": Section(
        "Money", (("comparison-money-baseline",), ("comparison-money",)), ("flows", "incidence")
    ),
    "more": Section("All figures", ()),
}  # fmt: skip
"""Sections of the page; those of runs, with the first seed, are there first."""

FIRST = ("clock", "pay", "more")
"""Sections that have something to show before there is a comparison."""

NARROW = """<style>
@media (max-width: 700px) {
  [class*="st-key-wide-"] [data-testid="stImage"] { overflow-x: auto; width: 100% }
  [class*="st-key-wide-"] [data-testid="stImage"] > * { width: max-content !important; max-width: none }
  [class*="st-key-wide-"] img { max-width: none !important; width: 820px !important }
}
@media (min-width: 701px) { .st-key-beside-run { display: none } }
</style>"""
"""On a narrow screen wide figures keep a size at which they can be read, and are moved sideways.

There the sidebar lies over the page, so how far a request is stands in the sidebar as well, above Run.
"""

BESIDE_RUN = "beside-run"
WIDE_PIXELS = 700
SHOW, FIGURE, SWEEP = "show", "figure", "sweep"
POLL_SECONDS = 0.5
SIZES = ("workers", "days", "warmup", "seeds", "seed")
TAX_OF = {"usage_tax": "usage_tax", "turnover_tax": "turnover_tax", "profit_tax": "profit_tax",
          "income": states.INCOME}  # fmt: skip
"""The policy without which a number has no effect."""


def tell(error: UserError) -> None:
    """Show a mistake of the user's: as plain text, whatever is in it."""
    st.error("Not possible:")
    st.code(str(error), language=None)


def begin() -> None:
    """Take the state of a new session from the link that it was opened with."""
    query = dict(st.query_params)
    show = query.pop(SHOW, "changes")
    figure = query.pop(FIGURE, "") if show == "more" else ""
    kept, state = st.session_state, State()
    kept.session, kept.job, kept.problem = secrets.token_hex(16), None, None
    kept.sweep_query = query if show == SWEEP else {}
    try:
        one_of(SHOW, show, (*SECTIONS, SWEEP), "is no section of the page.")
        if figure:
            one_of(FIGURE, figure, results.known_names(), "is no figure of the page.")
        state = State() if show == SWEEP else states.from_query(query)
    except UserError as error:
        kept.problem, show, figure = error, "changes", ""
    kept.section = show if show in SECTIONS else "changes"
    kept.figure = figure or results.known_names()[0]
    kept.view = SWEEP if show == SWEEP and shared.get().sweep_folder else "market"
    for name, value in asdict(state).items():
        kept[name] = list(value) if name == "policies" else value


def main() -> None:
    """Show the page."""
    st.set_page_config(page_title="clickmarket", page_icon="🕐", layout="wide")
    if "session" not in st.session_state:
        begin()
    st.html(NARROW)
    st.title("clickmarket")
    if st.session_state.problem is not None:
        tell(st.session_state.problem)
        st.caption("The link holds something that is not allowed, so the page shows what is usual.")
    if shared.get().sweep_folder:
        names = {"market": "Market", SWEEP: "Sweep"}
        st.segmented_control("View", list(names), key="view", format_func=names.__getitem__, required=True)
        if st.session_state.view == SWEEP:
            show_sweep()
            return
    show_market()


# ---------------------------------------------------------------- a market


def show_market() -> None:
    """Show what is chosen, and what came of it."""
    try:
        state = choose()
        states.configs(state)
    except UserError as error:
        tell(error)
        return
    beside_run = st.sidebar.container(key=BESIDE_RUN)
    ask_and_wait(state, beside_run)
    job = shared.get().desk.found(state) or playing(state)
    if job is not None and (job.paths or job.so_far):
        beside_run.info("Results are on the page: close the sidebar to see them.")
        show_found(state, results.read(job), job)
    elif job is None:
        st.info("Nothing has been played for these settings. Press **Run** in the sidebar.")
    query = query_of(state)
    st.query_params.from_dict(query)
    show_commands(states.commands(state), query)


def query_of(state: State) -> dict[str, str]:
    """Return the query of a link to a state and what is shown of it."""
    section = st.session_state.section
    shown = {SHOW: section} if section != "changes" else {}
    return {
        **states.to_query(state),
        **shown,
        **({FIGURE: st.session_state.figure} if section == "more" else {}),
    }


def choose() -> State:
    """Show the widgets and return what they are set to."""
    side, kept = st.sidebar, st.session_state
    side.selectbox("World", states.worlds(), key="world")
    side.multiselect("Policies", states.policies(), key="policies")
    for name in ("pay", "fee", *TAX_OF):
        needed = TAX_OF.get(name)
        slide(side, name, disabled=needed is not None and needed not in kept.policies)
    size = side.expander("Size, days, seeds")
    for name in SIZES:
        slide(size, name)
    chosen: dict[str, Any] = {name: kept[name] for name in asdict(State())}
    return State(**{**chosen, "policies": tuple(chosen["policies"])})


def slide(place: Any, name: str, disabled: bool = False) -> None:
    """Show the slider of a number, or a box for one of many values."""
    span, kind = SPANS[name], int if name in WHOLE else float
    st.session_state[name] = kind(st.session_state[name])
    show: Callable[..., Any] = place.number_input if name == "seed" else place.slider
    label = f"{span.label} ({span.unit})" if span.unit else span.label
    show(label, kind(span.low), kind(span.high), step=kind(span.step), key=name, disabled=disabled)


def ask_and_wait(state: State, beside_run: Any) -> None:
    """Show the buttons; start and cancel; show how far a request is, on the page and beside Run."""
    kept, desk = st.session_state, shared.get().desk
    refused: UserError | None = None
    if st.sidebar.button("Run", type="primary", key="run", width="stretch"):
        try:
            kept.job = desk.ask(kept.session, state)
        except UserError as error:
            refused = error
    for place, cancel in ((st.container(), "cancel"), (beside_run, "cancel beside")):
        with place:
            if refused is not None:
                tell(refused)
            if kept.job is not None:
                show_request(kept.job, cancel)


def show_request(job: Job, cancel: str) -> None:
    """Show how far a request is, or why it ended without results; ``cancel`` is the key of its button."""
    if job.status in (WAITING, RUNNING):
        st.fragment(watch, run_every=POLL_SECONDS)(job, job.so_far, cancel)
    elif job.status == BROKEN and job.error is not None:
        tell(job.error)
    elif job.status == STOPPED:
        st.warning("Cancelled; nothing is kept of it.")


def playing(state: State) -> Job | None:
    """Return the request of the session if exactly this state is waiting or played."""
    job: Job | None = st.session_state.job
    here = job is not None and job.status in (WAITING, RUNNING) and job.key == states.key_of(state)
    return job if here else None


def watch(job: Job, shown: Any, cancel: str) -> None:
    """Show how far a request is, and a button that cancels it; called anew twice a second."""
    desk = shared.get().desk
    if job.status not in (WAITING, RUNNING) or job.so_far is not shown:
        st.rerun()
    elif job.status == WAITING:
        st.progress(0.0, text=f"Waiting: {desk.position(job)} before this one")
    else:
        st.progress(job.share, text=how_far(job, time.monotonic()))
    if st.button("Cancel", key=cancel):
        desk.cancel(st.session_state.session)
        st.rerun()


def how_far(job: Job, now: float) -> str:
    """Say how far a request is, and how long it will take."""
    if job.phase == COMPILING:
        return "Compiling the model for this machine, once: about a minute"
    left = job.seconds_left(now)
    told = f"Playing {states.runs_of(job.state)} runs: {job.share:.0%}"
    if left is None:
        return told
    minutes, seconds = divmod(round(left), 60)
    return f"{told}, about {f'{minutes} min ' if minutes else ''}{seconds} s left"


def show_found(state: State, found: Found, job: Job) -> None:
    """Show numbers and figures of a request that is finished, or those that are there already."""
    if found.comparison is None:
        st.info("The runs of the first seed are there; differences follow when two seeds are played.")
    else:
        if not job.paths:
            st.info(f"So far {found.seeds} of {state.seeds} seeds; more make the intervals narrower.")
        show_headlines(found)
    choose_section(found)
    section = st.session_state.section
    if found.comparison is None and section not in FIRST:
        section = FIRST[0]
    _, figures, tables, of_runs = SECTIONS[section]
    there = results.names(found)
    if section == "more":
        figures = ((choose_figure(there),),)
    if section == "changes":
        show_world(found)
    for row in figures:
        names = [name for name in row if name in there]
        for place, name in zip(st.columns(len(names)) if names else [], names, strict=True):
            with place:
                show_named(found, name)
    if section == "money" and found.comparison is not None:
        show_incidence(found)
    if found.comparison is not None:
        for name in tables:
            show_table(found, name)
    if of_runs:
        show_runs(state, found, of_runs)


def choose_section(found: Found) -> None:
    """Show the names of the sections, and keep which was chosen."""
    names = {name: one.heading for name, one in SECTIONS.items()}
    st.segmented_control("Show", list(names), key="section", format_func=names.__getitem__, required=True)


def choose_figure(there: list[str]) -> str:
    """Show the names of all figures that there are, and return the one that was chosen."""
    kept = st.session_state
    if kept.figure not in there:
        kept.figure = there[0]
    return str(st.selectbox("Figure", there, key="figure", format_func=results.about))


def show_headlines(found: Found) -> None:
    """Show the first numbers, and what a reader should know of them."""
    for remark in results.remarks(found):
        st.caption(remark)
    columns = st.columns(len(results.HEADLINES))
    for column, (metric, label) in zip(columns, results.HEADLINES.items(), strict=True):
        unit, value, change = results.headline(found, metric)
        column.metric(label, value, help=f"In {found.scenario}, {unit}")
        column.caption(f"{unit}; {change} against {found.baseline}")


def show_named(found: Found, name: str) -> None:
    """Show a figure of the gallery under a heading that says of what it is."""
    part = name.partition("-")[0]
    of_one = {results.OF_BASELINE: found.baseline, results.OF_SCENARIO: found.scenario}
    if name == results.MONEY_BEFORE:
        st.markdown(f"**Baseline: {found.baseline}, mean of all seeds**")
    elif name == results.MONEY_AFTER:
        st.markdown(f"**Scenario: {found.scenario}, mean of all seeds**")
    elif part in of_one:
        st.markdown(f"**{part.capitalize()}: {of_one[part]}, first seed**")
    else:
        st.markdown(f"**{found.scenario}, against {found.baseline}**")
    show_figure(found.key, name, partial(results.figure, found, name))


def show_world(found: Found) -> None:
    """Show outcomes of the world in both scenarios, with the paired difference and its interval."""
    table = results.world_table(found)
    spelt = {
        "Outcome": [f"{row.outcome} ({row.unit})" for row in table.itertuples()],
        found.baseline: map(results.digits, table["baseline"]),
        found.scenario: map(results.digits, table["value"]),
        "Difference": map(results.signed, table["difference"]),
        "95 % from": map(results.signed, table["low"]),
        "to": map(results.signed, table["high"]),
    }
    st.table({name: list(values) for name, values in spelt.items()})


def show_incidence(found: Found) -> None:
    """Show who gains and who pays in cash, in the world, with the paired difference and its interval."""
    table = results.money_table(found)
    columns = {"baseline": found.baseline, "value": found.scenario}
    st.markdown("**Who gains and who pays, in cash (USD of the model; differences add up to 0)**")
    st.table(
        {
            "Line": table["line"].tolist(),
            **{title: list(map(results.digits, table[name])) for name, title in columns.items()},
            "Difference": list(map(results.signed, table["difference"])),
            "95 % from": list(map(results.signed, table["low"])),
            "to": list(map(results.signed, table["high"])),
        }
    )


def show_figure(key: str, name: str, draw: Callable[[], Any]) -> None:
    """Show a figure and offer it as a file."""
    images = shared.get().images
    width = images.width(key, name, draw)
    with st.container(key=f"wide-{name}" if width > WIDE_PIXELS else f"column-{name}"):
        st.image(images.of(key, name, "png", draw), width=width)
    left, right = st.columns(2)
    for place, ending in zip((left, right), results.FORMATS, strict=True):
        content = partial(images.of, key, name, ending, draw)
        download(place, f"{name}.{ending}", content, f"image/{'svg+xml' if ending == 'svg' else 'png'}")


def show_table(found: Found, name: str) -> None:
    """Offer a table of the comparison as a file."""
    left, right = st.columns(2)
    download(left, f"{name}.csv", partial(results.table_file, found, name, "csv"), "text/csv")
    download(right, f"{name}.parquet", partial(results.table_file, found, name, "parquet"))


def show_runs(state: State, found: Found, name: str) -> None:
    """Offer a table of both runs as files."""
    st.caption(
        f"Figures of the first seed are those of the runs with seed {state.seed}, one for each scenario."
    )
    for number, scenario in enumerate(found.runs):
        which = "baseline" if number == 0 else "scenario"
        left, right = st.columns(2)
        folder = shared.get().desk.folder
        download(
            left, f"{name}_{which}.csv", partial(results.run_csv, found, scenario, name, folder), "text/csv"
        )
        download(right, f"{name}_{which}.parquet", partial(results.run_file, found, scenario, name))


def download(
    place: Any, name: str, content: Callable[[], bytes], kind: str = "application/octet-stream"
) -> None:
    """Show a button that downloads a file, which is made when it is wanted."""
    place.download_button(
        name, content, name, kind, key=f"download {name}", width="stretch", on_click="ignore"
    )


def show_commands(commands: str, query: dict[str, str]) -> None:
    """Show what reproduces the page: commands, and a link for this machine."""
    st.subheader("The same on a command line")
    st.code(commands, language="bash", wrap_lines=True)
    st.subheader("A link to this page")
    st.code(states.link(shared.address(), query), language=None, wrap_lines=True)


# ---------------------------------------------------------------- a sweep


def show_sweep() -> None:
    """Show the points of the sweep that the page was started with."""
    common, kept = shared.get(), st.session_state
    if common.sweep is None or st.sidebar.button("Read again", help="The sweep may have gone on."):
        try:
            common.sweep = sweeps.open_sweep(common.sweep_folder)
        except UserError as error:
            tell(error)
            return
    sweep = common.sweep
    if kept.sweep_query is not None:
        try:
            kept.sweep_place = sweeps.from_query(sweep, kept.sweep_query)
        except UserError as error:
            tell(error)
            kept.sweep_place = sweeps.from_query(sweep, {})
        kept.sweep_query = None
    place = choose_point(sweep, kept.sweep_place)
    kept.sweep_place = place
    point, outcome, _, _ = place
    query = {SHOW: SWEEP, **sweeps.to_query(place)}
    st.query_params.from_dict(query)
    table = sweeps.at_point(sweep, point)
    row = table.set_index("outcome").loc[outcome].to_dict()
    st.metric(
        f"{outcome} ({row['unit']}) at point {point}",
        results.digits(row["mean"]),
        f"[{results.digits(row['low'])}, {results.digits(row['high'])}], {row['runs']} runs;"
        f" first point {results.digits(row['first point'])}",
        delta_color="off",
        delta_arrow="off",
    )
    key = f"{sweep.path} {len(sweep.experiments)}"
    try:
        show_figure(key, sweeps.file_of(place), partial(sweeps.figure, sweep, place))
    except UserError as error:
        tell(error)
    st.table(spelt_table(table))
    left, right = st.columns(2)
    download(left, f"point-{point}.csv", partial(sweeps.as_csv, table), "text/csv")
    download(right, f"point-{point}.parquet", partial(sweeps.as_parquet, table))
    show_commands(sweeps.command(sweep, point), query)


def choose_point(sweep: Any, place: sweeps.Place) -> sweeps.Place:
    """Show widgets over figures, outcomes and the settings that vary; return what is chosen."""
    side, (point, outcome, axis, figure) = st.sidebar, place
    names, figures = sweeps.outcomes(sweep), sweeps.figures(sweep)
    figure = side.selectbox("Figure", figures, index=figures.index(figure), format_func=sweeps.about)
    outcome = side.selectbox("Outcome", names, index=names.index(outcome))
    axis = side.selectbox("Drawn along", sweep.axes, index=sweep.axes.index(axis)) if sweep.axes else ""
    table, values = sweeps.points(sweep), sweeps.choices(sweep)
    if not values:
        number = side.select_slider("Point", [int(one) for one in table.index], value=point)
        side.table(table.loc[number].astype(str))
        return sweeps.Place(int(number), outcome, axis, figure)
    chosen = {}
    for name, options in values.items():
        at = table[name].tolist()[list(table.index).index(point)]
        if len(options) > 1:
            chosen[name] = side.select_slider(name, options, value=at)
    return sweeps.Place(sweeps.point_at(sweep, chosen), outcome, axis, figure)


def spelt_table(table: Any) -> dict[str, list[str]]:
    """Return the outcomes at a point in texts."""
    return {
        "Outcome": [f"{row.outcome} ({row.unit})" for row in table.itertuples()],
        **{
            name: [results.digits(value) for value in table[name]]
            for name in ("mean", "low", "high", "first point")
        },
        "runs": [str(value) for value in table["runs"]],
    }


if __name__ == "__main__":  # Streamlit runs this file as the main program; who spawns from there imports it
    main()
