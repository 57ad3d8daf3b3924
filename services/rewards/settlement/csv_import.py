"""Read a venue report from CSV, as tills and Excel write it. Errors name the row."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from services.rewards.settlement.reports import MOST_LINES, ReportLine
from shared.core.problems import Unprocessable

MOST_ERRORS = 100
COLUMNS = {
    "reference": "reference",
    "流水号": "reference",
    "voucher_id": "voucher_id",
    "券编号": "voucher_id",
    "redeemed_on": "redeemed_on",
    "核销日期": "redeemed_on",
    "amount_fen": "amount_fen",
    "金额（分）": "amount_fen",
}
"""The names that a header may use, and the field that each means."""
ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what Excel writes in China; it includes GBK


class UnreadableList(Unprocessable):
    """This report cannot be read; nothing of it was stored."""


@dataclass(frozen=True, slots=True)
class RowError:
    """One error of a file, as the problem document lists it."""

    pointer: str  #: /row, or /row/column
    row: int  #: the header is row 1
    detail: str


def read_csv(raw: bytes) -> list[ReportLine]:
    """Read the lines of a CSV file with a header row; all or none.

    Raises UnreadableList, naming rows; the header is row 1.
    """
    rows = _rows(_decode(raw))
    _, header = next(rows, (1, []))
    columns = _columns(header)
    lines: list[ReportLine] = []
    errors: list[RowError] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) == MOST_LINES:
            raise UnreadableList(f"More than {MOST_LINES} lines.")
        try:
            lines.append(_line(columns, cells))
        except ValueError as error:
            errors += _row_errors(number, error)
        if len(errors) >= MOST_ERRORS:
            break
    if errors:
        raise _unreadable(errors[:MOST_ERRORS])
    return lines


def _decode(raw: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableList("The file is neither UTF-8 nor GB 18030 text.")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise _unreadable([_error(reader.line_num, None, f"not CSV: {error}")]) from None


def _columns(header: Sequence[str]) -> list[str]:
    """Return the field of each column. Raises UnreadableList."""
    names = [name.strip().lower() for name in header]
    if not names or any(name not in COLUMNS for name in names):
        raise _unreadable([_error(1, None, f"unknown columns; known: {', '.join(COLUMNS)}")])
    columns = [COLUMNS[name] for name in names]
    if len(set(columns)) < len(columns) or "reference" not in columns:
        raise _unreadable([_error(1, None, "each column once, and one of them is the reference")])
    return columns


def _line(columns: list[str], cells: list[str]) -> ReportLine:
    """Read one row. Raises ValueError, or pydantic's ValidationError, which is one."""
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells under {len(columns)} columns")
    stripped = ((name, cell.strip()) for name, cell in zip(columns, cells, strict=True))
    fields = {name: _value_of(name, cell) for name, cell in stripped if cell}
    return ReportLine.model_validate(fields)


def _value_of(name: str, cell: str) -> str | int:
    return _whole_fen(cell) if name == "amount_fen" else cell


def _whole_fen(cell: str) -> int:
    # `int` alone would also read `１２`, ` 1_000 ` and numbers of any length.
    if not (cell.isascii() and cell.isdigit() and len(cell) < 12):
        raise ValueError("amount_fen: should be a whole number of fen")
    return int(cell)


def _row_errors(number: int, error: ValueError) -> list[RowError]:
    if not isinstance(error, ValidationError):
        return [_error(number, None, str(error))]
    return [
        _error(number, str(one["loc"][0]) if one["loc"] else None, one["msg"])
        for one in error.errors(include_input=False, include_url=False)
    ]


def _error(row: int, column: str | None, detail: str) -> RowError:
    return RowError(f"/{row}/{column}" if column else f"/{row}", row, detail)


def _unreadable(errors: Sequence[RowError]) -> UnreadableList:
    first = errors[0]
    return UnreadableList(
        f"Row {first.row}: {first.detail}", errors=[asdict(error) for error in errors]
    )
