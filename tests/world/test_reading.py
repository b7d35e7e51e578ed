"""A user's own country table: what is read, and how each mistake is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.world import load_world
from sim.world.countries import COLUMNS, TABLE_COLUMNS, UNSTATED
from sim.world.reading import BUILT_IN_TABLES, LARGEST_FILE_BYTES, MOST_COUNTRIES, TABLES_FOLDER

Rows = list[dict[str, str]]


def country(code: str, /, **cells: str) -> dict[str, str]:
    """Return one sound row; two of them make a sound table."""
    row = {
        "code": code,
        "name": f"Country {code}",
        "region": "Asia",
        "group": "south",
        "zones": "Asia/Kolkata:0.75|UTC+05:45:0.25",
        "population": "1000000",
        "internet_share": "0.5",
        "gdp_per_head_usd": "2000",
        "gdp_per_head_ppp": "7000",
        "price_level": "0.25",
        "labour_force": "400000",
        "outside_wage_usd": "0.8",
        "minimum_wage_usd": "0",
        "gini": "0.35",
        "worker_share": "0.5",
        "requester_share": "0.5",
        "corporate_tax": "0.25",
        "employer_contributions": "0.1",
        "social_media_users": "400000",
        "women_share": "0.3",
        "tertiary_share": "0.7",
        "note": "",
    }
    return row | cells


def write(file: Path, rows: Rows, columns: tuple[str, ...] = TABLE_COLUMNS) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.csv", [country("AAA"), country("BBB")])


def refusal(table: str | Path) -> UserError:
    with pytest.raises(UserError) as caught:
        load_world(table)
    assert len(str(caught.value).splitlines()) <= 5
    return caught.value


def refusal_of(tmp_path: Path, **cells: str) -> UserError:
    """Return the error of a table whose second country has some other cells."""
    return refusal(write(tmp_path / "mine.csv", [country("AAA"), country("BBB", **cells)]))


def test_a_sound_table_is_read(table: Path) -> None:
    world = load_world(table)
    assert world.codes == ("AAA", "BBB")
    assert world.table == str(table)
    assert world.zones == ("Asia/Kolkata", "UTC+05:45") * 2
    assert world.zone_country.tolist() == [0, 0, 1, 1]
    assert world.zone_weight.tolist() == [0.75, 0.25] * 2
    assert world.population.tolist() == [1_000_000] * 2
    assert set(world.marks.values()) == {UNSTATED}


def test_text_and_path_name_the_same_file(table: Path) -> None:
    assert load_world(str(table)).codes == load_world(table).codes


def test_spelling_of_the_file_does_not_matter(tmp_path: Path) -> None:
    rows = [country("AAA", name="Côte, East"), country("BBB")]
    plain = write(tmp_path / "plain.csv", rows, tuple(reversed(TABLE_COLUMNS))).read_text(encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_bytes(b"\xef\xbb\xbf" + plain.replace("\r\n", "\r\n\r\n").encode())
    assert load_world(other).names == ("Côte, East", "Country BBB")
    other.write_text(plain.replace("\r\n", "\n"), encoding="utf-8", newline="")
    assert load_world(other).population.tolist() == [1_000_000] * 2


def test_shares_within_rounding_are_made_exact(tmp_path: Path) -> None:
    zones = "Asia/Kolkata:0.333|Asia/Dhaka:0.333|Asia/Dubai:.333"
    rows = [country("AAA", worker_share="0.3333", zones=zones), country("BBB", worker_share="0.6664")]
    world = load_world(write(tmp_path / "mine.csv", rows))
    assert world.worker_share.sum() == pytest.approx(1, abs=1e-12)
    assert world.worker_share[0] == pytest.approx(0.3333 / 0.9997, abs=1e-12)
    assert world.zone_weight[:3].tolist() == pytest.approx([1 / 3] * 3, abs=1e-12)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_each_number_is_checked(tmp_path: Path, column: object) -> None:
    name, low, high = column.name, column.low, column.high  # type: ignore[attr-defined]
    below = str(int(low) - 1) if column.whole else str(low - 0.1)  # type: ignore[attr-defined]
    for cell in (
        below,
        str(int(high) + 1),
        "",
        "nan",
        "inf",
        "-inf",
        "1e309",
        "1_000",
        "0x10",
        "much",
        "1,5",
        "NO",
    ):
        error = refusal_of(tmp_path, **{name: cell})
        assert str(tmp_path / "mine.csv") in str(error)
        assert f"row 3 (BBB), column {name}" in str(error)
        assert error.value == cell
        assert f"from {low:g} to {high:g}" in error.allowed


@pytest.mark.parametrize(
    ("column", "cell", "allowed", "nearest"),
    [
        ("code", "IN", "three capital letters", ""),
        ("code", "ind", "three capital letters", ""),
        ("code", "AAA", "each code once", ""),
        ("name", "", "the name of the country", ""),
        ("name", "Country AAA", "each name once", ""),
        ("region", "Azia", "North America, Europe, Asia", "Asia"),
        ("group", "South", "north, south, mixed", "south"),
        ("zones", "", "zones with weights", ""),
        ("zones", "Asia/Kolkata", "zones with weights", ""),
        ("zones", "Asia/Kolkatta:1", "an IANA name", "Asia/Kolkata"),
        ("zones", "UTC+25:00:1", "an IANA name", ""),
        ("zones", "Asia/Kolkata:0.5|Asia/Kolkata:0.5", "zones with weights", ""),
        ("zones", "Asia/Kolkata:0.5|Asia/Dhaka:0.4", "weights that sum to 1", ""),
        ("zones", "Asia/Kolkata:one", "zones with weights", ""),
        ("zones", "Asia/Kolkata:0.9|Asia/Dhaka:0", "weights above 0", ""),
        ("zones", "Asia/Kolkata:nan", "zones with weights", ""),
        ("labour_force", "1000001", "up to 1000000", ""),
        ("population", "12.5", "a whole number", ""),
    ],
)
def test_each_kind_of_cell_is_checked(
    tmp_path: Path, column: str, cell: str, allowed: str, nearest: str
) -> None:
    error = refusal_of(tmp_path, **{column: cell})
    assert f"column {column}" in str(error)
    assert "row 3" in str(error)
    assert error.value == cell
    assert allowed in error.allowed
    assert error.nearest == nearest


@pytest.mark.parametrize("column", ["worker_share", "requester_share"])
def test_shares_must_sum_to_one(tmp_path: Path, column: str) -> None:
    error = refusal_of(tmp_path, **{column: "0.4"})
    assert f"column {column}" in str(error)
    assert error.value == 0.9
    assert "sum to 1" in error.allowed


@pytest.mark.parametrize("column", TABLE_COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    columns = tuple(name for name in TABLE_COLUMNS if name != column)
    error = refusal(write(tmp_path / "mine.csv", [country("AAA"), country("BBB")], columns))
    assert f"column {column} is missing" in str(error)


def test_unknown_and_doubled_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = [country("AAA", ginny="0"), country("BBB", ginny="0")]
    error = refusal(write(file, rows, (*TABLE_COLUMNS, "ginny")))
    assert (error.value, error.nearest) == ("ginny", "gini")
    error = refusal(write(file, rows, (*TABLE_COLUMNS, "gini")))
    assert error.value == "gini"
    assert "column given twice" in str(error)


def test_rows_must_fit_the_header(table: Path) -> None:
    text = table.read_text(encoding="utf-8")
    table.write_text(text + "CCC,only three,cells\n", encoding="utf-8")
    error = refusal(table)
    assert "row 4: wrong number of cells" in str(error)
    assert error.value == 3


def test_the_number_of_countries_is_limited(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    assert refusal(write(file, [])).value == 0
    codes = [a + b + c for a in "ABCDEFG" for b in "ABCDEFG" for c in "ABCDEFG"][: MOST_COUNTRIES + 1]
    rows = [
        country(code, worker_share=f"{1 / MOST_COUNTRIES:.6f}", requester_share=f"{1 / MOST_COUNTRIES:.6f}")
        for code in codes
    ]
    assert refusal(write(file, rows)).value == MOST_COUNTRIES + 1
    assert len(load_world(write(file, rows[:MOST_COUNTRIES]))) == MOST_COUNTRIES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "column code is missing"),
        (b"\x00\x01\x02", "unknown column"),
        ("code,name\nAAA,Côte".encode("latin-1"), "not UTF-8"),
        (b'code,name\n"AAA,x', "not a CSV file"),
        (b"code;name\nAAA;x", "unknown column"),
        (b"x" * (LARGEST_FILE_BYTES + 1), "file too large"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    error = refusal(file)
    assert message in str(error)
    assert str(file) in str(error)


@pytest.mark.parametrize("name", ["globel", "", ".", "nowhere.csv", "/", "a" * 5000, "bad\x00name"])
def test_names_of_no_table_are_refused(name: str) -> None:
    error = refusal(name)
    assert "world.table" in str(error)
    assert "six_regions" in error.allowed
    assert name != "globel" or error.nearest == "world.table=global"
    load_world(error.nearest.removeprefix("world.table="))


def test_a_table_beside_a_wrong_name_is_named_only_if_it_is_one(table: Path) -> None:
    (table.parent / "mines.csv").write_text("a,b\n1,2\n")
    assert refusal(str(table.parent / "minee.csv")).nearest == f"world.table={table}"
    assert refusal(str(table.parent / "minesx.csv")).nearest.removeprefix("world.table=") in BUILT_IN_TABLES


def test_marks_beside_a_table_are_read_by_precedence(table: Path) -> None:
    lines = [
        "table,code,column,mark,source",
        "mine,*,*,assumed,everything",
        "mine,*,gini,derived,by_column",
        "mine,BBB,*,memory,by_country",
        "mine,BBB,gini,source,by_cell",
        "other,*,gini,source,elsewhere",
    ]
    (table.parent / "marks.csv").write_text("\n".join(lines), encoding="utf-8")
    world = load_world(table)
    assert world.mark("AAA", "population") == ("assumed", "everything")
    assert world.mark("AAA", "gini") == ("derived", "by_column")
    assert world.mark("BBB", "population") == ("memory", "by_country")
    assert world.mark("BBB", "gini") == ("source", "by_cell")


@pytest.mark.parametrize(
    ("line", "column", "nearest"),
    [
        ("mine,CCC,gini,source,x", "code", ""),
        ("mine,AAA,ginny,source,x", "column", "gini"),
        ("mine,AAA,gini,sauce,x", "mark", "source"),
        ("mine,AAA,gini,source,", "source", ""),
        ("mine,AAA,gini,source,x\nmine,AAA,gini,source,x", "column", ""),
    ],
)
def test_wrong_marks_are_refused(table: Path, line: str, column: str, nearest: str) -> None:
    marks = table.parent / "marks.csv"
    marks.write_text(f"table,code,column,mark,source\n{line}\n", encoding="utf-8")
    error = refusal(table)
    assert str(marks) in str(error)
    assert f"column {column}" in str(error)
    if nearest:
        assert error.nearest == nearest


def test_the_built_in_tables_are_plain_text() -> None:
    files = sorted(TABLES_FOLDER.glob("*.csv"))
    assert len(files) == 6
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.isascii()
        assert "\r" not in text
        width = {len(line) for line in csv.reader(io.StringIO(text))}
        assert len(width) == 1
