"""The page itself: widgets over `state`, progress from `desk`, what came out by `results` and `sweeps`.

Streamlit runs this file from top to bottom whenever someone moves something.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from sim.app import results, shared, sweeps
from sim.app import state as states
from sim.app.desk import BROKEN, RUNNING, STOPPED, WAITING, Job
from sim.app.player import COMPILING
from sim.app.results import Found
from sim.app.state import SPANS, WHOLE, State
from sim.errors import UserError
from sim.figures import study as of_study

SECTIONS = {
    "changes": ("What changes", (("changes",), ("winners",)), "comparison"),
    "clock": ("Clock", (("clock", "clock_baseline"),), ""),
    "map": ("Map", (("map",),), "countries"),
    "pay": ("Pay", (("pay", "pay_baseline"), ("lorenz", "lorenz_baseline")), ""),
    "money": ("Money", (("money",), ("money_baseline",)), "flows"),
}
"""Sections of the page: heading, figures that stand side by side, and the table of the comparison behind."""

RUN_TABLE_OF = {"clock": "clock", "pay": "workers"}
"""The table of the runs behind a section that shows the runs of the first seed."""

SHOW, SWEEP = "show", "sweep"
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
    kept, state = st.session_state, State()
    kept.session, kept.job, kept.problem = secrets.token_hex(16), None, None
    kept.sweep_query = query if show == SWEEP else {}
    try:
        if show not in (*SECTIONS, SWEEP):
            raise UserError("is no section of the page.", path=SHOW, value=show,
                            allowed=", ".join((*SECTIONS, SWEEP)), nearest=f"{SHOW}=changes")  # fmt: skip
        state = State() if show == SWEEP else states.from_query(query)
    except UserError as error:
        kept.problem, show = error, "changes"
    kept.section = show if show in SECTIONS else "changes"
    kept.view = SWEEP if show == SWEEP and shared.get().sweep_folder else "market"
    for name, value in asdict(state).items():
        kept[name] = list(value) if name == "policies" else value


def main() -> None:
    """Show the page."""
    st.set_page_config(page_title="clickmarket", page_icon="🕐", layout="wide")
    if "session" not in st.session_state:
        begin()
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
    ask_and_wait(state)
    job = shared.get().desk.found(state)
    section = st.session_state.section
    st.query_params.from_dict(query_of(state, section))
    if job is None:
        if not is_playing(state):
            st.info("Nothing has been played for these settings. Press **Run** in the sidebar.")
    else:
        show_found(state, results.read(job))
    show_commands(states.commands(state), query_of(state, section))


def query_of(state: State, section: str) -> dict[str, str]:
    """Return the query of a link to a state and a section."""
    return {**states.to_query(state), **({SHOW: section} if section != "changes" else {})}


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


def ask_and_wait(state: State) -> None:
    """Show the buttons; start and cancel; show how far a request is."""
    kept, desk = st.session_state, shared.get().desk
    if st.sidebar.button("Run", type="primary", key="run", width="stretch"):
        try:
            kept.job = desk.ask(kept.session, state)
        except UserError as error:
            tell(error)
    job: Job | None = kept.job
    if job is None:
        return
    if job.status in (WAITING, RUNNING):
        st.fragment(watch, run_every=POLL_SECONDS)(job)
    elif job.status == BROKEN and job.error is not None:
        tell(job.error)
    elif job.status == STOPPED:
        st.warning("Cancelled; nothing is kept of it.")


def is_playing(state: State) -> bool:
    """Whether exactly this state is waiting or played for the session."""
    job: Job | None = st.session_state.job
    return job is not None and job.status in (WAITING, RUNNING) and job.key == states.key_of(state)


def watch(job: Job) -> None:
    """Show how far a request is, and a button that cancels it; called anew twice a second."""
    desk = shared.get().desk
    if job.status not in (WAITING, RUNNING):
        st.rerun()
    elif job.status == WAITING:
        st.progress(0.0, text=f"Waiting: {desk.position(job)} before this one")
    elif job.phase == COMPILING:
        st.progress(job.share, text="Compiling the model for this machine, once: about a minute")
    else:
        st.progress(job.share, text=f"Playing {states.runs_of(job.state)} runs: {job.share:.0%}")
    if st.button("Cancel", key="cancel"):
        desk.cancel(st.session_state.session)
        st.rerun()


def show_found(state: State, found: Found) -> None:
    """Show numbers and figures of a finished request."""
    for remark in results.remarks(found):
        st.caption(remark)
    columns = st.columns(len(results.HEADLINES))
    for column, (metric, label) in zip(columns, results.HEADLINES.items(), strict=True):
        unit, value, change = results.headline(found, metric)
        column.metric(label, value, help=f"In {found.scenario}, {unit}")
        column.caption(f"{unit}; {change} against {found.baseline}")
    names = {name: heading for name, (heading, _, _) in SECTIONS.items()}
    st.segmented_control("Show", list(names), key="section", format_func=names.__getitem__, required=True)
    section = st.session_state.section
    _, figures, table = SECTIONS[section]
    if section == "changes":
        show_world(found)
    for pair in figures:
        columns = st.columns(len(pair))
        for column, name in zip(columns, pair, strict=True):
            of_baseline = name.endswith("_baseline")
            heading = f"Baseline: {found.baseline}" if of_baseline else f"Scenario: {found.scenario}"
            with column:
                st.markdown(f"**{heading}**")
                show_figure(found.key, name, partial(results.FIGURES[name], found))
    if table:
        show_table(found, table)
    if section in RUN_TABLE_OF:
        show_runs(state, found, RUN_TABLE_OF[section])


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


def show_figure(key: str, name: str, draw: Callable[[], Any]) -> None:
    """Show a figure and offer it as a file."""
    images = shared.get().images
    st.image(images.of(key, name, "png", draw), width=images.width(key, name, draw))
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
        f"Clock, pay and inequality are those of the runs with seed {state.seed}, one for each scenario."
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
    point, outcome, axis = choose_point(sweep, kept.sweep_place)
    kept.sweep_place = point, outcome, axis
    query = {SHOW: SWEEP, **sweeps.to_query(point, outcome, axis)}
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
    curve = partial(draw_curve, sweep, outcome, axis)
    show_figure(key, f"{outcome}-along-{axis}", curve)
    st.table(spelt_table(table))
    left, right = st.columns(2)
    download(left, f"point-{point}.csv", partial(sweeps.as_csv, table), "text/csv")
    download(right, f"point-{point}.parquet", partial(sweeps.as_parquet, table))
    show_commands(sweeps.command(sweep, point), query)


def choose_point(sweep: Any, place: tuple[int, str, str]) -> tuple[int, str, str]:
    """Show widgets over the settings that vary; return a point, an outcome and the setting to draw along."""
    side, (point, outcome, axis) = st.sidebar, place
    names = sweeps.outcomes(sweep)
    outcome = side.selectbox("Outcome", names, index=names.index(outcome))
    axis = side.selectbox("Drawn along", sweep.axes, index=sweep.axes.index(axis)) if sweep.axes else ""
    table, values = sweeps.points(sweep), sweeps.choices(sweep)
    if not values:
        number = side.select_slider("Point", [int(one) for one in table.index], value=point)
        side.table(table.loc[number].astype(str))
        return int(number), outcome, axis
    chosen = {}
    for name, options in values.items():
        at = table[name].tolist()[list(table.index).index(point)]
        if len(options) > 1:
            chosen[name] = side.select_slider(name, options, value=at)
    return sweeps.point_at(sweep, chosen), outcome, axis


def draw_curve(sweep: Any, outcome: str, axis: str) -> Any:
    """Draw an outcome along a setting."""
    return of_study.curve(sweep, outcome, sweeps.along(sweep, outcome, axis))


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
